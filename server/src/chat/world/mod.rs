//! The state that everybody sees: who is where under which name, and what each room saw.
//!
//! It is a function of the changes that were applied, in their order, and of nothing else: no clock (a
//! change comes with its time), no chance, nothing that only one server knows. Two worlds that were given
//! the same changes have the same users, rooms and logs, whichever of the users are clients of this
//! server. For those a change has one more effect, under the same lock of their room's log: they are owed
//! the replies, and start to read where they go.
//!
//! The chat's lock guards it. It waits for nothing.

mod coming;
mod ignored;
mod moderating;
mod restoring;
mod room;
mod saved;
mod servers;
mod talking;
mod verdicts;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Reply, RoomName, UserName};

use self::ignored::Ignored;
pub use self::room::{Room, Seat};
pub use self::saved::{Saved, Unreadable};
use self::verdicts::Verdicts;
use super::change::{Change, Member};
use crate::delivery::client::Client;
use crate::log::room_log::{RoomLog, Subscribers};
use crate::moderation::Moderation;
use crate::recording::archive::Earlier;
use crate::recording::recorder::Recorder;

/// What one server has of its own.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Who carries and records what rooms see.
    pub subscribers: Arc<Subscribers>,
    /// Who is told of rooms that are closed.
    pub recorder: Option<Arc<Recorder>>,
    /// Who is told of mutes.
    pub moderation: Option<Arc<Moderation>>,
    /// What newcomers are told first, in finished lines.
    pub motd: Vec<u8>,
    /// Bytes of lines that are kept of each room.
    pub backlog: usize,
}

/// Users and rooms.
#[derive(Debug)]
pub struct World {
    here: Surroundings,
    /// Everybody whose name is taken: from login to the last byte after logout.
    users: HashMap<Member, User>,
    names: HashMap<UserName, Member>,
    rooms: HashMap<RoomName, Room>,
    /// Who reads a room without a name.
    watchers: HashMap<Member, Watcher>,
    verdicts: Verdicts,
    /// Servers of which something was heard, where there are several.
    servers: BTreeSet<u64>,
    /// The number of the next room.
    rooms_made: u64,
    /// The number of the next log. Only this server uses it.
    logs_made: u64,
}

/// What this server has to do for a change that was applied, once nothing is locked.
#[must_use]
#[derive(Debug, Default)]
pub struct Effects {
    /// Its clients that have to go, to be woken.
    pub removed: Vec<Arc<Client>>,
    /// Who has sent a message that its receiver does not take, and the receiver's name: the sender's
    /// server is to be told.
    pub undelivered: Option<(Member, String)>,
}

/// Somebody with a name.
#[derive(Debug)]
struct User {
    name: UserName,
    /// `None` where it is no client of this server.
    client: Option<Arc<Client>>,
    /// `None` when the user has left and only its last bytes are under way.
    place: Option<Place>,
    /// Whether somebody has it go. Nothing more is heard of it.
    is_removed: bool,
    /// Whose private messages it does not take.
    ignored: Ignored,
}

/// Where a user is.
#[derive(Debug)]
struct Place {
    seat: Seat,
    /// Its number in the room.
    number: u64,
}

/// Somebody who reads a room without a name.
#[derive(Debug)]
struct Watcher {
    /// `None` where it is no client of this server.
    client: Option<Arc<Client>>,
    seat: Seat,
}

impl User {
    /// Owes the user a reply at this point of its room's order, where it is a client of this server.
    fn reply(&self, reply: Reply<'_>) {
        if let (Some(client), Some(place)) = (&self.client, &self.place) {
            client.reply(place.seat.log.lock().end(), reply);
        }
    }
}

impl World {
    /// A world with nobody in it and one room, which has this from before. Gives that room's log too.
    #[must_use]
    pub fn new(here: Surroundings, earlier: Earlier) -> (Self, Arc<RoomLog>) {
        Self::with_logs(here, earlier, 0)
    }

    /// The same, after so many logs of earlier worlds.
    fn with_logs(here: Surroundings, earlier: Earlier, logs_made: u64) -> (Self, Arc<RoomLog>) {
        let mut world = Self {
            here,
            users: HashMap::new(),
            names: HashMap::new(),
            rooms: HashMap::new(),
            watchers: HashMap::new(),
            verdicts: Verdicts::default(),
            servers: BTreeSet::new(),
            rooms_made: 0,
            logs_made,
        };
        let main = world.open(&RoomName::main(), earlier);
        (world, main)
    }

