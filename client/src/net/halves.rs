//! The two halves of a connection that is logged in, for two threads: one sends, one receives.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// The half of a connection that sends.
#[derive(Debug)]
pub struct Sender {
    pub(super) stream: TcpStream,
}

impl Sender {
    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Lets sending fail when the server takes no byte for so long.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(patience))
    }

    /// Tells the server that no request follows. It answers all it has, then closes.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends both directions at once. This wakes a thread that waits in either half.
    pub fn close(&self) {
        // An error says that it is closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// A second handle on the same half.
    ///
    /// # Errors
    ///
    /// When the system has no file descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()? })
    }
}

/// The half of a connection that receives, as bytes.
#[derive(Debug)]
pub struct Receiver {
    pub(super) stream: TcpStream,
    /// What came together with the answer to the login.
    pub(super) received: Vec<u8>,
}

impl Receiver {
    /// Whether bytes are here that no `poll` of the socket tells of.
    #[must_use]
    pub fn has_buffered(&self) -> bool {
        !self.received.is_empty()
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Read for Receiver {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return read(&mut self.stream, buffer);
        }
        let length = self.received.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.received[..length]);
        self.received.drain(..length);
        Ok(length)
    }
}

/// Reads what has come. A signal is no reason to fail: a process that was suspended takes up its
/// reads again only where they have no time limit (signal(7)).
pub(super) fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
