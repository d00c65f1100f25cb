//! Every way in which the program ends. One table serves the code, `--help` and the documentation.
//!
//! This module knows no mode and does no I/O.

use std::{fmt, io};

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// What was waited for did not happen in time.
    TimedOut = 1,
    /// The command line makes no sense. clap itself uses this number.
    Usage = 2,
    /// There is no server there, or it takes nobody in.
    CannotConnect = 3,
    /// The server does not take the name.
    LoginRefused = 4,
    /// The server went away before all was done.
    ConnectionLost = 5,
    /// The server did not do what it was asked, and said why.
    Refused = 6,
    /// This machine is the cause: a file, a thread, the terminal.
    Local = 7,
    /// A signal told it to.
    Signal = 143,
}

impl Exit {
    /// Every one, in the order of the numbers, and what it means.
    pub const TABLE: &'static [(Exit, &'static str)] = &[
        (Exit::Done, "done"),
        (Exit::TimedOut, "`wait`: nothing matched in time"),
        (Exit::Usage, "the command line is wrong"),
        (Exit::CannotConnect, "cannot connect, or the server is full"),
        (Exit::LoginRefused, "the server refused the login"),
        (Exit::ConnectionLost, "the connection was lost before all was done"),
        (Exit::Refused, "the server refused what was asked of it"),
        (Exit::Local, "this machine failed: a file, the terminal, a program to start"),
        (Exit::Signal, "ended by SIGTERM, or by SIGHUP of a closed window"),
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
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
}

impl Failure {
    /// A failure with its reason.
    pub fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self { exit, reason: reason.into() }
    }

    /// This machine is the cause.
    pub fn local(error: impl Into<io::Error>) -> Self {
        Self::new(Exit::Local, error.into().to_string())
    }

    /// The connection was lost.
    pub fn lost(why: impl fmt::Display) -> Self {
        Self::new(Exit::ConnectionLost, format!("connection lost: {why}; start again"))
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
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 143]);
    }
}