    /// Makes a change. A `newcomer` is who acts, where that is a client of this server which is in no
    /// room yet.
    pub fn apply(
        &mut self,
        change: &Change<'_>,
        now: Timestamp,
        newcomer: Option<&Arc<Client>>,
    ) -> Effects {
        match change {
            Change::Enter { who, name, claimant } => {
                return self.enter(*who, name, *claimant, newcomer, now);
            }
            Change::Leave { who } => self.leave(*who, now),
            Change::Free { who } => self.free(*who),
            Change::Move { who, room } => self.go(*who, room, now),
            Change::Watch { who, room } => self.watch(*who, room, newcomer),
            Change::Unwatch { who } => self.unwatch(*who),
            Change::Rename { who, name, claimant } => {
                return self.rename(*who, name, *claimant, now);
            }
            Change::Say { who, lines } => self.say(*who, lines, now),
            Change::SetTopic { who, text } => self.set_topic(*who, text, now),
            Change::Announce { text } => self.announce(text, now),
            Change::Message { who, to, text } => return self.message(*who, to, text),
            Change::Ignore { who, name, is_ignored } => self.ignore(*who, name, *is_ignored),
            Change::Mute { who, name, minutes } => self.mute(*who, name, *minutes, now),
            Change::Ban { who, target, minutes } => self.ban(*who, target, *minutes, now),
            Change::Kick { who, name, reason } => return self.kick(*who, name, reason),
            Change::TakeBack { holder } => return self.take_back(*holder),
            Change::Undelivered { sender, to } => self.answer(*sender, Reply::MailboxFull(to)),
            Change::Alive { .. } => {}
            Change::Gone { server } => return self.lose(*server, now),
        }
        Effects::default()
    }

    /// Where a user is, and its name there. `None` when it is in no room.
    #[must_use]
    pub fn whereabouts(&self, who: Member) -> Option<(&UserName, &Seat)> {
        let user = self.users.get(&who)?;
        Some((&user.name, &user.place.as_ref()?.seat))
    }

    /// Whether somebody has come in, and its name is not free yet.
    #[must_use]
    pub fn has_user(&self, who: Member) -> bool {
        self.users.contains_key(&who)
    }

    /// From where somebody without a name reads.
    #[must_use]
    pub fn watcher(&self, who: Member) -> Option<&Seat> {
        Some(&self.watchers.get(&who)?.seat)
    }

    /// Who has a name, and whether it is in a room still.
    #[must_use]
    pub fn holder(&self, name: &UserName) -> Option<(Member, bool)> {
        let holder = *self.names.get(name)?;
        Some((holder, self.users.get(&holder).is_some_and(|user| user.place.is_some())))
    }

    /// The client of this server that has a name.
    #[must_use]
    pub fn client_of(&self, name: &UserName) -> Option<&Arc<Client>> {
        self.users.get(self.names.get(name)?)?.client.as_ref()
    }

    /// The room that somebody reads. It exists for as long as somebody does.
    #[must_use]
    pub fn room(&self, seat: &Seat) -> Option<&Room> {
        self.rooms.get(&seat.log.room)
    }

    /// Whether there is a room of this name.
    #[must_use]
    pub fn has_room(&self, name: &RoomName) -> bool {
        self.rooms.contains_key(name)
    }

    /// All rooms, in no order.
    pub fn rooms(&self) -> impl ExactSizeIterator<Item = &Room> {
        self.rooms.values()
    }

    /// The clients of this server that read a room, in no order: each with its number, its name where it
    /// has one, and its seat.
    pub fn readers(&self) -> impl Iterator<Item = (&Arc<Client>, Option<&UserName>, &Seat)> {
        let users = self.users.values().filter_map(|user| {
            Some((user.client.as_ref()?, Some(&user.name), &user.place.as_ref()?.seat))
        });
        let watchers = self.watchers.values();
        users.chain(watchers.filter_map(|it| Some((it.client.as_ref()?, None, &it.seat))))
    }

    /// Opens a room that does not exist, with what it has from before. Gives its log.
    pub fn open(&mut self, name: &RoomName, earlier: Earlier) -> Arc<RoomLog> {
        let log = Arc::new(self.new_log(name).with_earlier(earlier.lines));
        let room = Room::new(self.rooms_made, Arc::clone(&log), earlier.topic, 0);
        self.rooms_made += 1;
        self.rooms.insert(name.clone(), room);
        log
    }

    fn new_log(&mut self, name: &RoomName) -> RoomLog {
        let subscribers = Arc::clone(&self.here.subscribers);
        let log = RoomLog::new(self.logs_made, name.clone(), self.here.backlog, subscribers);
        self.logs_made += 1;
        log
    }

    /// The room of this name, which is opened where there is none.
    fn room_or_new(&mut self, name: &RoomName) -> Option<&mut Room> {
        if !self.has_room(name) {
            self.open(name, Earlier::default());
        }
        self.rooms.get_mut(name)
    }

    /// The user of this name who is in a room.
    fn present(&self, name: &str) -> Option<(&User, &Place)> {
        let user = self.users.get(self.names.get(&UserName::parse(name).ok()?)?)?;
        Some((user, user.place.as_ref()?))
    }

    /// Owes a user a reply, where it is a client of this server.
    pub fn answer(&self, who: Member, reply: Reply<'_>) {
        if let Some(user) = self.users.get(&who) {
            user.reply(reply);
        }
    }

    /// Closes the room that somebody has left, unless somebody else is there.
    fn close_if_empty(&mut self, left: &Seat) {
        let name = &left.log.room;
        let is_empty = self.rooms.get(name).is_some_and(Room::is_empty);
        if is_empty && *name != RoomName::main() {
            self.rooms.remove(name);
            if let Some(recorder) = &self.here.recorder {
                recorder.retire(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
