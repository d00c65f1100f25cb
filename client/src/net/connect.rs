//! Connecting to a server, and logging in.
//!
//! Which framing a server has shows only in what follows its greeting: the default listener ends it
//! with a newline, the classic one does not. So the login is sent at once, and the byte after the
//! greeting tells.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Framing, Reply};

use super::error::ConnectError;
use super::halves::{Receiver, Sender};
use super::lines::LINE_BYTES;
use super::servers::Servers;
use super::target::Target;
use super::wire::Wire;
use crate::args::secret::Secret;

/// How long a server may take to accept, to greet, to answer the login, and to close at the end.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A timeout of zero is not allowed.
const SHORTEST: Duration = Duration::from_millis(1);

/// A connection that was greeted.
#[derive(Debug)]
pub struct Connection {
    pub(super) wire: Wire,
    server: String,
    address: SocketAddr,
    /// What came and is not yet used.
    received: Vec<u8>,
    /// Known once something came after the greeting.
    framing: Option<Framing>,
    pub(super) patience: Duration,
    pub(super) deadline: Instant,
}

impl Connection {
    /// Connects to the first of these servers that greets.
    ///
    /// # Errors
    ///
    /// Says why there is no chat server to talk to.
    pub fn open(servers: impl Into<Servers>, patience: Duration) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + patience;
        let mut connection = servers.into().try_each(deadline, Self::open_at)?;
        connection.set_patience(patience);
        Ok(connection)
    }

    /// Connects to an address of a server, and waits for its greeting.
    ///
    /// # Errors
    ///
    /// Says why there is no chat server to talk to.
    pub(super) fn open_at(
        target: &Target,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Self, ConnectError> {
        let patience = deadline.saturating_duration_since(Instant::now()).max(SHORTEST);
        let stream = TcpStream::connect_timeout(&address, patience)
            .map_err(|error| ConnectError::Refused { server: target.address.clone(), error })?;
        stream.set_nodelay(true)?;
        let wire = match &target.tls {
            None => Wire::plain(stream),
            Some(config) => Wire::tls(stream, Arc::clone(config), target.host(), deadline)
                .map_err(ConnectError::of_handshake)?,
        };
        let server = target.address.clone();
        let (received, framing) = (Vec::new(), None);
        let mut connection = Self { wire, server, address, received, framing, patience, deadline };
        connection.await_greeting()?;
        Ok(connection)
    }

    /// The server that it leads to, as the user names it.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The address of that server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
                // A listener that speaks only when spoken to is something else, a web server say. But
                // a chat server that hangs, or is about to stop, says as little.
                ConnectError::Lost(error) if self.received.is_empty() => {
                    ConnectError::Silent(error)
                }
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
            Some(Reply::WrongProtocol(why)) => ConnectError::WrongProtocol(why.to_owned()),
            _ => ConnectError::Stranger,
        })
    }

    /// From now on the answer to a login may take so long.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Logs in. May be tried again with another name when the server refuses. The secret goes only to a
    /// server that asks for it.
    ///
    /// # Errors
    ///
    /// Says why the server does not let the user in.
    pub fn log_in(&mut self, name: &str, secret: Option<&Secret>) -> Result<Framing, ConnectError> {
        self.deadline = Instant::now() + self.patience;
        let (framing, mut answer) = self.ask(&format!("login {name}\n"))?;
        if let Some(secret) = secret
            && Reply::parse(&answer) == Some(Reply::PasswordRequired)
        {
            (_, answer) = self.ask(&format!("login {name} {}\n", secret.reveal()))?;
        }
        match Reply::parse(&answer) {
            Some(Reply::LoginSuccess) => Ok(framing),
            Some(Reply::ServerFull) => Err(ConnectError::Full),
            Some(Reply::ServerShutdown | Reply::ServerCutOff | Reply::LoginTimeout) => {
                Err(ConnectError::Lost(io::Error::other(answer)))
            }
            _ => Err(ConnectError::Login(answer)),
        }
    }

    /// Sends a request, and gives the framing and the next line.
    fn ask(&mut self, request: &str) -> Result<(Framing, String), ConnectError> {
        self.wire.send(request.as_bytes())?;
        self.answer()
    }

    /// Waits for the answer to the first request, and with it for the framing.
    pub(super) fn answer(&mut self) -> Result<(Framing, String), ConnectError> {
        let framing = self.framing()?;
        loop {
            if let Some(answer) = self.take_answer(framing) {
                return Ok((framing, answer));
            }
            self.receive()?;
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
        self.wire.set_read_timeout(Some(left))?;
        if self.received.len() > LINE_BYTES {
            return Err(ConnectError::Stranger);
        }
        let mut chunk = [0; 4096];
        let received = match self.wire.receive(&mut chunk) {
            // The time is over, which is seen next time, or with TLS bytes have brought nothing yet.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            received => received?,
        };
        match received {
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
    /// When the connection is gone.
    pub fn split(self) -> io::Result<(Sender, Receiver)> {
        self.wire.set_read_timeout(None)?;
        let sender = Sender { wire: self.wire.clone() };
        Ok((sender, Receiver { wire: self.wire, received: self.received }))
    }
}
