//! [`ServerLine`]: any line that a client gets, sorted into a reply to this client, an event of its room,
//! or neither. The table in `docs/protocol.md#every-line` is the same in words.
//!
//! It looks at one line alone. Whether a line that is neither is a row of a list depends on the lines
//! before it, which the client remembers.

use std::fmt;

use crate::event::Event;
use crate::reply::Reply;

/// Any line from a server, as a client gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerLine<'a> {
    /// To this client alone.
    Reply(Reply<'a>),
    /// To everyone in the room.
    Event(Event<'a>),
    /// A row of a list, or a line that this version of the protocol does not know.
    Other(&'a str),
}

impl<'a> ServerLine<'a> {
    /// Reads a line, without its end. A line that could be both is a reply: names that would make an
    /// event look like one are reserved.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        if let Some(reply) = Reply::parse(line) {
            ServerLine::Reply(reply)
        } else if let Some(event) = Event::parse(line) {
            ServerLine::Event(event)
        } else {
            ServerLine::Other(line)
        }
    }
}

impl fmt::Display for ServerLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerLine::Reply(reply) => reply.fmt(f),
            ServerLine::Event(event) => event.fmt(f),
            ServerLine::Other(line) => f.write_str(line),
        }
    }
}
