//! The TLS of one connection: plaintext into records and back. It knows no socket.
//!
//! Two threads share it: the session (before that, the handshake) feeds what came, and the courier
//! seals what goes. The rule that makes this right: **nobody holds the lock while calling the socket,
//! and only the courier takes records out.** Records have numbers, so that whoever takes them has to
//! send them in that order. Where TLS itself has something to say, as in the handshake, the session
//! only tells the courier so.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::server::{ServerConfig, ServerConnection};

/// The TLS of one connection.
#[derive(Debug)]
pub struct Tls {
    /// `None` once it is clear that the peer does not speak TLS.
    connection: Mutex<Option<ServerConnection>>,
}

impl Tls {
    /// Before the handshake.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be used.
    pub fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        // What is sealed is taken out at once, and what may be owed is bounded elsewhere.
        connection.set_buffer_limit(None);
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
        connection.writer().write_all(head)?;
        connection.writer().write_all(lines)?;
        let mut records = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut records)?;
        }
        Ok(Some(records))
    }

    /// For the courier: nothing follows. Whether that is still to be sent to the peer.
    pub fn finish(&self) -> bool {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return false };
        connection.send_close_notify();
        connection.wants_write()
    }

    /// Whether TLS itself has something to say, which the courier has to be told.
    pub fn has_records(&self) -> bool {
        self.connection.lock().as_ref().is_some_and(|connection| connection.wants_write())
    }

    /// Whether plaintext is here that no wait for the socket tells of.
    pub fn has_plaintext(&self) -> bool {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return false };
        connection.reader().fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    /// Takes a part of the handshake. Whether the handshake is done.
    ///
    /// # Errors
    ///
    /// When the peer breaks the rules, or has nothing in common with this server.
    pub fn shake(&self, received: &[u8]) -> io::Result<bool> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(true) };
        let mut rest = received;
        while !rest.is_empty() && feed(connection, &mut rest)? {}
        Ok(!connection.is_handshaking())
    }

    /// The plaintext that is here already. `Ok(0)` is the end that the peer has told of.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none yet.
    pub fn take(&self, plaintext: &mut [u8]) -> io::Result<usize> {
        match self.connection.lock().as_mut() {
            Some(connection) => connection.reader().read(plaintext),
            None => Ok(0),
        }
    }

    /// Opens the first `length` bytes of `bytes`, which were received, and puts their plaintext in
    /// their place. What was opened before must have been taken.
    ///
    /// Plaintext is shorter than its records, but for the one record that had come in part before:
    /// what that has more stays inside, no more than 16 KiB, to be taken.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when they have none, and when the peer breaks the rules.
    pub fn open(&self, bytes: &mut [u8], length: usize) -> io::Result<usize> {
        let mut connection = self.connection.lock();
        let Some(connection) = connection.as_mut() else { return Ok(0) };
        let (mut fed, mut taken) = (0, 0);
        loop {
            let mut rest = &bytes[fed..length];
            let goes_on = feed(connection, &mut rest)?;
            fed = length - rest.len();
            let is_last = !goes_on || fed == length;
            let end = if is_last { bytes.len() } else { fed };
            let read = connection.reader().read(&mut bytes[taken..end]);
            taken += match read {
                // The next read finds the end, or that there is nothing more.
                Ok(0) | Err(_) if taken > 0 => 0,
                Err(error) if is_last => return Err(error),
                Err(_) => 0,
                Ok(length) => length,
            };
            if is_last {
                return Ok(taken);
            }
        }
    }
}

/// Gives some of what came to TLS. `false` when it takes no more, for the peer has ended its side.
fn feed(connection: &mut ServerConnection, received: &mut &[u8]) -> io::Result<bool> {
    let length = connection.read_tls(received)?;
    let state = connection.process_new_packets();
    state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(length > 0)
}
