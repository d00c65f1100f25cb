//! One connected client, as session, chat and courier share it.

use std::fmt::Display;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Framing, Reply};

use crate::desk::Desk;
use crate::outbox::{Mail, Outbox};
use crate::ring::Position;

/// Tells clients apart. Never given twice in one server.
pub type ClientId = usize;

/// A connection: its session reads from the stream, its courier writes to it.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub id: ClientId,
    /// Where it comes from.
    pub address: SocketAddr,
    /// How replies end for it.
    pub framing: Framing,
    /// The socket. It is blocking; the courier asks not to wait in each single send.
    pub stream: TcpStream,
    /// Whether its session shall read on.
    is_heard: AtomicBool,
    /// Whether it sent anything since [`Client::was_silent`] was asked.
    has_sent: AtomicBool,
    /// What it is owed beside its room's lines.
    pub outbox: Outbox,
    /// Where its courier learns of news.
    pub desk: Arc<Desk>,
}

impl Client {
    /// A connection that nobody has heard from yet.
    #[must_use]
    pub fn new(
        id: ClientId,
        stream: TcpStream,
        address: SocketAddr,
        framing: Framing,
        desk: Arc<Desk>,
    ) -> Self {
        Self {
            id,
            address,
            framing,
            stream,
            is_heard: AtomicBool::new(true),
            has_sent: AtomicBool::new(false),
            outbox: Outbox::default(),
            desk,
        }
    }

    /// Owes the client a reply, to be sent once its log was sent up to `at`.
    pub fn reply(&self, at: Position, reply: Reply<'_>) {
        let (bytes, alone) = (reply.to_bytes(self.framing), reply.is_bare(self.framing));
        drop(self.post(at, Mail::Reply { bytes, alone }));
    }

    /// Owes the client a list: its heading and its rows, each a line.
    pub fn reply_list(
        &self,
        at: Position,
        heading: Reply<'_>,
        rows: impl Iterator<Item = impl Display>,
    ) {
        let mut bytes = heading.to_bytes(self.framing);
        for row in rows {
            // Writing to memory does not fail.
            let _ = writeln!(bytes, "{row}");
        }
        drop(self.post(at, Mail::Reply { bytes, alone: false }));
    }

    /// Owes the client any mail, once its log was sent up to `at`. Gives the mail back when the
    /// client takes none any more.
    pub fn post(&self, at: Position, mail: Mail) -> Option<Mail> {
        match self.outbox.post(at, mail) {
            Ok(true) => self.desk.mail_for(self.id),
            Ok(false) => {}
            Err(mail) => return Some(mail),
        }
        None
    }

    /// Lets the session find the end of its input, wherever it waits for more.
    ///
    /// Shutting down alone is not enough: what a client goes on sending can still be read.
    pub fn stop_reading(&self) {
        self.is_heard.store(false, Ordering::Release);
        // It fails only when the connection is gone, and then there is nothing to read either.
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    /// Whether the session shall read on.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Acquire)
    }

    /// Notes that the client sends on while the server only waits for its end.
    pub fn note_input(&self) {
        self.has_sent.store(true, Ordering::Relaxed);
    }

    /// Whether the client has sent nothing since this was last asked: then closing its socket
    /// leaves no input unread, which would reset the connection and destroy what is under way.
    pub fn was_silent(&self) -> bool {
        !self.has_sent.swap(false, Ordering::Relaxed)
    }

    /// Lets the client find the end of what it gets.
    pub fn stop_writing(&self) {
        // As above.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
