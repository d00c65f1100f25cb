//! A connection, of which lines are read, each in a bounded time. It knows no words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use protocol::Framing;
use socket2::{Domain, SockRef, Socket, Type};

use super::LINE_PATIENCE;
use crate::failure::Got;

/// Bytes without a newline that are taken before a server is called a flood.
const LONGEST: usize = 256 * 1024;

/// Replies that carry no newline on classic framing.
const BARE: [&[u8]; 4] =
    [b"Connect Success", b"Login Success", b"UserName Empty", b"UserName Exist"];

/// A connection, and what came of it and is not read yet.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    pub(super) framing: Framing,
    unread: Vec<u8>,
    deadline: Instant,
    /// How long a send or a line may take.
    pub(super) patience: Duration,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, framing: Framing, deadline: Instant) -> Self {
        Self { stream, framing, unread: Vec::new(), deadline, patience: LINE_PATIENCE }
    }

    pub(super) fn connect(
        (address, framing): (SocketAddr, Framing),
        deadline: Instant,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        let left = limited(LINE_PATIENCE, deadline)?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // The window is agreed upon when the connection is made, so it is set before.
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect_timeout(&address.into(), left)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, framing, deadline))
    }

    /// Sends these bytes, all of them.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(limited(self.patience, self.deadline)?))?;
        self.stream.write_all(bytes)
    }

    /// The next line, without its newline. On classic framing a reply that has none is a line too.
    pub(super) fn line(&mut self, patience: Duration) -> Result<Vec<u8>, Got> {
        let end = (Instant::now() + patience).min(self.deadline);
        loop {
            if let Some(bare) = self.bare() {
                return Ok(self.unread.drain(..bare).collect());
            }
            if let Some(length) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=length).collect();
                line.pop();
                return Ok(line);
            }
            if self.unread.len() >= LONGEST {
                return Err(Got::Flood(self.unread.len()));
            }
            self.fill(end)?;
        }
    }

    /// The next bytes, so many of them.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Got> {
        let end = (Instant::now() + self.patience).min(self.deadline);
        while self.unread.len() < count {
            self.fill(end)?;
        }
        Ok(self.unread.drain(..count).collect())
    }

    pub(super) fn close_side(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Closes with a reset.
    pub(super) fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    /// How many bytes a bare reply at the start of what is unread takes.
    fn bare(&self) -> Option<usize> {
        if self.framing != Framing::Classic {
            return None;
        }
        BARE.iter().find(|bare| self.unread.starts_with(bare)).map(|bare| bare.len())
    }

    fn fill(&mut self, end: Instant) -> Result<(), Got> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Got::Silence(std::mem::take(&mut self.unread)));
        }
        let mut buffer = [0; 16 * 1024];
        let read =
            self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(&mut buffer));
        match read {
            Ok(0) => Err(Got::End(std::mem::take(&mut self.unread))),
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    Err(Got::Silence(std::mem::take(&mut self.unread)))
                }
                ErrorKind::Interrupted => Ok(()),
                _ => Err(Got::Broken(error.to_string())),
            },
        }
    }
}

/// What an error of the connection is for a check.
pub(super) fn got(error: &io::Error) -> Got {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Got::Silence(Vec::new()),
        _ => Got::Broken(error.to_string()),
    }
}

fn limited(patience: Duration, deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now()).min(patience);
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
