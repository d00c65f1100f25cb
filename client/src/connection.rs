//! A server's socket: connecting, logging in, the half that sends and the half that receives.
//!
//! Which framing a server has shows only in what follows its greeting: the default listener ends it
//! with a newline, the classic one does not. So the login is sent at once, and the byte after the
//! greeting tells. This module knows no terminal and prints nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use protocol::limits::PORT;
use protocol::{Framing, LineDecoder, LineError, Reply};
use thiserror::Error;

use crate::exit::{Exit, Failure};
use crate::safe::Safe;

/// How long a server may take to accept, to greet, to answer the login, and to close at the end.
pub const PATIENCE: Duration = Duration::from_secs(10);

const SHORTEST: Duration = Duration::from_millis(100);

/// Bytes in a line from a server. Lines of `history` are longer than any line that is sent.
pub const LINE_BYTES: usize = 64 * 1024;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why there is no connection, or none that is logged in.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name of the host has no address.
    #[error("cannot find {server}: {error}; check the address")]
    Address {
        /// What was to be found.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// Nobody listens there.
    #[error("cannot connect to {server}: {error}; is the server running there?")]
    Refused {
        /// Where.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// Something listens there, but it does not greet.
    #[error("what answers is no chat server; check the address")]
    Stranger,
    /// The server takes no more clients.
    #[error("{}; try again later", Reply::ServerFull)]
    Full,
    /// The server takes nobody from this address, for so many minutes.
    #[error("{}; try again then", Reply::Banned(*.0))]
    Banned(u64),
    /// The server does not take the name. This is its answer.
    #[error("login refused: {0}; choose another name")]
    Login(String),
    /// The connection ended, or the server kept silent.
    #[error("connection lost during login: {0}; try again")]
    Lost(io::Error),
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        ConnectError::Lost(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                io::Error::new(io::ErrorKind::TimedOut, "the server does not answer")
            }
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the server closed it"),
            _ => error,
        })
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let exit = match error {
            ConnectError::Address { .. }
            | ConnectError::Refused { .. }
            | ConnectError::Stranger
            | ConnectError::Full
            | ConnectError::Banned(_) => Exit::CannotConnect,
            ConnectError::Login(_) => Exit::LoginRefused,
            ConnectError::Lost(_) => Exit::ConnectionLost,
        };
        // It may quote the server.
        Failure::new(exit, Safe::new(&error.to_string()).to_string())
    }
}

/// A connection that was greeted.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What came and is not yet used.
    received: Vec<u8>,
    /// Known once something came after the greeting.
    framing: Option<Framing>,
    patience: Duration,
    deadline: Instant,
}

/// Adds the default port to a server that is named without one.
fn with_port(server: &str) -> String {
    let is_bare_v6 = server.parse::<std::net::Ipv6Addr>().is_ok();
    match server.rsplit_once(':') {
        _ if is_bare_v6 => format!("[{server}]:{PORT}"),
        Some((_, port)) if !port.ends_with(']') => server.to_owned(),
        _ => format!("{server}:{PORT}"),
    }
}

impl Connection {
    /// Connects to `server`, which is `HOST:PORT` or `HOST`, and waits for its greeting.
    ///
    /// # Errors
    ///
    /// Says why there is no chat server to talk to.
    pub fn open(server: &str, patience: Duration) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + patience;
        let stream = connect(&with_port(server), deadline)?;
        stream.set_nodelay(true)?;
        let mut connection =
            Self { stream, received: Vec::new(), framing: None, patience, deadline };
        connection.await_greeting()?;
        Ok(connection)
    }

    fn await_greeting(&mut self) -> Result<(), ConnectError> {
        let greeting = Reply::ConnectSuccess.to_string();
        loop {
            let compared = self.received.len().min(greeting.len());
            if self.received[..compared] != greeting.as_bytes()[..compared] {
                return Err(self.turned_away()?);
            }
            if compared == greeting.len() {
                self.received.drain(..compared);
                return Ok(());
            }
            self.receive().map_err(|error| match error {
                // A listener that speaks only when spoken to is something else, a web server say.
                ConnectError::Lost(_) if self.received.is_empty() => ConnectError::Stranger,
                other => other,
            })?;
        }
    }

    /// What the line means that came in place of the greeting.
    fn turned_away(&mut self) -> Result<ConnectError, ConnectError> {
        let line = loop {
            if let Some(line) = self.take_answer(Framing::Line) {
                break line;
            }
            self.receive()?;
        };
        Ok(match Reply::parse(&line) {
            Some(Reply::ServerFull) => ConnectError::Full,
            Some(Reply::Banned(minutes)) => ConnectError::Banned(minutes),
            _ => ConnectError::Stranger,
        })
    }

    /// Logs in. May be tried again with another name when the server refuses.
    ///
    /// # Errors
    ///
    /// Says why the server does not let the user in.
    pub fn log_in(&mut self, name: &str) -> Result<Framing, ConnectError> {
        self.deadline = Instant::now() + self.patience;
        self.stream.write_all(format!("login {name}\n").as_bytes())?;
        let framing = self.framing()?;
        let answer = loop {
            if let Some(answer) = self.take_answer(framing) {
                break answer;
            }
            self.receive()?;
        };
        match Reply::parse(&answer) {
            Some(Reply::LoginSuccess) => Ok(framing),
            Some(Reply::ServerFull) => Err(ConnectError::Full),
            Some(Reply::ServerShutdown | Reply::LoginTimeout) => {
                Err(ConnectError::Lost(io::Error::other(answer)))
            }
            _ => Err(ConnectError::Login(answer)),
        }
    }

    /// Waits for what follows the greeting, when it is not known yet.
    fn framing(&mut self) -> Result<Framing, ConnectError> {
        loop {
            let framing = match (self.framing, self.received.first()) {
                (Some(known), _) => known,
                (None, Some(b'\r' | b'\n')) => Framing::Line,
                (None, Some(_)) => Framing::Classic,
                (None, None) => {
                    self.receive()?;
                    continue;
                }
            };
            self.framing = Some(framing);
            return Ok(framing);
        }
    }

    /// The next line that is not empty, once it is there: the newline of the greeting is skipped.
    fn take_answer(&mut self, framing: Framing) -> Option<String> {
        const BARE: [Reply<'_>; 3] =
            [Reply::LoginSuccess, Reply::UserNameEmpty, Reply::UserNameExist];
        let blank = self.received.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let text = &self.received[blank..];
        let bare = BARE.iter().find(|reply| {
            reply.is_bare(framing) && text.starts_with(&reply.to_bytes(Framing::Classic))
        });
        let (answer, end) = match bare {
            Some(reply) => (reply.to_string(), blank + reply.to_string().len()),
            None => {
                let length = text.iter().position(|&byte| byte == b'\n')?;
                let line = String::from_utf8_lossy(text[..length].trim_ascii_end());
                (line.into_owned(), blank + length + 1)
            }
        };
        self.received.drain(..end);
        Some(answer)
    }

    fn receive(&mut self) -> Result<(), ConnectError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        self.stream.set_read_timeout(Some(left))?;
        if self.received.len() > LINE_BYTES {
            return Err(ConnectError::Stranger);
        }
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            length => {
                self.received.extend_from_slice(&chunk[..length]);
                Ok(())
            }
        }
    }

    /// The two halves, for two threads.
    ///
    /// # Errors
    ///
    /// When the system has no file descriptor left.
    pub fn split(self) -> io::Result<(Sender, Receiver)> {
        self.stream.set_read_timeout(None)?;
        let sender = Sender { stream: self.stream.try_clone()? };
        Ok((sender, Receiver { stream: self.stream, received: self.received }))
    }
}

