//! Learns who and what there is from the lines of a server: its events and its lists. Pure.

use protocol::rows::RoomRow;
use protocol::{Event, Reply};

use crate::model::names::Names;

/// The names seen, and the list that is coming.
#[derive(Debug, Default)]
pub struct Roster {
    names: Names,
    list: Option<Heading>,
}

/// Which list the lines without a form of their own are rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    Users,
    Rooms,
}

impl Roster {
    /// The names seen so far.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// No more rows belong to the list that was coming.
    pub fn list_ended(&mut self) {
        self.list = None;
    }

    /// Whether the rows that come are names of users.
    #[must_use]
    pub fn lists_users(&self) -> bool {
        self.list == Some(Heading::Users)
    }

    /// Learns from an answer. It ends a list, and may be the heading of another.
    pub fn reply(&mut self, reply: &Reply<'_>) {
        self.list = match *reply {
            Reply::OnlineUsers => Some(Heading::Users),
            Reply::Rooms => Some(Heading::Rooms),
            _ => None,
        };
        if let Reply::MessageFrom { name, .. } = *reply {
            self.names.wrote(name);
        }
    }

    /// Learns from a line without a form of its own. Nobody has to be told the own name.
    pub fn row(&mut self, row: &str, own_name: &str) {
        match self.list {
            Some(Heading::Users) if row != own_name => self.names.saw_user(row),
            Some(Heading::Rooms) => {
                if let Some(row) = RoomRow::parse(row) {
                    self.names.saw_room(row.name);
                }
            }
            _ => {}
        }
    }

    /// Learns from what happened in the room, now or earlier.
    pub fn event(&mut self, event: &Event<'_>, own_name: &str) {
        match *event {
            Event::Said { name, .. } | Event::TopicSet { name, .. } => self.spoke(name, own_name),
            // It may be the server that speaks: its first word is a user only if it is known as one.
            Event::Did { name, .. } if self.names.has_user(name) => self.spoke(name, own_name),
            Event::Did { .. } => {}
            Event::Entered { name } => self.names.saw_user(name),
            Event::Left { name } => self.names.left(name),
            Event::Renamed { old, new } => {
                self.names.left(old);
                self.spoke(new, own_name);
            }
            Event::Announced { .. } => {}
        }
    }

    fn spoke(&mut self, name: &str, own_name: &str) {
        if name != own_name {
            self.names.spoke(name);
        }
    }
}
