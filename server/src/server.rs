//! A server from its listeners to its last joined thread.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::socket::{Backlog, listen};
use protocol::limits::SHUTDOWN_GRACE;
use protocol::{Framing, Reply};

use crate::chat::Chat;
use crate::client::{Client, ClientId};
use crate::config::Config;
use crate::courier::{Courier, Desk};
use crate::outbox::{Mail, Outbox};
use crate::room_log::Position;
use crate::session;

/// Connections that may wait to be accepted. A room full of students logs in at once.
const ACCEPT_QUEUE: i32 = 4096;

/// A session needs little more than its call depth. Only pages it touches are ever resident.
const SESSION_STACK_BYTES: usize = 128 * 1024;

/// How long to wait when the system has no descriptor or thread for a new connection.
const BACK_OFF: Duration = Duration::from_millis(100);

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
    listeners: Vec<(TcpListener, Framing)>,
}

impl Server {
    /// Binds all addresses of `config`. From then on clients can connect; they are served once
    /// the server runs.
    ///
    /// # Errors
    ///
    /// Says which address cannot be bound.
    pub fn bind(config: Config) -> io::Result<Self> {
        let poll = Poll::new()?;
        let stop = Stop {
            is_requested: AtomicBool::new(false),
            waker: Waker::new(poll.registry(), STOP)?,
        };
        let line = config.listen.iter().map(|address| (address, Framing::Line));
        let classic = config.classic.iter().map(|address| (address, Framing::Classic));
        let mut listeners = Vec::new();
        for (address, framing) in line.chain(classic) {
            let listener = bind(*address).map_err(|error| explain(&error, *address))?;
            let token = Token(listeners.len());
            let descriptor = listener.as_raw_fd();
            poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
            listeners.push((listener, framing));
        }
        Ok(Self { config, poll, stop: StopHandle(Arc::new(stop)), listeners })
    }

    /// Where it listens, in the order of the configuration: line framing first.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<Vec<(SocketAddr, Framing)>> {
        self.listeners
            .iter()
            .map(|(listener, framing)| Ok((listener.local_addr()?, *framing)))
            .collect()
    }

    /// What stops it.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Serves clients until it is stopped. When this returns, everything owed was sent or its
    /// loss logged, and every thread has ended.
    ///
    /// # Errors
    ///
    /// When the system does not let it begin.
    pub fn run(mut self) -> io::Result<()> {
        let couriers = (0..self.config.couriers)
            .map(|number| Courier::new(number, self.config.stall_timeout))
            .collect::<io::Result<Vec<_>>>()?;
        let desks: Vec<Arc<Desk>> = couriers.iter().map(Courier::desk).collect();
        let chat = Chat::new(
            desks.clone(),
            self.config.backlog,
            self.config.max_clients,
            self.config.max_per_address,
        );
        thread::scope(|scope| {
            let served = spawn_couriers(scope, couriers).and_then(|()| {
                thread::scope(|scope| {
                    let served = self.accept_until_stopped(scope, &chat, &desks);
                    let deadline = Instant::now() + SHUTDOWN_GRACE;
                    for desk in &desks {
                        desk.set_deadline(deadline);
                    }
                    chat.stop();
                    chat.wait_until_empty(deadline, SHUTDOWN_TICK);
                    served
                })
            });
            // All sessions have ended, so no courier has a client or gets one.
            for desk in &desks {
                desk.close();
            }
            served
        })
    }

    fn accept_until_stopped<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        chat: &'scope Chat,
        desks: &[Arc<Desk>],
    ) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        let mut next_id: ClientId = 0;
        while !self.stop.is_requested() {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for (listener, framing) in &self.listeners {
                self.accept_all(listener, |stream, address| {
                    let desk = Arc::clone(&desks[next_id % desks.len()]);
                    let client = Client {
                        id: next_id,
                        address,
                        framing: *framing,
                        stream,
                        outbox: Outbox::default(),
                        desk,
                    };
                    next_id += 1;
                    self.serve(scope, chat, Arc::new(client));
                });
            }
        }
        Ok(())
    }

    /// Accepts until no connection waits any more.
    fn accept_all(&self, listener: &TcpListener, mut serve: impl FnMut(TcpStream, SocketAddr)) {
        while !self.stop.is_requested() {
            match listener.accept() {
                Ok((stream, address)) => serve(stream, address),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        log::warn!("cannot accept a connection: {error}");
                        thread::sleep(BACK_OFF);
                    }
                },
            }
        }
    }

    fn serve<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        chat: &'scope Chat,
        client: Arc<Client>,
    ) {
        let max_line = self.config.max_line;
        // Some systems hand the listener's non-blocking mode on. Neither call fails on a socket
        // that has just been accepted, other than one whose peer is gone again.
        let _ = client.stream.set_nonblocking(false);
        let _ = client.stream.set_nodelay(true);
        if !chat.connect(&client) {
            return refuse(&client);
        }
        let session = Arc::clone(&client);
        let spawned = thread::Builder::new()
            .name(format!("session-{}", client.id))
            .stack_size(SESSION_STACK_BYTES)
            .spawn_scoped(scope, move || session::run(chat, &session, max_line));
        if let Err(error) = spawned {
            log::warn!("cannot serve {}: {error}", client.address);
            client.reply(Position::default(), Reply::ServerFull);
            drop(client.post(Position::default(), Mail::Close));
            chat.disconnect(&client, None);
        }
    }
}

fn spawn_couriers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    couriers: Vec<Courier>,
) -> io::Result<()> {
    for (number, courier) in couriers.into_iter().enumerate() {
        let builder = thread::Builder::new().name(format!("courier-{number}"));
        builder.spawn_scoped(scope, || courier.run())?;
    }
    Ok(())
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    listen(&listener, Backlog::new(ACCEPT_QUEUE)?)?;
    Ok(listener)
}

fn explain(error: &io::Error, address: SocketAddr) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "--listen takes another one, and port 0 a free one",
        io::ErrorKind::PermissionDenied => "ports from 1024 on need no privileges",
        _ => "the address must be one of this machine",
    };
    let text = format!("cannot listen on {address}: {}; {advice}", error.kind());
    io::Error::new(error.kind(), text)
}

/// Tells a client for which there is no place. Nobody else knows its socket yet, so it is written
/// to here; a new socket takes so short a text at once.
fn refuse(client: &Client) {
    use std::io::Write;
    let _ = client.stream.set_nonblocking(true);
    let _ = (&client.stream).write_all(&Reply::ServerFull.to_bytes(client.framing));
}
