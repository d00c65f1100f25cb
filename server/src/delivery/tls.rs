//! The TLS of one connection: plaintext into records and back. It knows no socket.
//!
//! Two threads share it: the session (before that, the handshake) feeds what came, and the courier
//! seals what goes. The rule that makes this right: **nobody holds the lock while calling the socket,
//! and only the courier takes records out.** Records have numbers, so that whoever takes them has to
//! send them in that order. Where TLS itself has something to say, as in the handshake, the session
//! only tells the courier so.
//!
//! The buffers are here and not in `rustls`, whose own would keep 4 KiB for each client that is
//! silent. These are given back once they are empty.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::server::{ServerConfig, ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError};

/// So many received bytes are opened at once, so that little is held beside them. A record of most
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

/// What stands behind the lock. Between two calls there is nothing left to do: `received` has not even
/// one whole record.
struct Connection {
    /// `None` once the peer has broken the rules.
    state: Option<Box<UnbufferedServerConnection>>,
    /// The beginning of a record, or records of a message of the handshake that is not whole yet.
    received: Vec<u8>,
    /// What was opened, and is to be taken by the session.
    plaintext: VecDeque<u8>,
    /// What is to be sealed once the handshake allows it.
    early: Vec<u8>,
    /// What is to be taken by the courier, in the order of the numbers.
    records: Vec<u8>,
    /// Whether the peer has told that nothing follows.
    is_ended: bool,
}

impl Connection {
    fn feed(&mut self, received: &[u8]) -> io::Result<()> {
        if self.is_ended {
            // What stands behind the end is nobody's (RFC 8446, section 6.1).
            return Ok(());
        }
        if self.state.is_none() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.received.extend_from_slice(received);
        if let Err(error) = self.advance() {
            self.give_up();
            return Err(error);
        }
        if !self.early.is_empty() {
            let early = mem::take(&mut self.early);
            self.seal(&early)?;
        }
        Ok(())
    }

    /// Has TLS do all that it can with what was received.
    fn advance(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.state else { return Ok(()) };
        let mut used = 0;
        loop {
            let status = tls.process_tls_records(&mut self.received[used..]);
            used += status.discard;
            match status.state.map_err(broken)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(broken)?;
                        used += record.discard;
                        self.plaintext.extend(record.payload);
                    }
                }
                ConnectionState::EncodeTlsData(message) => encode(message, &mut self.records)?,
                // From here on it is the courier's.
                ConnectionState::TransmitTlsData(message) => message.done(),
                ConnectionState::PeerClosed => self.is_ended = true,
                // It waits for the peer, or for nobody.
                _ => break,
            }
        }
        if self.is_ended {
            self.received = Vec::new();
        } else if used > 0 {
            self.received.drain(..used);
            self.received.shrink_to_fit();
        }
        Ok(())
    }

    /// The peer has broken the rules. The last that is sent is what TLS has to say of that.
    fn give_up(&mut self) {
        let Some(mut tls) = self.state.take() else { return };
        (self.received, self.early) = (Vec::new(), Vec::new());
        // Nothing that was received is looked at again: that would be told again.
        while tls.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(message)) =
                tls.process_tls_records(&mut []).state
            else {
                return;
            };
            if encode(message, &mut self.records).is_err() {
                return;
            }
        }
    }

    /// Makes records of plaintext, or keeps it where the handshake does not allow them yet.
    fn seal(&mut self, plaintext: &[u8]) -> io::Result<()> {
        let Some(tls) = self.state.as_mut().filter(|_| !plaintext.is_empty()) else {
            return Ok(());
        };
        match tls.process_tls_records(&mut self.received).state.map_err(broken)? {
            ConnectionState::WriteTraffic(mut traffic) => append(&mut self.records, |space| {
                traffic.encrypt(plaintext, space).map_err(missing_space)
            }),
            ConnectionState::BlockedHandshake => {
                self.early.extend_from_slice(plaintext);
                Ok(())
            }
            state => Err(io::Error::other(format!("TLS cannot seal anything in {state:?}"))),
        }
    }

    /// Says that nothing follows, once.
    fn finish(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.state else { return Ok(()) };
        match tls.process_tls_records(&mut self.received).state.map_err(broken)? {
            ConnectionState::WriteTraffic(mut traffic) => append(&mut self.records, |space| {
                traffic.queue_close_notify(space).map_err(missing_space)
            }),
            // Before the handshake nothing was begun, and after both ends nobody waits for more.
            _ => Ok(()),
        }
    }

    /// Moves plaintext, as much as fits.
    fn take(&mut self, plaintext: &mut [u8]) -> usize {
        let length = self.plaintext.len().min(plaintext.len());
        for (place, byte) in plaintext.iter_mut().zip(self.plaintext.drain(..length)) {
            *place = byte;
        }
        if self.plaintext.is_empty() {
            self.plaintext = VecDeque::new();
        }
        length
    }
}

fn encode(
    mut message: EncodeTlsData<'_, ServerConnectionData>,
    records: &mut Vec<u8>,
) -> io::Result<()> {
    append(records, |space| {
        message.encode(space).map_err(|error| match error {
            EncodeError::InsufficientSize(size) => Some(size.required_size),
            EncodeError::AlreadyEncoded => None,
        })
    })
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn missing_space(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

/// Appends records. `write` says how much space it needs, where it has too little, and `None` where it
/// cannot write at all.
fn append(
    records: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let begin = records.len();
    let mut written = write(&mut []);
    if let Err(Some(needed)) = written {
        records.resize(begin + needed, 0);
        written = write(&mut records[begin..]);
    }
    records.truncate(begin + written.unwrap_or(0));
    written.map(drop).map_err(|_| io::Error::other("TLS has used up its keys"))
}

#[cfg(test)]
mod tests;
