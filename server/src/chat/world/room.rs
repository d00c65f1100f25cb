//! One room: who is in it, in which order they came, and what they see happen.
//!
//! This module knows no socket and no thread. Every function in it is called with the chat's
//! lock held, so it must not wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Event, RoomName, UserName};

use crate::delivery::item::Item;
use crate::log::position::Position;
use crate::log::room_log::{LogGuard, RoomLog};

/// From where a client reads a room. The client's session has a copy.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The log of the room.
    pub log: Arc<RoomLog>,
    /// The position in the log at which the client came in.
    pub entered: Position,
}

/// One room, from its first reader to its last.
#[derive(Debug)]
pub struct Room {
    /// Tells rooms apart that had the same name one after the other.
    pub number: u64,
    /// What its members see.
    pub log: Arc<RoomLog>,
    /// What is talked about, or nothing.
    pub topic: String,
    /// By member number, which is the order of entry.
    members: BTreeMap<u64, UserName>,
    next_member: u64,
    /// How many read the room without being in it.
    watchers: usize,
}

impl Room {
    /// A room without members, whose next member gets the number `next_member`.
    #[must_use]
    pub fn new(number: u64, log: Arc<RoomLog>, topic: String, next_member: u64) -> Self {
        Self { number, log, topic, members: BTreeMap::new(), next_member, watchers: 0 }
    }

    /// Puts a member in without telling the room, when the world is restored.
    pub fn put_back(&mut self, member: u64, name: UserName) {
        self.members.insert(member, name);
    }

    /// The number of the member that comes next.
    #[must_use]
    pub fn next_member(&self) -> u64 {
        self.next_member
    }

    /// Puts a watcher in, likewise.
    pub fn add_watcher(&mut self) {
        self.watchers += 1;
    }

    /// Takes in a user. Gives the user's number in the room, its seat, which is in front of its own `has
    /// entered`, and for a client of this server, whose courier has this number, the item by which it starts
    /// to read the room, behind that line.
    pub fn enter(
        &mut self,
        name: UserName,
        courier: Option<usize>,
        now: Timestamp,
    ) -> (u64, Seat, Option<Item>) {
        let mut log = self.log.lock();
        let seat = Seat { log: Arc::clone(&self.log), entered: log.end() };
        append(&mut log, Event::Entered { name: name.as_str() }, now);
        let switch = courier.map(|courier| Item::Switch(log.add_reader(courier), log.end()));
        drop(log);
        let member = self.next_member;
        self.next_member += 1;
        self.members.insert(member, name);
        (member, seat, switch)
    }

    /// Takes a member out. Its last item in this room was posted under the same lock of the log: so it does
    /// not read its own `has left`.
    pub fn leave(&mut self, member: u64, log: &mut LogGuard<'_>, now: Timestamp) {
        if let Some(name) = self.members.remove(&member) {
            append(log, Event::Left { name: name.as_str() }, now);
        }
    }

    /// Takes in a watcher, of which the room sees nothing. Gives its seat, and the item by which it starts to
    /// read, as [`Room::enter`] does.
    pub fn watch(&mut self, courier: Option<usize>) -> (Seat, Option<Item>) {
        let mut log = self.log.lock();
        self.watchers += 1;
        let seat = Seat { log: Arc::clone(&self.log), entered: log.end() };
        (seat, courier.map(|courier| Item::Switch(log.add_reader(courier), log.end())))
    }

    /// Takes a watcher out.
    pub fn unwatch(&mut self) {
        self.watchers -= 1;
    }

    /// Whether the room has no member and no watcher.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.watchers == 0
    }

    /// Gives a member another name. The reply was posted under the same lock of the log: so the member gets
    /// it before the line that the room sees.
    pub fn rename(&mut self, member: u64, new: UserName, log: &mut LogGuard<'_>, now: Timestamp) {
        if let Some(name) = self.members.get_mut(&member) {
            append(log, Event::Renamed { old: name.as_str(), new: new.as_str() }, now);
            *name = new;
        }
    }

    /// Sets the topic.
    pub fn set_topic(&mut self, name: &UserName, text: &str, now: Timestamp) {
        text.clone_into(&mut self.topic);
        append(&mut self.log.lock(), Event::TopicSet { name: name.as_str(), text }, now);
    }

    /// How the room's first visitor wrote its name.
    #[must_use]
    pub fn name(&self) -> &RoomName {
        &self.log.room
    }

    /// The names of all members, in order of entry.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &UserName> {
        self.members.values()
    }
}

fn append(log: &mut LogGuard<'_>, event: Event<'_>, now: Timestamp) {
    log.append(format!("{event}\n").as_bytes(), now);
}
