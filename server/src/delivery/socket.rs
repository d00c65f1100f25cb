//! One client's TCP connection: the only module that knows its socket.
//!
//! The session reads, the courier sends, and both may shut a side. The socket is blocking for the
//! session; a send asks not to wait each time.

use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send, sendmsg};

use crate::trace;

/// What takes the bytes that a client is sent.
pub trait Sink {
    /// Sends the bytes of a piece from the offset `from` on, without waiting, and says how many were
    /// taken. A piece is what its transport puts in front, which may be nothing, and whole lines.
    ///
    /// # Errors
    ///
    /// When nothing will ever be taken again.
    fn send(&self, head: &[u8], lines: &[u8], from: usize) -> io::Result<usize>;
}

/// The socket of a connected client.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
}

impl Socket {
    /// A connection to `peer`, whose options are set.
    #[must_use]
    pub fn new(stream: TcpStream, peer: SocketAddr) -> Self {
        Self { stream, peer }
    }

    /// Lets a read give up after `time`, or never.
    ///
    /// # Errors
    ///
    /// When the time is zero.
    pub fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(time)
    }

    /// Whether the connection was not reset. The system tells of a reset once, perhaps to the
    /// courier that was sending; a read then looks like the end of the input.
    ///
    /// # Errors
    ///
    /// When there is no peer any more.
    pub fn check_connected(&self) -> io::Result<()> {
        self.stream.peer_addr().map(drop)
    }

    /// Lets reads find the end of the input. What the peer still sends can be read all the same.
    pub fn shut_read(&self) {
        // It fails only when the connection is gone, and then there is nothing to read either.
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    /// Lets the peer find the end of what it gets.
    pub fn shut_write(&self) {
        // As above.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Rust's runtime has programs ignore SIGPIPE; this is for a host of this library that has not.
#[cfg(target_os = "linux")]
const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const NO_SIGNAL: MsgFlags = MsgFlags::empty();

impl Sink for Socket {
    fn send(&self, head: &[u8], lines: &[u8], from: usize) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | NO_SIGNAL;
        let descriptor = self.stream.as_raw_fd();
        let head_bytes = head.len();
        let result = match head.get(from..) {
            None | Some([]) => send(descriptor, &lines[from - head_bytes..], flags),
            Some(head) => {
                let parts = [IoSlice::new(head), IoSlice::new(lines)];
                sendmsg::<()>(descriptor, &parts, &[], flags, None)
            }
        };
        match result {
            Ok(sent) => {
                let end = (from + sent).saturating_sub(head_bytes);
                trace::sent(self.peer, lines, from.saturating_sub(head_bytes)..end);
                Ok(sent)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for &Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(bytes)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
