//! One room: who is in it, in which order they came, and what they see happen.
//!
//! This module knows no socket and no thread. Every function in it is called with the chat's
//! lock held, so it must not wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Event, RoomName, UserName};

use crate::outbox::Mail;
use crate::ring::Position;
use crate::room_log::{LogWriter, News, RoomLog};

/// See the module's page.
#[derive(Debug)]
pub struct Room {
    /// What its members see.
    pub log: Arc<RoomLog>,
    /// What is talked about, or nothing.
    pub topic: String,
    /// By seat number, which is the order of entry.
    members: BTreeMap<u64, UserName>,
    next_seat: u64,
}

impl Room {
    /// A room without members.
    #[must_use]
    pub fn new(log: RoomLog, topic: String) -> Self {
        Self { log: Arc::new(log), topic, members: BTreeMap::new(), next_seat: 0 }
    }

    /// Seats a user whose courier has this number. Gives back the seat's number, and the mail by
    /// which the user starts to read the room: after its own `has entered`.
    pub fn enter(&mut self, name: UserName, courier: usize) -> (u64, Mail, News) {
        let mut log = self.log.write();
        append(&mut log, Event::Entered { name: name.as_str() });
        let enter = Mail::Enter(log.add_reader(courier), log.end());
        let news = log.finish();
        let seat = self.next_seat;
        self.next_seat += 1;
        self.members.insert(seat, name);
        (seat, enter, news)
    }

    /// Empties a seat. `farewell` is called with the place in the log where the user stops to
    /// read: before its own `has left`.
    pub fn leave(&mut self, seat: u64, farewell: impl FnOnce(Position)) -> News {
        let mut log = self.log.write();
        farewell(log.end());
        if let Some(name) = self.members.remove(&seat) {
            append(&mut log, Event::Left { name: name.as_str() });
        }
        log.finish()
    }

    /// Gives the user on a seat another name. `answer` is called with the place in the log before
    /// the news of it.
    pub fn rename(&mut self, seat: u64, new: UserName, answer: impl FnOnce(Position)) -> News {
        let mut log = self.log.write();
        answer(log.end());
        if let Some(name) = self.members.get_mut(&seat) {
            append(&mut log, Event::Renamed { old: name.as_str(), new: new.as_str() });
            *name = new;
        }
        log.finish()
    }

    /// Sets the topic.
    pub fn set_topic(&mut self, name: &UserName, text: &str) -> News {
        text.clone_into(&mut self.topic);
        let mut log = self.log.write();
        append(&mut log, Event::TopicSet { name: name.as_str(), text });
        log.finish()
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

fn append(log: &mut LogWriter<'_>, event: Event<'_>) {
    log.append(format!("{event}\n").as_bytes(), Timestamp::now());
}
