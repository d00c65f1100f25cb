//! Those who read a room without a name: no list has them, and the room sees nothing of them.

use std::sync::Arc;

use protocol::{Reply, RoomName};

use super::{Chat, Seat};
use crate::delivery::client::Client;
use crate::delivery::outbox::Item;
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

    /// Lets a client read a room that is in none or watches another one, and opens the room where it does
    /// not exist.
    ///
    /// A room without members has no lines, and stays for as long as it is watched: so whoever waits for
    /// a room reads it from its first line on.
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
        if state.is_stopping {
            return refuse(Reply::ServerShutdown);
        }
        let Some(new_room) = state.rooms.get_mut(room) else { return };
        let (entered, switch) = new_room.watch(client.inbox.courier);
        let log = Arc::clone(&new_room.log);
        state.watchers.insert(client.id, (Arc::clone(client), Arc::clone(&log)));
        let refused = match seat.replace(Seat { log, entered }) {
            None => {
                client.reply(Position::default(), Reply::WatchSuccess);
                client.post(Position::default(), switch)
            }
            Some(old) => {
                let log = old.log.lock();
                client.reply(log.end(), Reply::WatchSuccess);
                let refused = client.post(log.end(), switch);
                drop(log);
                state.room(&old).unwatch();
                self.close_if_empty(&mut state, &old);
                refused
            }
        };
        // A refused item holds a reader, which locks the new log when it is dropped: no log is locked here.
        drop(refused);
    }

    /// Ends the reading, and closes the connection once all it was owed is sent, and the last word where
    /// there is one.
    pub fn unwatch(&self, client: &Client, seat: &Seat, last_word: Option<Reply<'_>>) {
        let mut state = self.state.lock();
        state.watchers.remove(&client.id);
        let log = seat.log.lock();
        if let Some(reply) = last_word {
            client.reply(log.end(), reply);
        }
        let refused = client.post(log.end(), Item::Close);
        drop(log);
        drop(refused);
        state.room(seat).unwatch();
        self.close_if_empty(&mut state, seat);
    }
}
