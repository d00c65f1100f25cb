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

/// A place to read a room from. Its session holds it too.
#[derive(Debug, Clone)]
pub struct Seat {
    /// What is read.
    pub log: Arc<RoomLog>,
    /// Where in the log its reader came in.
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
    /// A room without members, of which there were so many before.
    #[must_use]
    pub fn new(number: u64, log: Arc<RoomLog>, topic: String, next_member: u64) -> Self {
        Self { number, log, topic, members: BTreeMap::new(), next_member, watchers: 0 }
    }

    /// Puts a member in, as if it had come by itself.
    pub fn put_back(&mut self, member: u64, name: UserName) {
        self.members.insert(member, name);
    }

    /// The number of the member that comes next.
    #[must_use]
    pub fn next_member(&self) -> u64 {
        self.next_member
    }

    /// Puts a reader without a name in, likewise.
    pub fn add_watcher(&mut self) {
        self.watchers += 1;
    }

    /// Takes in a user. Gives back the member's number, its seat, which is before its own `has entered`,
    /// and the item by which the user starts to read the room: after that. Only who is connected to this
    /// server reads here, by the `courier` of this number.
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

    /// Lets a member go. What it is owed in the room was posted under the same lock of the log:
    /// so it stops to read before its own `has left`.
    pub fn leave(&mut self, member: u64, log: &mut LogGuard<'_>, now: Timestamp) {
        if let Some(name) = self.members.remove(&member) {
            append(log, Event::Left { name: name.as_str() }, now);
        }
    }

    /// Lets somebody without a name read the room. Nobody sees it. Gives back its seat, and the item by
    /// which the reading begins, as [`Self::enter`] does.
    pub fn watch(&mut self, courier: Option<usize>) -> (Seat, Option<Item>) {
        let mut log = self.log.lock();
        self.watchers += 1;
        let seat = Seat { log: Arc::clone(&self.log), entered: log.end() };
        (seat, courier.map(|courier| Item::Switch(log.add_reader(courier), log.end())))
    }

    /// Such a reader is gone.
    pub fn unwatch(&mut self) {
        self.watchers -= 1;
    }

    /// Whether nobody is in the room, and nobody reads it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.watchers == 0
    }

    /// Gives a member another name. The answer was posted under the same lock of the log: so it
    /// comes before the line that the room sees.
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