fn connect(server: &str, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let lost = |error| ConnectError::Address { server: server.to_owned(), error };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in server.to_socket_addrs().map_err(lost)? {
        // A host may have several addresses, and a timeout of zero is not allowed.
        let left = deadline.saturating_duration_since(Instant::now()).max(SHORTEST);
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Refused { server: server.to_owned(), error: last })
}

/// The half of a connection that sends.
#[derive(Debug)]
pub struct Sender {
    stream: TcpStream,
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

/// The half of a connection that receives, as bytes. [`Lines`] makes lines of them.
#[derive(Debug)]
pub struct Receiver {
    stream: TcpStream,
    /// What came together with the answer to the login.
    received: Vec<u8>,
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
            return self.stream.read(buffer);
        }
        let length = self.received.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.received[..length]);
        self.received.drain(..length);
        Ok(length)
    }
}

/// One line from a server, without its end, or what stood in its place.
pub type Line = Result<String, LineError>;

/// Lines from a server.
#[derive(Debug)]
pub struct Lines {
    receiver: Receiver,
    decoder: LineDecoder,
    chunk: Box<[u8]>,
}

impl Lines {
    /// Reads lines of `receiver`.
    #[must_use]
    pub fn new(receiver: Receiver) -> Self {
        // The decoder holds no more than one line, so a stream without newlines needs no end.
        let decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        Self { receiver, decoder, chunk: vec![0; CHUNK_BYTES].into() }
    }

    /// The lines that the next bytes complete: perhaps none, perhaps thousands. `None` at the end.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub fn next_batch(&mut self) -> io::Result<Option<Vec<Line>>> {
        let mut lines = Vec::new();
        let length = self.receiver.read(&mut self.chunk)?;
        if length == 0 {
            let rest = self.decoder.finish();
            lines.extend(rest.map(|line| line.map(str::to_owned)));
            return Ok((!lines.is_empty()).then_some(lines));
        }
        let mut bytes = &self.chunk[..length];
        while let Some(line) = self.decoder.next(&mut bytes) {
            lines.push(line.map(str::to_owned));
        }
        Ok(Some(lines))
    }

    /// Feeds a bounded channel until the server closes. This is the body of a reader thread; it
    /// also ends when nobody listens to the channel any more.
    pub fn feed<T: From<Incoming>>(mut self, channel: &SyncSender<T>) {
        loop {
            let (incoming, is_end) = match self.next_batch() {
                Ok(Some(lines)) => (Incoming::Lines(lines), false),
                Ok(None) => (Incoming::Closed(None), true),
                Err(error) => (Incoming::Closed(Some(error)), true),
            };
            if channel.send(incoming.into()).is_err() || is_end {
                return;
            }
        }
    }
}

/// What a reader thread reports.
#[derive(Debug)]
pub enum Incoming {
    /// Lines, in their order.
    Lines(Vec<Line>),
    /// Nothing follows. The error is there when the connection broke.
    Closed(Option<io::Error>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_may_be_left_out() {
        for (server, expected) in [
            ("chat.example", "chat.example:6666"),
            ("chat.example:7", "chat.example:7"),
            ("127.0.0.1", "127.0.0.1:6666"),
            ("::1", "[::1]:6666"),
            ("[::1]", "[::1]:6666"),
            ("[::1]:7", "[::1]:7"),
        ] {
            assert_eq!(with_port(server), expected);
        }
    }
}
