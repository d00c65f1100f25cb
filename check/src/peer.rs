//! A client that a check plays: it sends what it is told to, and waits a bounded time for each line.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use protocol::Framing;
use socket2::{Domain, SockRef, Socket, Type};

use crate::failure::{Difference, Got, Journal};
use crate::shown::shown;

/// How long a line may take.
pub const LINE_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes without a newline that are taken before a server is called a flood.
const LONGEST: usize = 256 * 1024;

/// Lines that a fence passes over before a server is called a flood.
const MOST_LINES: usize = 10_000;

/// Replies that carry no newline on classic framing.
const BARE: [&[u8]; 4] =
    [b"Connect Success", b"Login Success", b"UserName Empty", b"UserName Exist"];

/// One client of a check.
#[derive(Debug)]
pub struct Peer {
    /// What the report calls it.
    pub label: String,
    /// The name that it has in the chat. Empty before login.
    pub name: String,
    stream: TcpStream,
    framing: Framing,
    unread: Vec<u8>,
    deadline: Instant,
    journal: Journal,
}

impl Peer {
    /// Connects. Everything that it waits for ends at `deadline`. With `receive_buffer`, in bytes,
    /// its system takes little before it has read.
    ///
    /// # Errors
    ///
    /// When the server does not take the connection.
    pub fn connect(
        label: &str,
        (address, framing): (SocketAddr, Framing),
        deadline: Instant,
        journal: &Journal,
        receive_buffer: Option<usize>,
    ) -> Result<Self, Difference> {
        journal.note_text(format!("{label} connects"));
        let connected = connect(address, deadline, receive_buffer);
        let stream = connected.map_err(|error| Difference {
            client: label.to_owned(),
            line: None,
            expected: "(a connection)".to_owned(),
            got: match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock => Got::Silence(Vec::new()),
                _ => Got::Broken(error.to_string()),
            },
            before: journal.lines(),
        })?;
        let (label, journal) = (label.to_owned(), journal.clone());
        let (name, unread) = (String::new(), Vec::new());
        Ok(Self { label, name, stream, framing, unread, deadline, journal })
    }

    /// The other end of a connection that somebody made. `deadline` as above.
    #[must_use]
    pub fn accepted(
        label: &str,
        stream: TcpStream,
        framing: Framing,
        deadline: Instant,
        journal: &Journal,
    ) -> Self {
        let (label, journal) = (label.to_owned(), journal.clone());
        let (name, unread) = (String::new(), Vec::new());
        Self { label, name, stream, framing, unread, deadline, journal }
    }

    /// Sends these bytes, all of them.
    ///
    /// # Errors
    ///
    /// When the server is gone, or takes nothing for too long.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Difference> {
        self.journal.note(&self.label, '>', bytes);
        let sent = self
            .patience()
            .and_then(|patience| self.stream.set_write_timeout(Some(patience)))
            .and_then(|()| self.stream.write_all(bytes));
        sent.map_err(|error| {
            let got = match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock => Got::Silence(Vec::new()),
                _ => Got::Broken(error.to_string()),
            };
            self.difference("(a server that takes what is sent)", got)
        })
    }

    /// Sends a line.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn say(&mut self, line: &str) -> Result<(), Difference> {
        self.send(format!("{line}\n").as_bytes())
    }

    /// The next line, without its newline. On classic framing a reply that has none is a line too.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn line(&mut self) -> Result<Vec<u8>, Got> {
        self.line_within(LINE_PATIENCE)
    }

    /// The same, where the line may take so long.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn line_within(&mut self, patience: Duration) -> Result<Vec<u8>, Got> {
        let end = (Instant::now() + patience).min(self.deadline);
        loop {
            if let Some(bare) = self.bare() {
                let line: Vec<u8> = self.unread.drain(..bare).collect();
                self.journal.note(&self.label, '<', &line);
                return Ok(line);
            }
            if let Some(length) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=length).collect();
                line.pop();
                self.journal.note(&self.label, '<', &line);
                return Ok(line);
            }
            if self.unread.len() >= LONGEST {
                return Err(Got::Flood(self.unread.len()));
            }
            self.fill(end)?;
        }
    }

    /// The line `text` comes next.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn expect(&mut self, text: &str) -> Result<(), Difference> {
        match self.line() {
            Ok(line) if line == text.as_bytes() => Ok(()),
            Ok(line) => Err(self.difference(text, Got::Bytes(line))),
            Err(got) => Err(self.difference(text, got)),
        }
    }

    /// Exactly these bytes come next, whatever follows.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Got> {
        let end = (Instant::now() + LINE_PATIENCE).min(self.deadline);
        while self.unread.len() < count {
            self.fill(end)?;
        }
        let bytes: Vec<u8> = self.unread.drain(..count).collect();
        self.journal.note(&self.label, '<', &bytes);
        Ok(bytes)
    }

    /// The connection ends next.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn end(&mut self) -> Result<(), Got> {
        match self.line() {
            Ok(line) => Err(Got::Bytes(line)),
            Err(Got::End(rest)) if rest.is_empty() => Ok(()),
            Err(got) => Err(got),
        }
    }

    /// The connection ends in whatever way, with whatever came before it.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn end_after_anything(&mut self) -> Result<(), Difference> {
        for _ in 0..MOST_LINES {
            match self.line() {
                Ok(_) => {}
                Err(Got::End(_) | Got::Broken(_)) => return Ok(()),
                Err(got) => return Err(self.difference("(the end of the connection)", got)),
            }
        }
        Err(self.difference("(the end of the connection)", Got::Flood(MOST_LINES)))
    }

    /// Logs in under `name`, from the greeting on.
    ///
    /// # Errors
    ///
    /// What came instead of the greeting or the success.
    pub fn log_in(&mut self, name: &str) -> Result<(), Difference> {
        self.expect("Connect Success")?;
        self.say(&format!("login {name}"))?;
        self.expect("Login Success")?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    /// All lines up to the one that satisfies `is_last`, without that one.
    ///
    /// # Errors
    ///
    /// When it does not come. `expected` says what that was.
    pub fn lines_until(
        &mut self,
        expected: &str,
        is_last: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<Vec<u8>>, Difference> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            match self.line() {
                Ok(line) if is_last(&line) => return Ok(lines),
                Ok(line) => lines.push(line),
                Err(got) => return Err(self.difference(expected, got)),
            }
        }
        Err(self.difference(expected, Got::Flood(MOST_LINES)))
    }

    /// Says `token`, and gives all lines before the client sees it. Works in any room.
    ///
    /// # Errors
    ///
    /// When it is never seen.
    pub fn lines_to_fence(&mut self, token: &str) -> Result<Vec<Vec<u8>>, Difference> {
        let last = format!("{}: {token}", self.name);
        self.say(&format!("say {token}"))?;
        self.lines_until(&last, |line| line == last.as_bytes())
    }

    /// Ends the requests. Answers can still come.
    ///
    /// # Errors
    ///
    /// When the connection is broken already.
    pub fn close_side(&mut self) -> Result<(), Difference> {
        self.journal.note_text(format!("{} closes its side", self.label));
        self.stream.shutdown(Shutdown::Write).map_err(|error| {
            self.difference("(a connection to close)", Got::Broken(error.to_string()))
        })
    }

    /// Goes as a program does that crashed: with a reset.
    ///
    /// # Errors
    ///
    /// When the system does not let it.
    pub fn reset(self) -> Result<(), Difference> {
        self.journal.note_text(format!("{} resets", self.label));
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).map_err(|error| {
            self.difference("(a socket that can be reset)", Got::Broken(error.to_string()))
        })
    }

    /// A difference that this client saw.
    #[must_use]
    pub fn difference(&self, expected: &str, got: Got) -> Difference {
        Difference {
            client: self.label.clone(),
            line: None,
            expected: shown(expected.as_bytes()),
            got,
            before: self.journal.lines(),
        }
    }

    /// How its listener ends replies.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
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

    fn patience(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now()).min(LINE_PATIENCE);
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

fn connect(
    address: SocketAddr,
    deadline: Instant,
    receive_buffer: Option<usize>,
) -> io::Result<TcpStream> {
    let left = deadline.saturating_duration_since(Instant::now()).min(LINE_PATIENCE);
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // The window is agreed upon when the connection is made, so it is set before.
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.connect_timeout(&address.into(), left)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}
