//! From the world to what is saved of it, and back.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Reply, RoomName, UserName};

use super::ignored::Ignored;
use super::room::{Room, Seat};
use super::saved::{
    Saved, SavedPlace, SavedRoom, SavedSeat, SavedUser, SavedWatcher, SavedWorld, Unreadable,
};
use super::{Effects, Presence, User, Watcher, World};
use crate::chat::change::Member;
use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;
use crate::delivery::item::Item;
use crate::delivery::phase::Removal;
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::room_log::RoomLog;
use crate::moderation::bans::Target;

/// Bytes of the last lines that are kept of the main room, and of any other one: whole milliseconds of them.
const MAIN_BYTES: u64 = 64 * 1024;
const ROOM_BYTES: u64 = 8 * 1024;

/// The lines that a log goes on with, from where the first one starts.
type Lines = (Arc<RoomLog>, Position, Vec<(Timestamp, String)>);

impl World {
    /// A copy of everything but what belongs to this server.
    #[must_use]
    pub fn saved(&self) -> Saved {
        let mut rooms: Vec<_> = self.rooms.values().map(saved_room).collect();
        rooms.sort_unstable_by_key(|room| room.number);
        let mut users: Vec<_> =
            self.users.iter().map(|(who, user)| self.saved_user(*who, user)).collect();
        users.sort_unstable_by_key(|user| user.who);
        let watchers = self.watchers.iter();
        let mut watchers: Vec<_> = watchers
            .map(|(who, watcher)| SavedWatcher { who: pair(*who), seat: saved_seat(&watcher.seat) })
            .collect();
        watchers.sort_unstable_by_key(|watcher| watcher.who);
        let until = |(who, until): (String, Timestamp)| (who, until.as_microsecond());
        let mutes = self.verdicts.mutes().map(|(name, time)| until((name.to_string(), time)));
        let bans = self.verdicts.bans().map(|(target, time)| until((target.to_string(), time)));
        let (mut muted, mut banned): (Vec<_>, Vec<_>) = (mutes.collect(), bans.collect());
        muted.sort_unstable();
        banned.sort_unstable();
        Saved::of(SavedWorld {
            rooms_made: self.rooms_made,
            servers: self.servers.clone(),
            rooms,
            users,
            watchers,
            muted,
            banned,
        })
    }

    fn saved_user(&self, who: Member, user: &User) -> SavedUser {
        let place = |presence: &Presence| SavedPlace {
            seat: saved_seat(&presence.seat),
            number: presence.number,
        };
        let ignored = user.ignored.iter().map(|(name, who)| (name.to_string(), who.map(pair)));
        SavedUser {
            who: pair(who),
            name: user.name.to_string(),
            has_name: self.names.get(&user.name) == Some(&who),
            place: user.presence.as_ref().map(place),
            is_removed: user.is_removed,
            ignored: ignored.collect(),
        }
    }

    /// Takes this world in place of the present one. The clients of this server, whose run is `own` and
    /// which `here` finds, stay where they are, and those that missed lines are told how many. Clients that
    /// the other servers took for gone have to go.
    ///
    /// # Errors
    ///
    /// When there are names or times in it that this version does not know. Nothing has changed then.
    pub fn restore(
        &mut self,
        saved: Saved,
        own: u64,
        here: impl Fn(ClientId) -> Option<Arc<Client>>,
    ) -> Result<Effects, Unreadable> {
        let saved = saved.world;
        let mut next = Self {
            local: Arc::clone(&self.local),
            users: Default::default(),
            names: Default::default(),
            rooms: Default::default(),
            watchers: Default::default(),
            verdicts: Default::default(),
            servers: saved.servers,
            rooms_made: saved.rooms_made,
            logs_made: self.logs_made,
        };
        // Everything is read first.
        let mut lines = Vec::new();
        for room in saved.rooms {
            lines.push(next.take_room(room, self)?);
        }
        for user in saved.users {
            next.take_user(user)?;
        }
        for watcher in saved.watchers {
            let seat = next.seat(&watcher.seat)?;
            if let Some(room) = next.rooms.get_mut(&seat.log.room) {
                room.add_watcher();
            }
            next.watchers.insert(member(watcher.who), Watcher { client: None, seat });
        }
        for (name, until) in saved.muted {
            next.verdicts.mute(user_name(&name)?, time(until)?, Timestamp::UNIX_EPOCH);
        }
        for (target, until) in saved.banned {
            let target = Target::parse(&target).map_err(|_| Unreadable::Value(target))?;
            next.verdicts.ban(target, time(until)?, Timestamp::UNIX_EPOCH);
        }
        for (log, start, lines) in lines {
            log.lock().restart(start, &lines);
        }
        next.tell_moderation();
        let old = std::mem::replace(self, next);
        Ok(self.take_clients(old, own, here))
    }

    fn take_room(&mut self, room: SavedRoom, old: &Self) -> Result<Lines, Unreadable> {
        let name = RoomName::parse(&room.name).map_err(|_| Unreadable::Value(room.name))?;
        let lines = room.lines.into_iter().map(|(at, line)| Ok((time(at)?, line)));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let log = match old.rooms.get(&name) {
            // The clients that read the room go on with the same log.
            Some(old) if old.number == room.number => Arc::clone(&old.log),
            _ => Arc::new(self.new_log(&name)),
        };
        let taken = Room::new(room.number, Arc::clone(&log), room.topic, room.next_member);
        self.rooms.insert(name, taken);
        Ok((log, position(room.start), lines))
    }

