//! What can go wrong with the engine, and what to do about it.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// The longest text of the engine that is shown.
const LONGEST: usize = 200;

/// The log cannot be followed from the start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the log at {engine}: {fault}")]
pub struct Error {
    /// The address of the engine, without user and password.
    pub engine: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What the engine did not do. No text has a password in it, and texts of the engine are escaped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no connection, or none any more. It is tried again.
    #[error("cannot be reached ({0}): see whether it runs, and whether the address is right")]
    Unreachable(String),
    /// No answer for that long. It is tried again.
    #[error("no answer for {} ms: see whether it is stopped, overloaded or cut off", .0.as_millis())]
    Silent(Duration),
    /// It answered with an error. It is tried again, since an operator may mend it.
    #[error("refused ({reply}): {advice}")]
    Refused {
        /// What it said, or the first word of that.
        reply: String,
        /// What to do.
        advice: &'static str,
    },
    /// It is not what this crate can use, or it has something else at the names of the log.
    #[error("{0}")]
    Unusable(String),
    /// The log is not the one that was followed. There is no way back to it.
    #[error("{0}")]
    Lost(String),
    /// The program stops.
    #[error("stopped")]
    Stopped,
}

impl Fault {
    /// An operation that could take `patience` did not end well.
    pub(crate) fn of_io(error: &io::Error, patience: Duration) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Silent(patience),
            io::ErrorKind::UnexpectedEof => {
                Self::Unreachable("it has closed the connection".to_owned())
            }
            _ => Self::Unreachable(printable(error.to_string().as_bytes())),
        }
    }

    /// An error that the engine has answered with.
    pub(crate) fn refused(reply: &[u8]) -> Self {
        let reply = printable(reply);
        let code = reply.split(' ').next().unwrap_or_default();
        let advice = match code {
            "OOM" => "its memory is full; raise its maxmemory, or remove what others have there",
            "MISCONF" => "it cannot save to its disk, and so takes nothing; look into its own log",
            "LOADING" => "it is loading its data; wait",
            "BUSY" => "a script of somebody else keeps it busy; wait, or end that with SCRIPT KILL",
            "READONLY" => "it is a replica; give the address of the engine that can be written to",
            "MASTERDOWN" | "UNBLOCKED" => "it is becoming a replica, or back; wait",
            "NOREPLICAS" => "too few of its replicas are there; start them",
            "NOAUTH" | "WRONGPASS" => "give the right password, and the user if it has users",
            "NOPERM" => "let its user run what docs/several-servers.md tells, on these two keys",
            "WRONGTYPE" => "something else has the key's name; choose another database or name",
            "MOVED" | "ASK" | "CROSSSLOT" => "it is a cluster; give one engine that is not",
            _ => "look into its own log",
        };
        Self::Refused { reply, advice }
    }

    /// The same, of an error whose text may quote the password.
    pub(crate) fn refused_secret(reply: &[u8]) -> Self {
        let code = reply.split(|byte| *byte == b' ').next().unwrap_or_default();
        match Self::refused(code) {
            Self::Refused { reply, .. } if reply == "ERR" => Self::Refused {
                reply,
                advice: "it does not take the password; see whether it has one",
            },
            fault => fault,
        }
    }

    /// Whether waiting may help, also at the start.
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self, Self::Refused { reply, .. } if reply.starts_with("LOADING"))
    }
}

/// A text of the engine, so that it harms no terminal and no log.
pub(crate) fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.trim_end().chars().take(LONGEST).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_harms_no_terminal() {
        let fault = Fault::refused(b"ERR \x1b[2J\r\nno\n");
        assert_eq!(fault.to_string(), "refused (ERR \\u{1b}[2J\\r\\nno): look into its own log");
    }

    #[test]
    fn an_answer_to_a_password_is_not_quoted() {
        let reply = b"ERR unknown command 'AUTH', with args beginning with: 'secret'";
        let fault = Fault::refused_secret(reply).to_string();
        assert!(fault.starts_with("refused (ERR): it does not take the password"), "{fault}");
        assert!(!fault.contains("secret"));
        let fault = Fault::refused_secret(b"WRONGPASS invalid username-password pair").to_string();
        assert_eq!(
            fault,
            "refused (WRONGPASS): give the right password, and the user if it has users"
        );
    }
}
