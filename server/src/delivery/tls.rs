//! The TLS of one connection: plaintext into records and back. It knows no socket.
//!
//! Two threads share it: the session (before it, the handshake) feeds what came, and the courier seals what
//! goes. Two rules make this right: **nobody has the lock while calling the socket, and only the courier
//! takes records out.** Records have numbers and have to be sent in that order. Where TLS itself has
//! something to say, as in the handshake, the session only tells the courier so.
//!
//! The buffers are here and not in `rustls`, whose own would keep 4 KiB for each client that is
//! silent. These are given back once they are empty.

mod connection;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::server::{ServerConfig, UnbufferedServerConnection};

use self::connection::Connection;

/// How many received bytes are opened at once, so that little memory is used beside them. A record of most
/// peers has no more.
const PIECE_BYTES: usize = 16 * 1024;

/// The TLS of one connection.
pub struct Tls {
    /// `None` once it is clear that the peer does not speak TLS.
    connection: Mutex<Option<Connection>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys and plaintext are in there.
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Before the handshake.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be used.
    pub fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let state = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        let connection = Connection {
            state: Some(Box::new(state)),
            received: Vec::new(),
            plaintext: VecDeque::new(),
            early: Vec::new(),
            records: Vec::new(),
            is_ended: false,
        };
        Ok(Self { connection: Mutex::new(Some(connection)) })
    }

    /// From now on bytes go as they are: the peer does not speak TLS.
    pub fn give_up(&self) {
        drop(self.connection.lock().take());
    }

    /// For the courier: the records of a piece, and before it whatever TLS itself has to say. Before
    /// the end of the handshake the piece waits inside. `None` when bytes go as they are.
    ///
    /// # Errors
    ///
    /// When nothing can be sealed any more.
    pub fn seal(&self, head: &[u8], lines: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(None) };
        connection.seal(head)?;
        connection.seal(lines)?;
        Ok(Some(mem::take(&mut connection.records)))
    }

    /// For the courier: nothing follows. Whether that is still to be sent to the peer.
    pub fn finish(&self) -> bool {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return false };
        // Where nothing can be sealed any more, the peer is not told either.
        connection.finish().is_ok() && !connection.records.is_empty()
    }

    /// Whether TLS itself has something to say, which the courier has to be told.
    pub fn has_records(&self) -> bool {
        self.connection.lock().as_ref().is_some_and(|connection| !connection.records.is_empty())
    }

    /// Whether plaintext is here, or the end, that no wait for the socket tells of.
    pub fn has_plaintext(&self) -> bool {
        let connection = self.connection.lock();
        let Some(connection) = connection.as_ref() else { return false };
        connection.is_ended || !connection.plaintext.is_empty()
    }

    /// Takes a part of the handshake. Whether the handshake is done.
    ///
    /// # Errors
    ///
    /// When the peer breaks the rules, or has nothing in common with this server.
    pub fn shake(&self, received: &[u8]) -> io::Result<bool> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(true) };
        connection.feed(received)?;
        Ok(connection.state.as_ref().is_some_and(|state| !state.is_handshaking()))
    }

    /// The plaintext that is here already. `Ok(0)` is the end that the peer has told of.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none yet.
    pub fn take(&self, plaintext: &mut [u8]) -> io::Result<usize> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(0) };
        match connection.take(plaintext) {
            0 if !connection.is_ended => Err(io::ErrorKind::WouldBlock.into()),
            length => Ok(length),
        }
    }

    /// Opens the first `length` bytes of `bytes`, which were received, and puts their plaintext in
    /// their place.
    ///
    /// Plaintext is shorter than its records, but for the one record that had come in part before:
    /// what that has more stays inside, no more than 16 KiB, to be taken. So all of that has to be
    /// taken before more is opened.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when they have none, and when the peer breaks the rules.
    pub fn open(&self, bytes: &mut [u8], length: usize) -> io::Result<usize> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(0) };
        let (mut fed, mut taken) = (0, 0);
        while fed < length {
            let piece = fed..(fed + PIECE_BYTES).min(length);
            fed = piece.end;
            connection.feed(&bytes[piece])?;
            let end = if fed == length { bytes.len() } else { fed };
            taken += connection.take(&mut bytes[taken..end]);
        }
        if taken == 0 && !connection.is_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