    fn take_user(&mut self, user: SavedUser) -> Result<(), Unreadable> {
        let (who, name) = (member(user.who), user_name(&user.name)?);
        let presence = match user.place {
            None => None,
            Some(SavedPlace { seat, number }) => {
                let seat = self.seat(&seat)?;
                if let Some(room) = self.rooms.get_mut(&seat.log.room) {
                    room.put_back(number, name.clone());
                }
                Some(Presence { seat, number })
            }
        };
        let mut ignored = Ignored::default();
        for (name, who) in user.ignored {
            // As many as there are were taken before.
            let _ = ignored.add(&user_name(&name)?, who.map(member));
        }
        if user.has_name {
            self.names.insert(name.clone(), who);
        }
        let is_removed = user.is_removed;
        self.users.insert(who, User { name, client: None, presence, is_removed, ignored });
        Ok(())
    }

    fn seat(&self, seat: &SavedSeat) -> Result<Seat, Unreadable> {
        let unknown = || Unreadable::Value(seat.room.clone());
        let name = RoomName::parse(&seat.room).map_err(|_| unknown())?;
        let log = Arc::clone(&self.rooms.get(&name).ok_or_else(unknown)?.log);
        Ok(Seat { log, entered: position(seat.entered) })
    }

    fn tell_moderation(&self) {
        let Some(moderation) = &self.local.moderation else { return };
        for (name, until) in self.verdicts.mutes() {
            moderation.mute(name.clone(), until);
        }
        for (target, until) in self.verdicts.bans() {
            moderation.ban_until(target.clone(), until);
        }
    }

    /// Finds the clients of this server again that the `old` world had.
    fn take_clients(
        &mut self,
        mut old: Self,
        own: u64,
        here: impl Fn(ClientId) -> Option<Arc<Client>>,
    ) -> Effects {
        let client_of = |who: &Member, old: Option<&Arc<Client>>| {
            old.cloned().or_else(|| (who.server == own).then(|| here(who.client)).flatten())
        };
        for (who, user) in &mut self.users {
            let before = old.users.remove(who);
            user.client = client_of(who, before.as_ref().and_then(|it| it.client.as_ref()));
            let before = before.and_then(|user| user.presence).map(|presence| presence.seat);
            let now = user.presence.as_ref().map(|presence| &presence.seat);
            let answer = if before.is_some() { Reply::JoinSuccess } else { Reply::LoginSuccess };
            move_reader(user.client.as_ref(), before.as_ref(), now, answer);
        }
        for (who, watcher) in &mut self.watchers {
            let before = old.watchers.remove(who);
            watcher.client = client_of(who, before.as_ref().and_then(|it| it.client.as_ref()));
            let before = before.map(|watcher| watcher.seat);
            let now = Some(&watcher.seat);
            move_reader(watcher.client.as_ref(), before.as_ref(), now, Reply::WatchSuccess);
        }
        let mut removed = Vec::new();
        for (client, ..) in old.readers() {
            client.outbox.remove(Removal::CutOff);
            removed.push(Arc::clone(client));
        }
        Effects { removed, ..Effects::default() }
    }
}

/// Lets a client read from another seat than before, or come to its end.
fn move_reader(
    client: Option<&Arc<Client>>,
    before: Option<&Seat>,
    now: Option<&Seat>,
    answer: Reply<'_>,
) {
    let Some(client) = client else { return };
    let at = before.map_or(Position::default(), |seat| seat.log.lock().end());
    let refused = match (before, now) {
        (Some(before), Some(now)) if Arc::ptr_eq(&before.log, &now.log) => None,
        (None, None) => None,
        (Some(_), None) => client.post_end(at),
        (_, Some(now)) => {
            let mut log = now.log.lock();
            let switch = Item::Switch(log.add_reader(client.inbox.courier), log.end());
            drop(log);
            client.reply(at, answer);
            client.post(at, switch)
        }
    };
    drop(refused);
}

fn saved_room(room: &Room) -> SavedRoom {
    let log = room.log.lock();
    let most = if room.log.room == RoomName::main() { MAIN_BYTES } else { ROOM_BYTES };
    let (start, mut batch) = (log.start_of_tail(most), Batch::default());
    let bytes = log.end().byte - start.byte;
    let _ = log.read_stamped(start, log.end(), bytes as usize, &mut batch);
    drop(log);
    // What was appended was text.
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    SavedRoom {
        number: room.number,
        name: room.name().to_string(),
        topic: room.topic.clone(),
        next_member: room.next_member(),
        start: (start.byte, start.line),
        lines: batch.stamped().map(|(at, line)| (at.as_microsecond(), text(line))).collect(),
    }
}

fn saved_seat(seat: &Seat) -> SavedSeat {
    let Position { byte, line } = seat.entered;
    SavedSeat { room: seat.log.room.to_string(), entered: (byte, line) }
}

fn pair(who: Member) -> (u64, ClientId) {
    (who.server, who.client)
}

fn member((server, client): (u64, ClientId)) -> Member {
    Member { server, client }
}

fn position((byte, line): (u64, u64)) -> Position {
    Position { byte, line }
}

fn user_name(text: &str) -> Result<UserName, Unreadable> {
    UserName::parse(text).map_err(|_| Unreadable::Value(text.to_owned()))
}

fn time(microseconds: i64) -> Result<Timestamp, Unreadable> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|_| Unreadable::Value(microseconds.to_string()))
}
