//! A server from its listeners to its last joined thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use protocol::limits::SHUTDOWN_GRACE;

use crate::accept::acceptor::Acceptor;
use crate::accept::capacity::{self, Capacity};
use crate::accept::listener::Listener;
use crate::advertise::{self, Advertiser};
use crate::chat::Chat;
use crate::cluster::Cluster;
use crate::config::{Config, Endpoint};
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::courier::CourierThread;
use crate::delivery::inbox::Inbox;
use crate::identity::Identity;
use crate::log::room_log::Subscriber;
use crate::moderation::Moderation;
use crate::motd;
use crate::recording::recorder::{self, Recorder, Recording, Writer};
use crate::web::Site;

/// How long a stopping server waits for its transcripts at least, once nobody is connected.
const RECORDER_GRACE: Duration = Duration::from_millis(200);

/// How long a stopping server waits for the log of several servers at least, once nobody is connected.
const LOG_GRACE: Duration = Duration::from_millis(500);

/// How long clients of a stopping server have to close their side at least.
const SHUTDOWN_TICK: Duration = Duration::from_millis(500);

const STOP: Token = Token(usize::MAX);

/// Stops a server, from any thread.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<Stop>);

#[derive(Debug)]
struct Stop {
    is_requested: AtomicBool,
    waker: Waker,
}

impl StopHandle {
    /// Lets [`Server::run`] send what is owed and come to its end.
    pub fn stop(&self) {
        self.0.is_requested.store(true, Ordering::Release);
        // It fails only when the descriptor is bad, and the server's poll owns that one.
        let _ = self.0.waker.wake();
    }

    fn is_requested(&self) -> bool {
        self.0.is_requested.load(Ordering::Acquire)
    }
}

/// A server that is bound to its addresses. Many can live in one process.
#[derive(Debug)]
pub struct Server {
    config: Config,
    poll: Poll,
    stop: StopHandle,
    listeners: Vec<Listener>,
    recorder: Option<(Arc<Recorder>, Writer)>,
    motd: Vec<u8>,
    moderation: Option<Arc<Moderation>>,
    identity: Option<Arc<Identity>>,
}

impl Server {
    /// Reads the files of `config` and binds all its addresses. From then on clients can connect;
    /// they are served once the server runs.
    ///
    /// # Errors
    ///
    /// Says which value or file cannot be used, or which address cannot be bound.
    pub fn bind(config: Config) -> io::Result<Self> {
        config.validate()?;
        let motd = config.motd.as_deref().map(motd::read).transpose()?.unwrap_or_default();
        let identity = config.credentials.clone().map(Identity::open).transpose()?.map(Arc::new);
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let stop = Stop { is_requested: AtomicBool::new(false), waker };
        let listeners = (0..)
            .zip(&config.listeners)
            .map(|(number, endpoint)| Listener::bind(*endpoint, poll.registry(), Token(number)))
            .collect::<io::Result<Vec<_>>>()?;
        let recorder = match &config.data {
            Some(folder) => Some(Recorder::new(folder.clone(), config.sync)?),
            None => None,
        };
        // After the recorder, for that has made the folder and has it to itself.
        let moderation = Moderation::open(&config)?.map(Arc::new);
        let stop = StopHandle(Arc::new(stop));
        Ok(Self { config, poll, stop, listeners, recorder, motd, moderation, identity })
    }

