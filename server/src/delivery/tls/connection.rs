//! The TLS of one connection as one thread at a time has it: `rustls` without buffers of its own, and
//! the buffers that it needs meanwhile.

use std::collections::VecDeque;
use std::io;
use std::mem;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError};

/// What stands behind the lock. Between two calls there is nothing left to do: `received` has not even
/// one whole record.
pub struct Connection {
    /// `None` once the peer has broken the rules.
    pub state: Option<Box<UnbufferedServerConnection>>,
    /// The beginning of a record, or records of a message of the handshake that is not whole yet.
    pub received: Vec<u8>,
    /// What was opened, and is to be taken by the session.
    pub plaintext: VecDeque<u8>,
    /// What is to be sealed once the handshake allows it.
    pub early: Vec<u8>,
    /// What is to be taken by the courier, in the order of the numbers.
    pub records: Vec<u8>,
    /// Whether the peer has told that nothing follows.
    pub is_ended: bool,
}

impl Connection {
    /// Takes what came from the peer.
    pub fn feed(&mut self, received: &[u8]) -> io::Result<()> {
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
    pub fn advance(&mut self) -> io::Result<()> {
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
    pub fn give_up(&mut self) {
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
    pub fn seal(&mut self, plaintext: &[u8]) -> io::Result<()> {
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
    pub fn finish(&mut self) -> io::Result<()> {
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
    pub fn take(&mut self, plaintext: &mut [u8]) -> usize {
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
