//! Opening a room that may have a transcript, while nobody holds a lock or waits for the disk of
//! another room.
//!
//! One session opens a room, and the others who want it wait. While the room's name is in
//! [`State::opening`](super::State) there is no such room, and nobody else can open or close it:
//! so what was read of its transcript is all that there is.

use std::sync::Arc;

use parking_lot::MutexGuard;
use protocol::{Reply, RoomName};

use super::{Chat, State};
use crate::chat::room::Room;
use crate::log::room_log::RoomLog;
use crate::recording::archive::{Claim, Earlier};

impl Chat {
    /// Locks the state with that room in it, which is opened where it is not yet.
    ///
    /// # Errors
    ///
    /// Gives the refusal when the server has as many rooms as it may have.
    pub(super) fn state_with_room(
        &self,
        name: &RoomName,
    ) -> Result<MutexGuard<'_, State>, Reply<'static>> {
        let mut state = self.state.lock();
        while state.opening.contains(name) {
            self.opened.wait(&mut state);
        }
        if !state.rooms.contains_key(name) {
            let claim = match &self.recorder {
                Some(recorder) => recorder.claim(name, self.max_rooms),
                None if state.rooms.len() < self.max_rooms => Claim::New,
                None => Claim::Refused,
            };
            if claim == Claim::Refused {
                return Err(Reply::TooManyRooms);
            }
            let mut earlier = Earlier::default();
            // Nobody waits for the rooms of others who opens one that was never there.
            if claim == Claim::Known
                && let Some(recorder) = &self.recorder
            {
                state.opening.insert(name.clone());
                MutexGuard::unlocked(&mut state, || {
                    earlier = recorder.earlier(name, self.backlog);
                });
                state.opening.remove(name);
                self.opened.notify_all();
            }
            let room = self.room(state.logs_made, name, earlier);
            state.logs_made += 1;
            state.rooms.insert(name.clone(), room);
        }
        Ok(state)
    }

    /// A room with what its transcript has from earlier, and a log of this number.
    fn room(&self, number: u64, name: &RoomName, earlier: Earlier) -> Room {
        let subscribers = Arc::clone(&self.subscribers);
        let log = RoomLog::new(number, name.clone(), self.backlog, subscribers);
        Room::new(log.with_earlier(earlier.lines), earlier.topic)
    }
}
