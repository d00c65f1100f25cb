//! Every way in which the program ends. One table serves the code, `--help` and the documentation.
//!
//! This module knows no mode and does no I/O.

use std::{fmt, io};

use protocol::Reply;

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// Its time ran out before all was done.
    TimedOut = 1,
    /// The command line makes no sense. clap itself uses this number.
    Usage = 2,
    /// There is no server there, or it takes nobody in.
    CannotConnect = 3,
    /// Somebody else has the name.
    LoginRefused = 4,
    /// The server went away before all was done.
    ConnectionLost = 5,
    /// The server did not do what it was asked, and said why.
    Refused = 6,
    /// This machine is the cause: a file, a thread, the terminal.
    Local = 7,
    /// The server has no place for this user, now or later: it is no matter of trying again.
    KeptOut = 8,
    /// Nobody can tell whether it was done.
    Unknown = 9,
    /// A signal told it to.
    Signal = 143,
}

impl Exit {
    /// Every one, in the order of the numbers, and what it means.
    pub const TABLE: &'static [(Exit, &'static str)] = &[
        (Exit::Done, "done"),
        (Exit::TimedOut, "the time of `--timeout` ran out"),
        (Exit::Usage, "the command line is wrong"),
        (Exit::CannotConnect, "cannot connect, or the server is full"),
        (Exit::LoginRefused, "somebody else has the name"),
        (Exit::ConnectionLost, "the connection was lost before all was done"),
        (Exit::Refused, "the server refused what was asked of it"),
        (Exit::Local, "this machine failed: a file, the terminal, a program to start"),
        (
            Exit::KeptOut,
            "kept out for good: kicked, banned, a name that is not allowed, or its password",
        ),
        (Exit::Unknown, "not known whether all was said"),
        (Exit::Signal, "ended by SIGTERM, or by SIGHUP of a closed window"),
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the same command may do better a little later.
    #[must_use]
    pub fn is_worth_another_try(self) -> bool {
        matches!(self, Exit::CannotConnect | Exit::LoginRefused | Exit::ConnectionLost)
    }

    /// The word for it in an error that is an object.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::TimedOut => "timeout",
            Exit::Usage => "usage",
            Exit::CannotConnect => "cannot-connect",
            Exit::LoginRefused => "name-taken",
            Exit::ConnectionLost => "connection-lost",
            Exit::Refused => "refused",
            Exit::Local => "local",
            Exit::KeptOut => "kept-out",
            Exit::Unknown => "unknown",
            Exit::Signal => "signal",
        }
    }

    /// The table as it stands in `--help`.
    #[must_use]
    pub fn help() -> String {
        let rows =
            Self::TABLE.iter().map(|(exit, meaning)| format!("\n  {:<3} {meaning}", exit.code()));
        format!("Exit codes (`bot` passes on its program's):{}", rows.collect::<String>())
    }
}

/// What went wrong, and how the program ends because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How to end.
    pub exit: Exit,
    /// One line for the user that says what to do next.
    pub reason: String,
    /// The cause in a word, where it is more than the exit code tells.
    pub cause: Option<&'static str>,
}

impl Failure {
    /// A failure with its reason.
    pub fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self { exit, reason: reason.into(), cause: None }
    }

    /// This machine is the cause.
    pub fn local(error: impl Into<io::Error>) -> Self {
        Self::new(Exit::Local, error.into().to_string())
    }

    /// The connection was lost.
    pub fn lost(why: impl fmt::Display) -> Self {
        Self::new(Exit::ConnectionLost, format!("connection lost: {why}; start again"))
    }

    /// The same with its cause in a word, for a program that reads it.
    #[must_use]
    pub fn because(self, cause: &'static str) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The time that the user gave has passed.
    #[must_use]
    pub fn out_of_time() -> Self {
        Self::new(Exit::TimedOut, "the time of --timeout ran out before all was done")
    }

    /// The server ended the connection, with this last word.
    #[must_use]
    pub fn dismissed(word: &str) -> Self {
        let cause = match Reply::parse(word) {
            Some(Reply::Kicked(_)) => "kicked",
            Some(Reply::Banned(_)) => "banned",
            Some(Reply::ServerShutdown) => return Self::lost(word).because("server-stopped"),
            _ => return Self::lost(word),
        };
        let reason = format!("connection lost: {word}; this user was put out");
        Self::new(Exit::KeptOut, reason).because(cause)
    }

    /// The server refused what was asked of it, with this answer.
    #[must_use]
    pub fn refused(answer: &str) -> Self {
        Self::new(Exit::Refused, format!("refused: {answer}; change it and try again"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_shows_every_code() {
        assert!(
            Exit::help().starts_with("Exit codes (`bot` passes on its program's):\n  0   done\n")
        );
        let codes: Vec<_> = Exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 143]);
    }
}
