//! The world: who is where under which name, and what each room saw.
//!
//! It is a function of the changes that were applied, in their order, and of nothing else: of no clock (a
//! change comes with its time), no chance, and nothing that one server alone knows. Two worlds that were
//! given the same changes have the same users, rooms and logs, whichever of the users are clients of this
//! server. For a client of this server a change has one more effect: under the same lock of the room's log
//! the client is owed the reply, and starts to read the room that it enters.
//!
//! The chat's lock guards the world. Nothing in here waits.

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

/// What one server has for itself, where several are one chat.
#[derive(Debug)]
pub struct Local {
    /// The couriers and the recorder, who read each room's log.
    pub subscribers: Arc<Subscribers>,
    /// The recorder again. `None` when rooms are not recorded.
    pub recorder: Option<Arc<Recorder>>,
    /// `None` when there are no operators, and any name is free for anybody.
    pub moderation: Option<Arc<Moderation>>,
    /// The message of the day, as finished lines.
    pub motd: Vec<u8>,
    /// How many bytes of lines each room's log keeps.
    pub backlog: usize,
}

/// Users and rooms.
#[derive(Debug)]
pub struct World {
    local: Arc<Local>,
    /// Everybody whose name is taken: from login to the last byte after logout.
    users: HashMap<Member, User>,
    names: HashMap<UserName, Member>,
    rooms: HashMap<RoomName, Room>,
    /// Those who read a room without a name.
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
    /// The sender of a message that its receiver's mailbox has no space for, and the receiver's name. The
    /// sender's server has to be told.
    pub undelivered: Option<(Member, String)>,
}

/// Somebody with a name.
#[derive(Debug)]
struct User {
    name: UserName,
    /// `None` where it is no client of this server.
    client: Option<Arc<Client>>,
    /// `None` when the user has left its room, and its name is taken until its last bytes are sent.
    presence: Option<Presence>,
    /// Whether somebody has it go. Nothing more is heard of it.
    is_removed: bool,
    /// The users whose private messages this one does not take.
    ignored: Ignored,
}

/// One user's being in a room, as the world knows it.
#[derive(Debug)]
struct Presence {
    seat: Seat,
    /// The user's number in the room, in the order of entry.
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
        if let (Some(client), Some(presence)) = (&self.client, &self.presence) {
            client.reply(presence.seat.log.lock().end(), reply);
        }
    }
}

impl World {
    /// A world with nobody in it and the room `main`, which has this past. Gives that room's log too.
    #[must_use]
    pub fn new(local: Arc<Local>, earlier: Earlier) -> (Self, Arc<RoomLog>) {
        Self::with_logs(local, earlier, 0)
    }

    /// The same, after so many logs of earlier worlds.
    fn with_logs(local: Arc<Local>, earlier: Earlier, logs_made: u64) -> (Self, Arc<RoomLog>) {
        let mut world = Self {
            local,
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

    /// Applies a change at the time `now`. Where a client of this server comes in, `newcomer` is that client.
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
            Change::Move { who, room } => self.move_user(*who, room, now),
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
            Change::Gone { server } => return self.drop_server(*server, now),
        }
        Effects::default()
    }

    /// A user's name and seat. `None` when it is in no room.
    #[must_use]
    pub fn name_and_seat(&self, who: Member) -> Option<(&UserName, &Seat)> {
        let user = self.users.get(&who)?;
        Some((&user.name, &user.presence.as_ref()?.seat))
    }

    /// Whether this connection has a user, whose name is not free yet.
    #[must_use]
    pub fn has_user(&self, who: Member) -> bool {
        self.users.contains_key(&who)
    }

    /// The seat of a watcher. `None` when this connection watches no room.
    #[must_use]
    pub fn watcher(&self, who: Member) -> Option<&Seat> {
        Some(&self.watchers.get(&who)?.seat)
    }

    /// The user that has a name, and whether that one is still in a room.
    #[must_use]
    pub fn holder(&self, name: &UserName) -> Option<(Member, bool)> {
        let holder = *self.names.get(name)?;
        Some((holder, self.users.get(&holder).is_some_and(|user| user.presence.is_some())))
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
            Some((user.client.as_ref()?, Some(&user.name), &user.presence.as_ref()?.seat))
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
        let subscribers = Arc::clone(&self.local.subscribers);
        let log = RoomLog::new(self.logs_made, name.clone(), self.local.backlog, subscribers);
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
    fn user_in_room(&self, name: &str) -> Option<(&User, &Presence)> {
        let user = self.users.get(self.names.get(&UserName::parse(name).ok()?)?)?;
        Some((user, user.presence.as_ref()?))
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
            if let Some(recorder) = &self.local.recorder {
                recorder.retire(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
