//! A connection, of which lines are read, each in a bounded time. It knows no words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use protocol::Framing;
use socket2::{Domain, SockRef, Socket, Type};

use super::LINE_PATIENCE;
use crate::failure::Got;
use crate::patience::Deadline;

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
    deadline: Deadline,
    /// How long a send or a line may take.
    pub(super) patience: Duration,
}

impl Wire {
    /// Of a connection that is made. Nothing on it waits beyond the deadline.
    pub(super) fn new(stream: TcpStream, framing: Framing, deadline: Deadline) -> Self {
        Self { stream, framing, unread: Vec::new(), deadline, patience: LINE_PATIENCE }
    }

    /// Connects, with a receive buffer of so many bytes where that is given.
    pub(super) fn connect(
        (address, framing): (SocketAddr, Framing),
        deadline: Deadline,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        let left = left(&deadline.within(LINE_PATIENCE))?;
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
        let mut rest = bytes;
        let mut end = self.deadline.within(self.patience);
        while !rest.is_empty() {
            self.stream.set_write_timeout(Some(left(&end)?))?;
            match self.stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                // It takes something, so it may take its time for what follows.
                Ok(length) => {
                    rest = &rest[length..];
                    end = self.deadline.within(self.patience);
                }
                Err(error) if is_no_more_than_late(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next line, without its newline. On classic framing a reply that has none is a line too.
    pub(super) fn line(&mut self, patience: Duration) -> Result<Vec<u8>, Got> {
        let end = self.deadline.within(patience);
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
            self.fill(&end)?;
        }
    }

    /// The next bytes, so many of them.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Got> {
        let end = self.deadline.within(self.patience);
        while self.unread.len() < count {
            self.fill(&end)?;
        }
        Ok(self.unread.drain(..count).collect())
    }

    /// Tells the peer that nothing more comes from here.
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

    /// Reads what has come, if anything. Fails when `end` is over.
    fn fill(&mut self, end: &Deadline) -> Result<(), Got> {
        let Ok(left) = left(end) else {
            return Err(Got::Silence(std::mem::take(&mut self.unread)));
        };
        let mut buffer = [0; 16 * 1024];
        let read =
            self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(&mut buffer));
        match read {
            Ok(0) => Err(Got::End(std::mem::take(&mut self.unread))),
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(())
            }
            Err(error) if is_no_more_than_late(&error) => Ok(()),
            Err(error) => Err(Got::Broken(error.to_string())),
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

/// Whether the deadline, and nothing else, decides if there is another try.
fn is_no_more_than_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// How long a call of the system may wait. Zero would mean for ever.
fn left(end: &Deadline) -> io::Result<Duration> {
    let left = end.left();
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
