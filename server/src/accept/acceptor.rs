//! Accepts connections, as many as there is room for, and gives each a session.
//!
//! When descriptors or threads run out, those who are there go on; who comes is told
//! `Server Full` where that can still be said.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::{Framing, Reply};
use socket2::SockRef;

use crate::accept::capacity::Capacity;
use crate::accept::handshake::{self, ACCESS_DENIED};
use crate::accept::refusals::{Refusals, Shortage};
use crate::accept::socket_options::prepare;
use crate::accept::threads::Threads;
use crate::chat::Chat;
use crate::config::{Config, Endpoint, Transport};
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::inbox::{ClientId, Inbox};
use crate::delivery::outbox::Item;
use crate::delivery::owed::Owed;
use crate::delivery::socket::{Sink, Socket};
use crate::delivery::tls::Tls;
use crate::identity::Identity;
use crate::log::position::Position;
use crate::session;
use crate::web::{Site, http};

/// Connections that may wait to be accepted. A room full of students logs in at once.
const ACCEPT_QUEUE: i32 = 4096;

/// So many clients who come one after the other share a courier. They are likely to share a room
/// too, and then a line of it wakes one courier instead of all.
const CLIENTS_IN_A_ROW: usize = 64;

/// A handshake calculates on its stack, in a build for debugging much more.
const HANDSHAKE_STACK_BYTES: usize = 512 * 1024;

/// How long to wait before accepting again when even refusing was not possible.
const BACK_OFF: Duration = Duration::from_millis(100);

/// One socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    endpoint: Endpoint,
}

impl Listener {
    /// Binds an address; port 0 takes a free one. Events of the listener carry `token`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the address, and what to do.
    pub fn bind(endpoint: Endpoint, registry: &Registry, token: Token) -> io::Result<Self> {
        let address = endpoint.address;
        let socket = TcpListener::bind(address).map_err(|error| explain(&error, address))?;
        socket.set_nonblocking(true)?;
        // The system takes what it can of that. `nix` would refuse more than the C library's constant,
        // which is 128 on macOS and in static programs.
        SockRef::from(&socket).listen(ACCEPT_QUEUE)?;
        registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { socket, endpoint })
    }

    /// Where it listens, with the port that was free.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(self.of(self.socket.local_addr()?))
    }

    /// The same for a client that has connected here, with the client's address.
    fn of(&self, address: SocketAddr) -> Endpoint {
        Endpoint { address, ..self.endpoint }
    }
}

fn explain(error: &io::Error, address: SocketAddr) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse if address.ip().is_unspecified() => {
            "choose another port, or [::] alone, which takes IPv4 as well; port 0 takes a free one"
        }
        io::ErrorKind::AddrInUse => "choose another port; port 0 takes a free one",
        io::ErrorKind::PermissionDenied => "ports from 1024 on need no privileges",
        _ => "the address must be one of this machine",
    };
    let text = format!("cannot listen on {address}: {}; {advice}", error.kind());
    io::Error::new(error.kind(), text)
}

/// What a session needs beside its client.
#[derive(Debug, Clone, Copy)]
struct Place<'scope> {
    chat: &'scope Chat,
    config: &'scope Config,
    site: &'scope Site,
    closer: &'scope Closer,
}

/// Turns connections into sessions.
pub struct Acceptor<'scope> {
    place: Place<'scope>,
    inboxes: &'scope [Arc<Inbox<Client>>],
    /// The server's certificate, where it has one.
    identity: Option<Arc<Identity>>,
    /// What all clients are owed.
    owed: Arc<Owed>,
    next_id: ClientId,
    /// Clients that had no place, or were banned.
    refusals: Refusals,
    /// Clients that were refused since something of the system's ran out.
    shortage: Shortage,
    /// From this descriptor on they are left to others than clients.
    reserved_from: u64,
    threads: Arc<Threads<'scope>>,
}

impl<'scope> Acceptor<'scope> {
    /// Receives clients for this chat.
    #[must_use]
    pub fn new(
        chat: &'scope Chat,
        config: &'scope Config,
        site: &'scope Site,
        inboxes: &'scope [Arc<Inbox<Client>>],
        closer: &'scope Closer,
        identity: Option<Arc<Identity>>,
        capacity: &Capacity,
    ) -> Self {
        Self {
            place: Place { chat, config, site, closer },
            inboxes,
            identity,
            owed: Arc::new(Owed::new(config.max_owed)),
            next_id: 0,
            refusals: Refusals::default(),
            shortage: Shortage::default(),
            reserved_from: capacity.reserved_from,
            threads: Arc::default(),
        }
    }

    /// Accepts until no connection waits any more, or `is_over` says so.
    pub fn accept_all(
        &mut self,
        listener: &Listener,
        scope: &'scope Scope<'scope, '_>,
        is_over: impl Fn() -> bool,
    ) {
        while !is_over() {
            match listener.socket.accept() {
                Ok((stream, address)) => {
                    // The system always gives the lowest one that is free.
                    if stream.as_raw_fd() as u64 >= self.reserved_from {
                        self.note_shortage(&Errno::EMFILE.into());
                        self.refuse(stream, Reply::ServerFull, listener.endpoint);
                        continue;
                    }
                    self.admit(stream, listener.of(address), scope);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    // At an exhausted limit `accept` fails also when nobody waits.
                    _ if !has_waiting(&listener.socket) => return,
                    _ => {
                        self.note_shortage(&error);
                        thread::sleep(BACK_OFF);
                    }
                },
            }
        }
    }

