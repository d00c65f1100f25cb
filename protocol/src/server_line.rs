//! A line from a server, whatever it is.

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
    /// A row of a list, or something that this version of the protocol does not know.
    Other(&'a str),
}

impl<'a> ServerLine<'a> {
    /// Reads a line, without its end.
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
