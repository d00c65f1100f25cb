//! Fences: requests of this program's own whose answers mark a place in what the server sends.
//!
//! A fence is a `ping` with a token, and the server answers in order: what comes before the `pong`
//! answers what was asked before the `ping`. Nobody is shown the answer. Pure.

use std::fmt::Display;

use protocol::Reply;

/// How the tokens begin.
const TOKEN: &str = "chat-client-";

/// The request that sets a fence with this mark, with its end of line.
#[must_use]
pub fn request(mark: impl Display) -> String {
    format!("ping {TOKEN}{mark}\n")
}

/// The mark of the fence that `line` answers. A server that knows no `ping` says so, in the right
/// place: that is a fence with an empty mark.
#[must_use]
pub fn answered(line: &str) -> Option<&str> {
    // Nearly every line is something else, and a follower of a flood asks this of all of them.
    if line.starts_with(['p', 'U']) { mark(&Reply::parse(line)?) } else { None }
}

fn mark<'a>(reply: &Reply<'a>) -> Option<&'a str> {
    match *reply {
        Reply::Pong(token) => token.strip_prefix(TOKEN),
        Reply::UnknownCommand("ping") => Some(""),
        _ => None,
    }
}

/// The fences of a connection whose user sends pings too.
#[derive(Debug, Default)]
pub struct Fences {
    /// How many were ever set. The number of a fence is its mark.
    count: u64,
    /// How many answers are still to come.
    owed: usize,
}

impl Fences {
    /// Sets another one. Gives its mark.
    pub fn set(&mut self) -> String {
        self.count += 1;
        self.owed += 1;
        self.count.to_string()
    }

    /// The mark of the fence that `reply` answers, as [`answered`] has it. Where none is owed, a server
    /// that knows no `ping` answers the user.
    pub fn answered<'a>(&mut self, reply: &Reply<'a>) -> Option<&'a str> {
        let mark = mark(reply).filter(|mark| self.owed > 0 || !mark.is_empty())?;
        self.owed = self.owed.saturating_sub(1);
        Some(mark)
    }

    /// The connection is gone, and with it every answer.
    pub fn lost(&mut self) {
        self.owed = 0;
    }
}
