//! A server from its listeners to its last joined thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use protocol::Framing;
use protocol::limits::SHUTDOWN_GRACE;

use crate::chat::Chat;
use crate::client::Client;
use crate::config::Config;
use crate::courier::Courier;
use crate::endpoint::{Endpoint, Transport};
use crate::inbox::Inbox;
use crate::listener::{Acceptor, Listener};
use crate::moderation::Moderation;
use crate::motd;
use crate::recorder::Recorder;
use crate::room_log::Subscriber;
use crate::web::Site;

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
    recorder: Option<Arc<Recorder>>,
    motd: Vec<u8>,
    moderation: Option<Arc<Moderation>>,
}

impl Server {
    /// Reads the files of `config` and binds all its addresses. From then on clients can connect;
    /// they are served once the server runs.
    ///
    /// # Errors
    ///
    /// Says which file cannot be used, or which address cannot be bound.
    pub fn bind(config: Config) -> io::Result<Self> {
        let motd = config.motd.as_deref().map(motd::read).transpose()?.unwrap_or_default();
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), STOP)?;
        let stop = Stop { is_requested: AtomicBool::new(false), waker };
        let listeners = (0..)
            .zip(endpoints(&config))
            .map(|(number, endpoint)| Listener::bind(endpoint, poll.registry(), Token(number)))
            .collect::<io::Result<Vec<_>>>()?;
        let recorder = match &config.data {
            Some(folder) => Some(Arc::new(Recorder::new(folder.clone(), config.sync)?)),
            None => None,
        };
        // After the recorder, for that has made the folder and has it to itself.
        let moderation = match &config.operators {
            Some(file) => Some(Arc::new(Moderation::open(file, config.data.as_deref())?)),
            None => None,
        };
        let stop = StopHandle(Arc::new(stop));
        Ok(Self { config, poll, stop, listeners, recorder, motd, moderation })
    }

    /// Where it listens, in the order of the configuration: line framing, classic framing, browsers.
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
        self.recorder.clone()
    }

    /// Serves clients until it is stopped. When this returns, everything owed was sent or its
    /// loss logged, and every thread has ended.
    ///
    /// # Errors
    ///
    /// When the system does not let it begin.
    pub fn run(self) -> io::Result<()> {
        let Self { config, mut poll, stop, listeners, recorder, motd, moderation } = self;
        let couriers = (0..config.couriers)
            .map(|number| Courier::new(number, config.stall_timeout))
            .collect::<io::Result<Vec<_>>>()?;
        let inboxes: Vec<_> = couriers.iter().map(Courier::inbox).collect();
        let subscribers = inboxes.iter().map(|inbox| Arc::clone(inbox) as Arc<dyn Subscriber>);
        let site = Site::new(&config.web_names);
        let chat = Chat::new(subscribers.collect(), recorder.clone(), motd, moderation, &config);
        thread::scope(|scope| {
            let served = spawn_writers(scope, couriers, recorder.as_deref());
            let served = served.and_then(|()| {
                thread::scope(|scope| {
                    let mut acceptor = Acceptor::new(&chat, &config, &site, &inboxes);
                    let served = accept_until_stopped(&mut poll, &stop, &chat, &config, || {
                        for listener in &listeners {
                            acceptor.accept_all(listener, scope, || stop.is_requested());
                        }
                    });
                    say_goodbye(&chat, &inboxes);
                    served
                })
            });
            // All sessions have ended, so no courier has a client or gets one, and nothing is said.
            for inbox in &inboxes {
                inbox.close();
            }
            if let Some(recorder) = &recorder {
                recorder.close();
            }
            served
        })
    }
}

fn endpoints(config: &Config) -> impl Iterator<Item = Endpoint> {
    let of = |transport, framing| move |&address| Endpoint { address, transport, framing };
    let line = config.listen.iter().map(of(Transport::Tcp, Framing::Line));
    let classic = config.classic.iter().map(of(Transport::Tcp, Framing::Classic));
    line.chain(classic).chain(config.web.iter().map(of(Transport::Web, Framing::Line)))
}

fn spawn_writers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    couriers: Vec<Courier>,
    recorder: Option<&'scope Recorder>,
) -> io::Result<()> {
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot start a thread: {error}; see `ulimit -u`"))
    };
    for (number, courier) in couriers.into_iter().enumerate() {
        let builder = thread::Builder::new().name(format!("courier-{number}"));
        builder.spawn_scoped(scope, || courier.run()).map_err(explain)?;
    }
    if let Some(recorder) = recorder {
        let builder = thread::Builder::new().name("recorder".to_owned());
        builder.spawn_scoped(scope, || recorder.run()).map_err(explain)?;
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

fn say_goodbye(chat: &Chat, inboxes: &[Arc<Inbox<Client>>]) {
    let deadline = Instant::now() + SHUTDOWN_GRACE;
    for inbox in inboxes {
        inbox.set_deadline(deadline);
    }
    chat.stop();
    chat.wait_until_empty(deadline, SHUTDOWN_TICK);
}
