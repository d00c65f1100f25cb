//! How the world applies the changes by which users come, go, and take names.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Framing, Reply, RoomName, UserName};

use super::ignored::Ignored;
use super::{Effects, Presence, User, Watcher, World};
use crate::chat::change::Member;
use crate::delivery::client::Client;
use crate::log::position::Position;
use crate::moderation::door::Claimant;

impl World {
    /// Logs a user in, in the main room, or tells its client why not. `client` is there on its own server alone.
    pub(super) fn enter(
        &mut self,
        who: Member,
        name: &UserName,
        claimant: Claimant,
        client: Option<&Arc<Client>>,
        now: Timestamp,
    ) -> Effects {
        let effects = match self.take_name(who, name, claimant, now) {
            Ok(effects) => effects,
            Err(refusal) => {
                if let Some(client) = client {
                    client.reply(Position::default(), refusal);
                }
                return Effects::default();
            }
        };
        // The others are told first: a client that has read `Login Success` is in the room.
        let courier = client.map(|client| client.inbox.courier);
        let Some(room) = self.rooms.get_mut(&RoomName::main()) else { return effects };
        let (number, seat, switch) = room.enter(name.clone(), courier, now);
        let refused = client.zip(switch).and_then(|(client, switch)| {
            client.reply(Position::default(), Reply::LoginSuccess);
            if client.framing == Framing::Line && !self.local.motd.is_empty() {
                client.post_text(Position::default(), self.local.motd.clone(), false);
            }
            client.post(Position::default(), switch)
        });
        let user = User {
            name: name.clone(),
            client: client.cloned(),
            presence: Some(Presence { seat, number }),
            is_removed: false,
            ignored: Ignored::default(),
        };
        self.users.insert(who, user);
        self.names.insert(name.clone(), who);
        drop(refused);
        effects
    }