    /// The server stops: logs what was only counted so far.
    pub fn end(mut self) {
        self.threads.close();
        self.refusals.rest(Instant::now()).for_each(|text| log::info!("{text}"));
        if let Some(text) = self.shortage.rest() {
            log::warn!("{text}");
        }
    }

    fn client(&mut self, stream: TcpStream, mut endpoint: Endpoint) -> io::Result<Arc<Client>> {
        let identity = self.identity.as_ref().filter(|_| endpoint.is_tls);
        let tls = identity.map(|identity| Tls::new(identity.tls())).transpose()?;
        // An IPv4 client of an IPv6 listener is the same as one of an IPv4 listener.
        endpoint.address.set_ip(endpoint.address.ip().to_canonical());
        let id = self.next_id;
        self.next_id += 1;
        let inbox = Arc::clone(&self.inboxes[(id / CLIENTS_IN_A_ROW) % self.inboxes.len()]);
        let socket = Socket::new(stream, endpoint.address, tls);
        Ok(Arc::new(Client::new(id, socket, endpoint, inbox, Arc::clone(&self.owed))))
    }

    fn admit(&mut self, stream: TcpStream, endpoint: Endpoint, scope: &'scope Scope<'scope, '_>) {
        let prepared = prepare(&stream, self.place.config);
        let client = match prepared.and_then(|()| self.client(stream, endpoint)) {
            Ok(client) => client,
            Err(error) => {
                // The peer is gone again, or what it would get is not what was promised.
                log::debug!("{} was not admitted: {error}", endpoint.address);
                return;
            }
        };
        let burst = match self.place.chat.connect(&client) {
            Ok(burst) => burst,
            Err(refusal) => return self.turn_away(client, refusal),
        };
        let (place, threads) = (self.place, Arc::clone(&self.threads));
        let spawned = if client.socket.is_tls() {
            place.spawn_handshake(&client, burst, threads, scope)
        } else {
            place.spawn_session(&client, burst, &threads, scope)
        };
        match spawned {
            Ok(()) => {
                if let Some(text) = self.shortage.note_served(Instant::now()) {
                    log::warn!("{text}");
                }
            }
            Err(error) => {
                self.note_shortage(&error);
                place.let_go(client);
            }
        }
    }

    /// Tells a client that may not come, which only the log and the closer know of.
    fn turn_away(&mut self, client: Arc<Client>, refusal: Reply<'static>) {
        if let Some(text) = self.refusals.note(client.address, refusal, Instant::now()) {
            log::info!("{text}");
        }
        // Nobody else knows its socket yet, and a new socket takes so short a text at once.
        let bytes = match client.socket.is_tls() {
            true => ACCESS_DENIED.to_vec(),
            false => refusal_bytes(refusal, client.transport, client.framing),
        };
        let _ = client.socket.send(&[], &bytes, 0);
        self.place.closer.close(client);
    }

    /// Tells a client for which there is no place. Nobody else knows its socket, so it is written
    /// to here; a new socket takes so short a text at once, and if not, the client is closed without
    /// it.
    fn refuse(&self, mut stream: TcpStream, refusal: Reply<'_>, endpoint: Endpoint) {
        let _ = stream.set_nonblocking(true);
        let bytes = match endpoint.is_tls {
            true => ACCESS_DENIED.to_vec(),
            false => refusal_bytes(refusal, endpoint.transport, endpoint.framing),
        };
        let _ = stream.write_all(&bytes);
        self.place.closer.close(Arc::new(stream));
    }

    fn note_shortage(&mut self, error: &io::Error) {
        if let Some(text) = self.shortage.note(error, Instant::now()) {
            log::warn!("{text}");
        }
    }
}

impl<'scope> Place<'scope> {
    fn spawn_session(
        self,
        client: &Arc<Client>,
        burst: u32,
        threads: &Arc<Threads<'scope>>,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<()> {
        let Self { chat, config, site, closer } = self;
        let client = Arc::clone(client);
        threads.run(scope, move || session::run(chat, &client, config, site, closer, burst))
    }

    /// The session begins once the handshake is done.
    fn spawn_handshake(
        self,
        client: &Arc<Client>,
        burst: u32,
        threads: Arc<Threads<'scope>>,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<()> {
        let client = Arc::clone(client);
        let builder = thread::Builder::new().name(format!("handshake-{}", client.id));
        let shake = move || match handshake::shake(&client) {
            Ok(()) => {
                if let Err(error) = self.spawn_session(&client, burst, &threads, scope) {
                    log::warn!("{} is refused: {error}; see `ulimit -u`", client.address);
                    self.let_go(client);
                }
            }
            Err(failure) => {
                drop(client.post(Position::default(), Item::Close));
                let delivery = session::disconnect(self.chat, &client, self.closer, None, true);
                log::info!("{} (nobody) is gone: {failure}; {delivery}", client.address);
            }
        };
        builder.stack_size(HANDSHAKE_STACK_BYTES).spawn_scoped(scope, shake).map(drop)
    }

    /// Tells a client that there is no thread for it.
    fn let_go(self, client: Arc<Client>) {
        client.reply(Position::default(), Reply::ServerFull);
        drop(client.post(Position::default(), Item::Close));
        // A new socket takes so short a text at once, so this is no long wait.
        client.outbox.wait_for_end();
        self.chat.disconnect(&client, None);
        self.closer.close(client);
    }
}

fn refusal_bytes(refusal: Reply<'_>, transport: Transport, framing: Framing) -> Vec<u8> {
    match transport {
        Transport::Tcp => refusal.to_bytes(framing),
        Transport::Web => http::turn_away(refusal),
    }
}

/// Whether somebody waits to be accepted.
fn has_waiting(listener: &TcpListener) -> bool {
    let mut awaited = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    poll(&mut awaited, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
