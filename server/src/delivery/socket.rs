//! One client's TCP connection: the only module that knows its socket.
//!
//! The session reads, the courier sends, and both may shut a side. The socket is blocking for the
//! session; a send asks not to wait each time. Where there is TLS, [`Tls`] stands between the two and
//! the socket.

use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send, sendmsg};

use crate::delivery::tls::Tls;
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

    /// What has to be sent in place of a piece, and of nothing: records of TLS. They are sent before
    /// anything else. `None` where a piece is sent as it is.
    ///
    /// # Errors
    ///
    /// When nothing can be sent any more.
    fn seal(&self, _head: &[u8], _lines: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// Nothing follows, and [`Sink::seal`] may have a last record that says so.
    fn finish(&self) -> bool {
        false
    }
}

/// The socket of a connected client.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Box<Tls>>,
}

/// How a handshake stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// The peer has more to send.
    Going,
    /// Plaintext can follow.
    Done,
}

impl Socket {
    /// A connection to `peer`, whose options are set.
    #[must_use]
    pub fn new(stream: TcpStream, peer: SocketAddr, tls: Option<Tls>) -> Self {
        Self { stream, peer, tls: tls.map(Box::new) }
    }

    /// Whether there is TLS, or was to be.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether TLS itself has something to say, which the courier has to be told.
    #[must_use]
    pub fn has_records(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_records())
    }

    /// Whether something can be read that no wait for the socket tells of.
    #[must_use]
    pub fn has_plaintext(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_plaintext())
    }

    /// The first byte that the peer has sent, which stays to be read.
    ///
    /// # Errors
    ///
    /// When none comes within the time of reads, or the connection is gone.
    pub fn first_byte(&self) -> io::Result<u8> {
        let mut first = [0];
        match self.stream.peek(&mut first)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(first[0]),
        }
    }

    /// From now on bytes come and go as they are: the peer does not speak TLS.
    pub fn give_up_tls(&self) {
        if let Some(tls) = &self.tls {
            tls.give_up();
        }
    }

    /// Reads a part of the handshake, into `buffer`.
    ///
    /// # Errors
    ///
    /// As a read, and when the peer breaks the rules.
    pub fn shake(&self, buffer: &mut [u8]) -> io::Result<Handshake> {
        let Some(tls) = &self.tls else { return Ok(Handshake::Done) };
        let length = (&self.stream).read(buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_done = tls.shake(&buffer[..length])?;
        Ok(if is_done { Handshake::Done } else { Handshake::Going })
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

    /// Whether something has come that nobody has read. To close the socket now would reset the connection.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        // Nothing can be read where it fails, nor at the end of the input.
        recv(self.stream.as_raw_fd(), &mut [0], flags).is_ok_and(|count| count > 0)
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
                if self.tls.is_none() {
                    let end = (from + sent).saturating_sub(head_bytes);
                    trace::sent(self.peer, lines, from.saturating_sub(head_bytes)..end);
                }
                Ok(sent)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn seal(&self, head: &[u8], lines: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let records = tls.seal(head, lines)?;
        trace::sent(self.peer, lines, 0..lines.len());
        Ok(records)
    }

    fn finish(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.finish())
    }
}

/// With TLS a read takes from the socket once at most, and fails with `WouldBlock` when that brought
/// no plaintext: so the session looks at the time again, however the peer cuts its records.
impl Read for &Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return (&self.stream).read(bytes) };
        match tls.take(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            taken => return taken,
        }
        match (&self.stream).read(bytes)? {
            // TLS says so when a peer closes. Without that the connection may have been cut off.
            0 => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended without a word of TLS"))
            }
            length => tls.open(bytes, length),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_nobody_has_read_yet_is_found_and_left_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (near, address) = listener.accept().unwrap();
        let socket = Socket::new(near, address, None);
        assert!(!socket.has_unread());
        far.write_all(b"x").unwrap();
        // It is there when a peek that waits has seen it.
        socket.stream.peek(&mut [0]).unwrap();
        assert!(socket.has_unread() && socket.has_unread());
        (&socket).read_exact(&mut [0]).unwrap();
        assert!(!socket.has_unread());
        drop(far);
        socket.stream.peek(&mut [0]).unwrap();
        assert!(!socket.has_unread());
    }
}
