//! One connected client, as session, chat and courier share it.

use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::{Framing, Reply};

use crate::config::{Endpoint, Transport};
use crate::delivery::inbox::{ClientId, Inbox};
use crate::delivery::item::Item;
use crate::delivery::outbox::Outbox;
use crate::delivery::owed::Owed;
use crate::delivery::phase::Phase;
use crate::delivery::socket::Socket;
use crate::log::position::Position;

/// A connection: its session reads from the socket, its courier writes to it.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub id: ClientId,
    /// Where it comes from.
    pub address: SocketAddr,
    /// What carries its lines.
    pub transport: Transport,
    /// How replies end for it.
    pub framing: Framing,
    /// Its connection.
    pub socket: Socket,
    /// When it was accepted.
    pub since: Timestamp,
    /// The same by a clock that is never set.
    accepted: Instant,
    /// When it asked for something last, in milliseconds since it was accepted.
    asked: AtomicU64,
    /// The thread of its session, once it has one.
    session: OnceLock<ThreadId>,
    /// Whether its session shall read on.
    is_open: AtomicBool,
    /// Whether it sent anything since [`Client::was_silent`] was asked.
    has_sent: AtomicBool,
    /// What it is owed beside its room's lines.
    pub outbox: Outbox,
    /// Where its courier is notified.
    pub inbox: Arc<Inbox<Client>>,
}

impl Client {
    /// A connection that nobody has heard from yet. `endpoint` is the client's: its own address, and
    /// what it has from where it came to. Its replies count among all that are `owed`.
    #[must_use]
    pub fn new(
        id: ClientId,
        socket: Socket,
        endpoint: Endpoint,
        inbox: Arc<Inbox<Client>>,
        owed: Arc<Owed>,
    ) -> Self {
        Self {
            id,
            address: endpoint.address,
            transport: endpoint.transport,
            framing: endpoint.framing,
            socket,
            since: Timestamp::now(),
            accepted: Instant::now(),
            asked: AtomicU64::new(0),
            session: OnceLock::new(),
            is_open: AtomicBool::new(true),
            has_sent: AtomicBool::new(false),
            outbox: Outbox::new(owed),
            inbox,
        }
    }

    /// Owes the client a reply, to be sent once its log was sent up to `at`.
    pub fn reply(&self, at: Position, reply: Reply<'_>) {
        self.post_text(at, reply.to_bytes(self.framing), reply.is_bare(self.framing));
    }

    /// A reply that is a list, finished: its heading and its rows, each a line.
    #[must_use]
    pub fn list(&self, heading: Reply<'_>, rows: impl Iterator<Item = impl Display>) -> Vec<u8> {
        let mut bytes = heading.to_bytes(self.framing);
        for row in rows {
            // Writing to memory does not fail.
            let _ = writeln!(bytes, "{row}");
        }
        bytes
    }

    /// Owes the client finished bytes. `alone` ones get a send of their own.
    pub fn post_text(&self, at: Position, bytes: Vec<u8>, alone: bool) {
        drop(self.post(at, Item::Text { bytes, alone, sender: None }));
    }

    /// Owes the client a private message of another.
    pub fn post_mail(&self, at: Position, message: Reply<'_>, sender: ClientId) {
        let (bytes, alone) = (message.to_bytes(self.framing), message.is_bare(self.framing));
        drop(self.post(at, Item::Text { bytes, alone, sender: Some(sender) }));
    }

    /// Owes the client any item, once its log was sent up to `at`. Gives the item back when the
    /// client takes none any more.
    pub fn post(&self, at: Position, item: Item) -> Option<Item> {
        match self.outbox.post(at, item) {
            Ok(true) => self.notify(),
            Ok(false) => {}
            Err(item) => return Some(item),
        }
        None
    }

    /// Owes the client the reason why it is removed, where it is, and that nothing follows. Gives back what
    /// is not taken, as [`Self::post`] does.
    pub fn post_end(&self, at: Position) -> Option<Item> {
        if let Phase::Removed(removal) = self.outbox.phase() {
            self.reply(at, removal.reply());
        }
        self.post(at, Item::Close)
    }

    /// Owes a browser the answer to its last pings, frames that wait for nothing else.
    pub fn post_pongs(&self, frames: Vec<u8>) {
        if self.outbox.post_pongs(frames) {
            self.notify();
        }
    }

    /// Has the courier send what TLS itself has to say, if there is anything.
    pub fn flush_tls(&self) {
        if self.socket.has_records() && self.outbox.post_flush() {
            self.notify();
        }
    }

    /// Has this thread serve the client: before it waits for anything it looks whether the courier has
    /// to send what it has posted, see [`Inbox::claim`]. So what it posts need not wake the courier.
    ///
    /// [`Inbox::claim`]: crate::delivery::inbox::Inbox::claim
    pub fn serve(&self) {
        // Nobody else serves it before.
        let _ = self.session.set(thread::current().id());
    }

    /// Whether this thread serves the client.
    #[must_use]
    pub fn is_served_here(&self) -> bool {
        self.session.get() == Some(&thread::current().id())
    }

    fn notify(&self) {
        if self.is_served_here() {
            self.inbox.defer_outbox(self.id);
        } else {
            self.inbox.outbox_ready(self.id);
        }
    }

    /// Lets the session find the end of its input, wherever it waits for more.
    ///
    /// Shutting down alone is not enough: what a client goes on sending can still be read.
    pub fn shut_read(&self) {
        self.is_open.store(false, Ordering::Release);
        self.socket.shut_read();
    }

    /// Whether the session shall read on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Notes that the client asked for something at this time.
    pub fn note_request(&self, now: Instant) {
        let time = now.saturating_duration_since(self.accepted).as_millis();
        self.asked.store(u64::try_from(time).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For how long the client has asked for nothing.
    #[must_use]
    pub fn idle(&self) -> Duration {
        let asked = Duration::from_millis(self.asked.load(Ordering::Relaxed));
        self.accepted.elapsed().saturating_sub(asked)
    }

    /// What carries its lines, in a word.
    #[must_use]
    pub fn carrier(&self) -> &'static str {
        match (self.transport, self.socket.is_tls()) {
            (Transport::Tcp, false) => "tcp",
            (Transport::Tcp, true) => "tls",
            (Transport::Web, false) => "web",
            (Transport::Web, true) => "wss",
        }
    }

    /// Notes that the client sends on while the server only waits for its end.
    pub fn note_input(&self) {
        self.has_sent.store(true, Ordering::Relaxed);
    }

    /// Whether the client has sent nothing since this was last asked: then closing its socket
    /// leaves no input unread, which would reset the connection and destroy what is under way. On a busy
    /// machine its session may not have come to read what is there.
    pub fn was_silent(&self) -> bool {
        !self.has_sent.swap(false, Ordering::Relaxed) && !self.socket.has_unread()
    }
}

/// The descriptor of its connection.
impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
