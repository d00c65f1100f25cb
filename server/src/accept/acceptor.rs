//! Accepts connections, as many as there is room for, and gives each a session.
//!
//! When descriptors or threads run out, those who are there go on; who comes is told
//! `Server Full` where that can still be said.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use protocol::{Framing, Reply};

use crate::accept::capacity::Capacity;
use crate::accept::handshake::ACCESS_DENIED;
use crate::accept::listener::Listener;
use crate::accept::refusals::{Refusals, Shortage};
use crate::accept::sessions::Sessions;
use crate::accept::socket_options::prepare;
use crate::accept::threads::Threads;
use crate::chat::Chat;
use crate::config::{Config, Endpoint, Transport};
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::inbox::{ClientId, Inbox};
use crate::delivery::owed::Owed;
use crate::delivery::socket::{Sink, Socket};
use crate::delivery::tls::Tls;
use crate::identity::Identity;
use crate::web::{Site, http};

/// So many clients who come one after the other share a courier. They are likely to share a room
/// too, and then a line of it wakes one courier instead of all.
const CLIENTS_IN_A_ROW: usize = 64;

/// How long to wait before accepting again when even refusing was not possible.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Turns connections into sessions.
pub struct Acceptor<'scope> {
    sessions: Sessions<'scope>,
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
            sessions: Sessions { chat, config, site, closer },
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
            match listener.accept() {
                Ok((stream, endpoint)) => {
                    // The system always gives the lowest one that is free.
                    if stream.as_raw_fd() as u64 >= self.reserved_from {
                        self.note_shortage(&Errno::EMFILE.into());
                        self.refuse(stream, Reply::ServerFull, endpoint);
                        continue;
                    }
                    self.admit(stream, endpoint, scope);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    // At an exhausted limit `accept` fails also when nobody waits.
                    _ if !listener.has_waiting() => return,
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
        let prepared = prepare(&stream, self.sessions.config);
        let client = match prepared.and_then(|()| self.client(stream, endpoint)) {
            Ok(client) => client,
            Err(error) => {
                // The peer is gone again, or what it would get is not what was promised.
                log::debug!("{} was not admitted: {error}", endpoint.address);
                return;
            }
        };
        let burst = match self.sessions.chat.connect(&client) {
            Ok(burst) => burst,
            Err(refusal) => return self.turn_away(client, refusal),
        };
        let (sessions, threads) = (self.sessions, Arc::clone(&self.threads));
        let spawned = if client.socket.is_tls() {
            sessions.begin_with_handshake(&client, burst, threads, scope)
        } else {
            sessions.begin(&client, burst, &threads, scope)
        };
        match spawned {
            Ok(()) => {
                if let Some(text) = self.shortage.note_served(Instant::now()) {
                    log::warn!("{text}");
                }
            }
            Err(error) => {
                self.note_shortage(&error);
                sessions.let_go(client);
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
        self.sessions.closer.close(client);
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
        self.sessions.closer.close(Arc::new(stream));
    }

    fn note_shortage(&mut self, error: &io::Error) {
        if let Some(text) = self.shortage.note(error, Instant::now()) {
            log::warn!("{text}");
        }
    }
}

fn refusal_bytes(refusal: Reply<'_>, transport: Transport, framing: Framing) -> Vec<u8> {
    match transport {
        Transport::Tcp => refusal.to_bytes(framing),
        Transport::Web => http::turn_away(refusal),
    }
}
