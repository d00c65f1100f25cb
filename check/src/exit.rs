//! The exit codes, in one place.

use std::process::ExitCode;

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every check that could be tried passed.
    Passed,
    /// At least one check failed.
    Failed,
    /// The program was called in a way that it does not understand.
    Usage,
    /// Nothing failed, but not everything was tried: there is no server, or no time was left.
    Untried,
    /// The report could not be written.
    Unwritten,
    /// The user ended it.
    Interrupted,
}

/// As `chat-check --help` says it.
pub const TABLE: &str = "\
Exit codes:
  0    every check that could be tried passed
  1    at least one check failed
  2    wrong usage
  3    not everything could be tried, and nothing that was tried failed: no server, or no time
  4    the report could not be written
  130  ended by Ctrl-C";

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Untried => 3,
            Self::Unwritten => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