    /// Where it listens, in the order of the configuration, with the ports that were free.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn endpoints(&self) -> io::Result<Vec<Endpoint>> {
        self.listeners.iter().map(Listener::endpoint).collect()
    }

    /// What stops it.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// What opens the transcripts anew. `None` when nothing is recorded.
    #[must_use]
    pub fn recorder(&self) -> Option<Arc<Recorder>> {
        self.recorder.as_ref().map(|(recorder, _)| Arc::clone(recorder))
    }

    /// Its certificate and key. `None` when it has none.
    #[must_use]
    pub fn identity(&self) -> Option<Arc<Identity>> {
        self.identity.clone()
    }

    /// Serves clients until it is stopped. When this returns, everything owed was sent or its
    /// loss logged, and every thread has ended; but one that waits for a disk which does not answer
    /// is left, and that is logged.
    ///
    /// # Errors
    ///
    /// When the system does not let it begin, or the log that it shares with other servers cannot be used.
    pub fn run(self) -> io::Result<()> {
        self.run_and_tell(|| Ok(()))
    }

    /// The same, and calls `tell` when nothing stands in the way of clients any more.
    ///
    /// # Errors
    ///
    /// The same, and the error of `tell`.
    pub fn run_and_tell(self, tell: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Self { mut config, mut poll, stop, listeners, recorder, motd, moderation, identity } =
            self;
        let couriers = (0..config.couriers)
            .map(|number| CourierThread::new(number, config.stall_timeout))
            .collect::<io::Result<Vec<_>>>()?;
        let inboxes: Vec<_> = couriers.iter().map(CourierThread::inbox).collect();
        let endpoints: Vec<_> = listeners.iter().filter_map(|it| it.endpoint().ok()).collect();
        let is_told = !config.hidden && advertise::is_of_use(&endpoints);
        let kept = recorder.as_ref().map_or(0, |_| recorder::DESCRIPTORS)
            + if is_told { advertise::DESCRIPTORS } else { 0 };
        let (closer, closer_poll) = Closer::new(capacity::closing())?;
        let capacity = Capacity::of_this_machine(config.max_clients, kept, config.max_owed);
        if capacity.is_short() {
            log::warn!("{capacity}");
        }
        config.max_clients = capacity.clients;
        let (recorder, writer) = recorder.unzip();
        let recording = writer.map(Writer::spawn).transpose().map_err(|error| explain(&error))?;
        let subscribers = couriers.iter().map(|thread| thread.courier() as Arc<dyn Subscriber>);
        let site = Site::new(&config.web_names, &config.web_also);
        let chat = Chat::new(subscribers.collect(), recorder, motd, moderation.clone(), &config);
        let chat = Arc::new(chat);
        let cluster = config.log.as_ref().map(|log| Cluster::start(Arc::clone(&chat), log));
        let cluster = cluster.transpose()?;
        let mut deadline = Instant::now();
        let served = thread::scope(|scope| {
            let spawned = spawn_couriers(scope, couriers)
                .and_then(|()| closer.spawn(closer_poll, scope).map_err(|error| explain(&error)));
            let served = spawned.and_then(|()| tell()).and_then(|()| {
                // Not before nothing stands in the way of those who come for it.
                let mut advertiser = is_told.then(|| start_advertiser(&endpoints)).flatten();
                thread::scope(|scope| {
                    let mut acceptor = Acceptor::new(
                        &chat, &config, &site, &inboxes, &closer, identity, &capacity,
                    );
                    let served = accept_until_stopped(&mut poll, &stop, &chat, &config, || {
                        for listener in &listeners {
                            acceptor.accept_all(listener, scope, || stop.is_requested());
                        }
                    });
                    // Nobody is to be sent to a server that stops.
                    drop(advertiser.take());
                    deadline = Instant::now() + SHUTDOWN_GRACE;
                    say_goodbye(&chat, &inboxes, deadline);
                    acceptor.end();
                    served
                })
            });
            // All sessions have ended, so no courier has a client or gets one, and nothing is said.
            for inbox in &inboxes {
                inbox.close();
            }
            closer.end(deadline);
            served
        });
        if let Some(cluster) = cluster {
            cluster.stop(deadline.max(Instant::now() + LOG_GRACE));
        }
        end_disks(recording, moderation, deadline.max(Instant::now() + RECORDER_GRACE));
        served
    }
}

/// Waits until all is written, but no longer than this.
fn end_disks(recording: Option<Recording>, moderation: Option<Arc<Moderation>>, deadline: Instant) {
    if let Some(recording) = recording {
        recording.end(deadline);
    }
    if let Some(moderation) = moderation {
        moderation.end(deadline);
    }
}

fn explain(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot start a thread: {error}; see `ulimit -u`"))
}

/// Lets the local network know. The chat goes on without.
fn start_advertiser(endpoints: &[Endpoint]) -> Option<Advertiser> {
    Advertiser::start(endpoints).unwrap_or_else(|error| {
        log::warn!("the local network is not told of this server: {error}");
        None
    })
}

fn spawn_couriers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    couriers: Vec<CourierThread>,
) -> io::Result<()> {
    for (number, courier) in couriers.into_iter().enumerate() {
        let builder = thread::Builder::new().name(format!("courier-{number}"));
        builder.spawn_scoped(scope, || courier.run()).map_err(|error| explain(&error))?;
    }
    Ok(())
}

/// Calls `accept` whenever somebody may be waiting, until the server is to stop.
fn accept_until_stopped(
    poll: &mut Poll,
    stop: &StopHandle,
    chat: &Chat,
    config: &Config,
    mut accept: impl FnMut(),
) -> io::Result<()> {
    let mut events = Events::with_capacity(64);
    while !stop.is_requested() {
        let patience = config.exit_when_idle.map(|limit| {
            let idle = chat.idle_since().map_or(Duration::ZERO, |since| since.elapsed());
            limit.saturating_sub(idle)
        });
        if patience.is_some_and(|patience| patience.is_zero()) {
            log::info!("nobody is here, as for some time; the server stops");
            return Ok(());
        }
        match poll.poll(&mut events, patience) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => accept(),
        }
    }
    Ok(())
}

fn say_goodbye(chat: &Chat, inboxes: &[Arc<Inbox<Client>>], deadline: Instant) {
    for inbox in inboxes {
        inbox.set_deadline(deadline);
    }
    let leaving = chat.stop();
    chat.wait_until_empty(&leaving, deadline, SHUTDOWN_TICK);
}