    /// Makes sure that nobody else in a room has a name. An owner gets it from an older connection, which is
    /// taken out of its room here: its session, wherever that is, finds that it has left. On a server that
    /// is a chat by itself that connection has left before.
    ///
    /// # Errors
    ///
    /// Gives the refusal when the name is banned, or another user has it and keeps it.
    fn take_name(
        &mut self,
        who: Member,
        name: &UserName,
        claimant: Claimant,
        now: Timestamp,
    ) -> Result<Effects, Reply<'static>> {
        if let Some(minutes) = self.verdicts.banned(name, now) {
            return Err(Reply::Banned(minutes));
        }
        let holder = self.holder(name).filter(|(holder, _)| *holder != who);
        match (holder, claimant) {
            (Some(_), Claimant::Anybody) => Err(Reply::UserNameExist),
            (Some((holder, true)), Claimant::Owner) => {
                let effects = self.take_back(holder);
                self.leave(holder, now);
                Ok(effects)
            }
            (Some((_, false)) | None, _) => Ok(Effects::default()),
        }
    }

    /// Lets a user leave its room. Its name stays its own until [`Self::free`].
    pub(super) fn leave(&mut self, who: Member, now: Timestamp) {
        let Some(user) = self.users.get_mut(&who) else { return };
        let Some(Presence { seat, number }) = user.presence.take() else { return };
        let mut log = seat.log.lock();
        if let Some(client) = user.client.as_ref().filter(|client| client.is_served_here()) {
            log.defer(client.inbox.courier);
        }
        let refused = user.client.as_ref().and_then(|client| client.post_end(log.end()));
        if let Some(room) = self.rooms.get_mut(&seat.log.room) {
            room.leave(number, &mut log, now);
        }
        // This tells the recorder of the last line, which it must know before the room is closed:
        // it would open the room's file again for it, and keep it open.
        drop(log);
        drop(refused);
        self.close_if_empty(&seat);
    }

    /// Forgets a user who has left, so that anybody can take the name.
    pub(super) fn free(&mut self, who: Member) {
        let Some(user) = self.users.remove(&who) else { return };
        // Its owner may have taken the name back already.
        if self.names.get(&user.name) == Some(&who) {
            self.names.remove(&user.name);
        }
    }

    /// Moves a user to another room, which is made if there is none.
    pub(super) fn move_user(&mut self, who: Member, to: &RoomName, now: Timestamp) {
        let Some((name, seat)) = self.name_and_seat(who) else { return };
        if seat.log.room == *to {
            return self.answer(who, Reply::JoinSuccess);
        }
        let name = name.clone();
        let courier = self.users.get(&who).and_then(|user| user.client.as_ref());
        let courier = courier.map(|client| client.inbox.courier);
        let Some(room) = self.room_or_new(to) else { return };
        let (number, seat, switch) = room.enter(name, courier, now);
        let Some(user) = self.users.get_mut(&who) else { return };
        let Some(old) = user.presence.replace(Presence { seat, number }) else { return };
        let mut log = old.seat.log.lock();
        let refused = user.client.as_ref().zip(switch).and_then(|(client, switch)| {
            client.reply(log.end(), Reply::JoinSuccess);
            client.post(log.end(), switch)
        });
        if let Some(room) = self.rooms.get_mut(&old.seat.log.room) {
            room.leave(old.number, &mut log, now);
        }
        drop(log);
        // A refused item holds a reader, which locks the new log when it is dropped: so no log is
        // locked here.
        drop(refused);
        self.close_if_empty(&old.seat);
    }

    /// A room exists as long as somebody watches it, also without members: so a client that waits for a
    /// room to be used reads it from its first line on.
    pub(super) fn watch(&mut self, who: Member, room: &RoomName, newcomer: Option<&Arc<Client>>) {
        let old = self.watchers.remove(&who);
        let client = old.as_ref().and_then(|old| old.client.as_ref()).or(newcomer).cloned();
        let courier = client.as_ref().map(|client| client.inbox.courier);
        let Some(new) = self.room_or_new(room) else { return };
        let (seat, switch) = new.watch(courier);
        let refused = client.as_ref().zip(switch).and_then(|(client, switch)| {
            // The guard is kept until both are posted, so that they stand at one position.
            let log = old.as_ref().map(|old| old.seat.log.lock());
            let at = log.as_ref().map_or(Position::default(), |log| log.end());
            client.reply(at, Reply::WatchSuccess);
            client.post(at, switch)
        });
        drop(refused);
        self.watchers.insert(who, Watcher { client, seat });
        if let Some(old) = old {
            self.forget_watcher(&old);
        }
    }

    /// Lets somebody who only watches a room go.
    pub(super) fn unwatch(&mut self, who: Member) {
        let Some(watcher) = self.watchers.remove(&who) else { return };
        let log = watcher.seat.log.lock();
        let refused = watcher.client.as_ref().and_then(|client| client.post_end(log.end()));
        drop(log);
        drop(refused);
        self.forget_watcher(&watcher);
    }

    fn forget_watcher(&mut self, watcher: &Watcher) {
        if let Some(room) = self.rooms.get_mut(&watcher.seat.log.room) {
            room.unwatch();
        }
        self.close_if_empty(&watcher.seat);
    }

    /// Gives a user another name, or tells its client why not.
    pub(super) fn rename(
        &mut self,
        who: Member,
        new: &UserName,
        claimant: Claimant,
        now: Timestamp,
    ) -> Effects {
        if self.name_and_seat(who).is_none() {
            return Effects::default();
        }
        let effects = match self.take_name(who, new, claimant, now) {
            Ok(effects) => effects,
            Err(refusal) => {
                self.answer(who, refusal);
                return Effects::default();
            }
        };
        let Some(user) = self.users.get_mut(&who) else { return effects };
        let Some(Presence { seat, number }) = &user.presence else { return effects };
        self.names.remove(&user.name);
        self.names.insert(new.clone(), who);
        user.name = new.clone();
        let mut log = seat.log.lock();
        if let Some(client) = &user.client {
            client.reply(log.end(), Reply::RenameSuccess);
        }
        if let Some(room) = self.rooms.get_mut(&seat.log.room) {
            room.rename(*number, new.clone(), &mut log, now);
        }
        drop(log);
        effects
    }
}
