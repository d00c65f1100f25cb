//! What a script may do besides saying something: what an operator does, and what the room is told.

use clap::{Args, ValueHint};

use super::limits::Visit;
use super::server::{one_line, one_word};

/// `me` and `topic`.
#[derive(Debug, Args)]
pub struct Telling {
    /// Where to go
    #[command(flatten)]
    pub visit: Visit,

    /// The text, in one line
    #[arg(value_parser = one_line, value_hint = ValueHint::Other)]
    pub text: Vec<String>,
}

/// `announce`.
#[derive(Debug, Args)]
pub struct Announce {
    /// Who, and where
    #[command(flatten)]
    pub visit: Visit,

    /// The text, in one line
    #[arg(required = true, value_parser = one_line, value_hint = ValueHint::Other)]
    pub text: Vec<String>,
}

/// `kick`.
#[derive(Debug, Args)]
pub struct Kick {
    /// Who, and where
    #[command(flatten)]
    pub visit: Visit,

    /// Whom
    #[arg(value_name = "USER", value_parser = one_word, value_hint = ValueHint::Other)]
    pub whom: String,

    /// Why, as that user reads it
    #[arg(value_parser = one_line, value_hint = ValueHint::Other)]
    pub reason: Vec<String>,
}

/// `mute` and `ban`.
#[derive(Debug, Args)]
pub struct Restrain {
    /// Who, and where
    #[command(flatten)]
    pub visit: Visit,

    /// Whom: the name of a user, for `ban` also an address
    #[arg(value_name = "USER", value_parser = one_word, value_hint = ValueHint::Other)]
    pub whom: String,

    /// For how many minutes; 0 ends it
    pub minutes: u32,
}
