//! Why there is no connection: what happened, and what a user may do about it.

mod failure;

use std::{error, fmt, io};

use nix::errno::Errno;
use protocol::Reply;
use rustls::{AlertDescription, CertificateError, OtherError};

use super::target::Target;
use crate::trust::Untrusted;

/// Why there is no connection, or none that is logged in.
#[derive(Debug)]
pub enum ConnectError {
    /// The name of the host has no address.
    Address {
        /// What was to be found.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// Nobody listens there.
    Refused {
        /// Where.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// Something listens there, and what it says is no greeting.
    Stranger,
    /// Something listens there, and says nothing.
    Silent(io::Error),
    /// The server takes no more clients.
    Full,
    /// The server takes nobody from this address, for so many minutes.
    Banned(u64),
    /// The server does not take the name. This is its answer.
    Login(String),
    /// The server does not take what this client speaks, and says so.
    WrongProtocol(String),
    /// The server's certificate is not trusted.
    Untrusted(Untrusted),
    /// The server does not have the key of its certificate.
    NoKey,
    /// What answers speaks no TLS.
    NoTls,
    /// The handshake of TLS has failed otherwise.
    Handshake(rustls::Error),
    /// The server does not let anybody read this room. This is its answer.
    Room(String),
    /// The connection ended, or the server kept silent.
    Lost(io::Error),
    /// Several servers were tried, and each of them failed.
    Several(Vec<(String, ConnectError)>),
}

/// How a server failed that nobody had the time to try.
pub(super) fn no_time_left(target: &Target) -> ConnectError {
    let error = io::Error::new(io::ErrorKind::TimedOut, "no time was left for it");
    ConnectError::Refused { server: target.address.clone(), error }
}

impl ConnectError {
    /// Why a handshake of TLS has failed.
    pub(super) fn of_handshake(error: io::Error) -> Self {
        use rustls::Error;

        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None => error.into(),
            Some(Error::InvalidCertificate(CertificateError::Other(OtherError(other)))) => {
                match other.downcast_ref::<Untrusted>() {
                    Some(untrusted) => Self::Untrusted(untrusted.clone()),
                    None => Self::Handshake(Error::General(other.to_string())),
                }
            }
            Some(Error::InvalidCertificate(CertificateError::BadSignature)) => Self::NoKey,
            Some(Error::InvalidMessage(_)) => Self::NoTls,
            // It could say so in no other way, before a handshake.
            Some(Error::AlertReceived(AlertDescription::AccessDenied)) => Self::Full,
            Some(other) => Self::Handshake(other.clone()),
        }
    }

    /// Why a round has failed: of each server, named as the user does, the failure that tells most.
    pub(super) fn of_round(failed: Vec<(String, ConnectError)>) -> Self {
        let mut told: Vec<(String, Self)> = Vec::new();
        for (server, error) in failed {
            match told.iter_mut().find(|(known, _)| *known == server) {
                Some((_, known)) if known.reached() > error.reached() => {}
                Some((_, known)) => *known = error,
                None => told.push((server, error)),
            }
        }
        match told.pop() {
            Some((_, only)) if told.is_empty() => only,
            last => Self::Several(told.into_iter().chain(last).collect()),
        }
    }

    /// How far an attempt has come. Of several the one that came furthest tells most, the last of equals.
    fn reached(&self) -> u8 {
        match self {
            ConnectError::Address { .. } => 0,
            ConnectError::Refused { .. } => 1,
            ConnectError::Stranger
            | ConnectError::Silent(_)
            | ConnectError::WrongProtocol(_)
            | ConnectError::NoTls => 2,
            ConnectError::Untrusted(_) | ConnectError::NoKey | ConnectError::Handshake(_) => 3,
            ConnectError::Full | ConnectError::Banned(_) => 4,
            ConnectError::Lost(_) => 5,
            ConnectError::Login(_) | ConnectError::Room(_) => 6,
            ConnectError::Several(_) => self.furthest().reached(),
        }
    }

    /// The one of several that tells most, or this one.
    fn furthest(&self) -> &Self {
        let ConnectError::Several(failed) = self else { return self };
        failed.iter().map(|(_, error)| error).max_by_key(|error| error.reached()).unwrap_or(self)
    }

    /// Whether it is an answer to this user that each server of the chat would give.
    pub(super) fn is_for_every_server(&self) -> bool {
        match self {
            ConnectError::Banned(_) | ConnectError::Room(_) => true,
            ConnectError::Login(answer) => Reply::parse(answer) != Some(Reply::PasswordQueueFull),
            _ => false,
        }
    }

    /// What happened. It may quote the server.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            ConnectError::Several(failed) => several(failed),
            ConnectError::Address { server, error } => {
                format!("cannot find {server}: {}", without_number(error))
            }
            ConnectError::Refused { server, error } => {
                format!("cannot connect to {server}: {}", without_number(error))
            }
            ConnectError::Stranger => "what answers is no chat server".to_owned(),
            ConnectError::Silent(error) => {
                format!("no chat server has greeted: {}", without_number(error))
            }
            ConnectError::Full => Reply::ServerFull.to_string(),
            ConnectError::Banned(minutes) => Reply::Banned(*minutes).to_string(),
            ConnectError::Login(answer) => format!("login refused: {answer}"),
            ConnectError::WrongProtocol(why) => format!("the server says: {why}"),
            ConnectError::Untrusted(untrusted) => untrusted.to_string(),
            ConnectError::NoKey => {
                "the server does not have the key of the certificate that it shows".to_owned()
            }
            ConnectError::NoTls => "what answers speaks no TLS".to_owned(),
            ConnectError::Handshake(error) => format!("the handshake of TLS has failed: {error}"),
            ConnectError::Room(answer) => format!("refused: {answer}"),
            ConnectError::Lost(error) => {
                format!("connection lost during login: {}", without_number(error))
            }
        }
    }

    /// The same where it is clear which server it was.
    fn cause_there(&self) -> String {
        match self {
            ConnectError::Address { error, .. } => format!("not found: {}", without_number(error)),
            ConnectError::Refused { error, .. } => without_number(error),
            other => other.cause(),
        }
    }

    /// What to do about it, for somebody who is there to do it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            ConnectError::Several(_) => match self.furthest() {
                ConnectError::Address { .. } => "check the addresses",
                ConnectError::Refused { .. } => "are they running?",
                ConnectError::Several(_) => "name a server",
                furthest => furthest.advice(),
            },
            ConnectError::Address { .. } | ConnectError::Stranger => "check the address",
            ConnectError::Refused { error, .. } if is_of_this_machine(error) => "see ulimit -a",
            ConnectError::Refused { .. } => "is the server running there?",
            ConnectError::Silent(_) => "try again; if it stays so, check the address",
            ConnectError::Full => "try again later",
            ConnectError::Banned(_) => "try again then",
            ConnectError::Login(answer) => match Reply::parse(answer) {
                Some(Reply::PasswordRequired) => "give --password-file FILE, or set CHAT_PASSWORD",
                Some(Reply::PasswordWrong) => "check the password and the name",
                Some(Reply::PasswordQueueFull) => "try again",
                _ => "choose another name",
            },
            ConnectError::WrongProtocol(_) => "check the port, and whether --tls is to be given",
            ConnectError::Untrusted(untrusted) => untrusted.advice(),
            ConnectError::NoKey => "somebody is in between: do not go on",
            ConnectError::NoTls => "check the port; without TLS, leave --tls away",
            ConnectError::Handshake(_) => "check the address; tell who runs the server",
            ConnectError::Room(_) => "change it and try again",
            ConnectError::Lost(_) => "try again",
        }
    }

    /// Whether a password may help: the one that was given does not, or there was none.
    #[must_use]
    pub fn wants_password(&self) -> bool {
        let ConnectError::Login(answer) = self else { return false };
        matches!(Reply::parse(answer), Some(Reply::PasswordRequired | Reply::PasswordWrong))
    }

    /// Whether an operator keeps this user out, by the address or by the name.
    #[must_use]
    pub fn is_ban(&self) -> bool {
        match self {
            ConnectError::Banned(_) => true,
            ConnectError::Login(answer) => matches!(Reply::parse(answer), Some(Reply::Banned(_))),
            _ => false,
        }
    }
}

/// Whether this machine lacks what a connection takes, and no server is to blame.
fn is_of_this_machine(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS))
}

/// Each cause once, with the servers that it holds for.
fn several(failed: &[(String, ConnectError)]) -> String {
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for (server, error) in failed {
        let cause = error.cause_there();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, servers)) => servers.push(server),
            None => causes.push((cause, vec![server])),
        }
    }
    let causes = causes.iter().map(|(cause, servers)| format!("{cause} ({})", servers.join(", ")));
    let causes: Vec<_> = causes.collect();
    format!("none of {} servers lets you in: {}", failed.len(), causes.join(", "))
}

/// The words of the system without the number that it adds for programs.
#[must_use]
pub fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.cause(), self.advice())
    }
}

impl error::Error for ConnectError {}

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

#[cfg(test)]
mod tests;
