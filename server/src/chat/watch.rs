//! Watchers: clients that read a room without a name. No list has them, and the room sees nothing of them.

use std::sync::Arc;

use protocol::{Reply, RoomName};

use super::change::Change;
use super::{Chat, Seat};
use crate::delivery::client::Client;
use crate::log::position::Position;

impl Seat {
    /// The room that is read.
    #[must_use]
    pub fn room(&self) -> &RoomName {
        &self.log.room
    }
}

impl Chat {
    /// Whether this server lets people read without a name.
    #[must_use]
    pub fn has_watchers(&self) -> bool {
        self.has_watchers
    }

    /// Lets a client read a room without a name: one that is in the login room, or watches another room.
    /// Opens the room where it does not exist.
    pub fn watch(&self, client: &Arc<Client>, seat: &mut Option<Seat>, room: &RoomName) {
        let refuse = |refusal| match &*seat {
            Some(seat) => seat.reply(client, refusal),
            None => client.reply(Position::default(), refusal),
        };
        if seat.as_ref().is_some_and(|seat| seat.log.room == *room) {
            return refuse(Reply::WatchSuccess);
        }
        let mut state = match self.state_with_room(room) {
            Ok(state) => state,
            Err(refusal) => return refuse(refusal),
        };
        // It was told so.
        if state.is_stopping {
            return;
        }
        let watch = |who| Change::Watch { who, room: room.clone() };
        let who = self.commit_newcomer(&mut state, client, watch);
        *seat = who.and_then(|who| state.world.watcher(who).cloned());
    }

    /// Takes a watcher out of its room, and has its connection closed as [`Chat::leave`] does.
    pub fn unwatch(&self, client: &Client, seat: &Seat) {
        self.commit(&mut self.state.lock(), &Change::Unwatch { who: self.member(client) });
        self.post_end(client, seat);
    }
}
