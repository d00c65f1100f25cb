//! The two halves of a connection that is logged in, for two threads: one sends, one receives.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::wire::Wire;

/// The half of a connection that sends.
#[derive(Debug)]
pub struct Sender {
    pub(super) wire: Wire,
}

impl Sender {
    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Lets sending fail when the server takes no byte for so long.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.wire.set_write_timeout(Some(patience))
    }

    /// Tells the server that no request follows. It answers all it has, then closes.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.wire.finish()
    }

    /// Ends both directions at once. This wakes a thread that waits in either half.
    pub fn close(&self) {
        self.wire.close();
    }

    /// A second handle on the same half.
    ///
    /// # Errors
    ///
    /// None today.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { wire: self.wire.clone() })
    }
}

/// The half of a connection that receives, as bytes.
#[derive(Debug)]
pub struct Receiver {
    pub(super) wire: Wire,
    /// What came together with the answer to the login.
    pub(super) received: Vec<u8>,
}

impl Receiver {
    /// Whether bytes are here that no `poll` of the socket tells of.
    #[must_use]
    pub fn has_buffered(&self) -> bool {
        !self.received.is_empty() || self.wire.has_buffered()
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

/// With TLS a read may bring nothing yet, and fails with `WouldBlock` then.
impl Read for Receiver {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return self.wire.receive(buffer);
        }
        let length = self.received.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.received[..length]);
        self.received.drain(..length);
        Ok(length)
    }
}
