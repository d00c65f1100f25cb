//! Opening a room that may have a transcript, while nobody holds a lock or waits for the disk of
//! another room.
//!
//! One session opens a room, and the others who want it wait. While the room's name is in
//! [`State::opening`](super::State) there is no such room, and nobody else can open or close it:
//! so what was read of its transcript is all that there is.

use parking_lot::MutexGuard;
use protocol::{Reply, RoomName};

use super::{Chat, State};
use crate::recording::archive::Claim;

impl Chat {
    /// Locks the state, in which that room can be entered now: what it has from before is read.
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
        if !state.world.has_room(name) {
            let claim = match &self.recorder {
                Some(recorder) => recorder.claim(name, self.max_rooms),
                None if state.world.rooms().len() < self.max_rooms => Claim::New,
                None => Claim::Refused,
            };
            if claim == Claim::Refused {
                return Err(Reply::TooManyRooms);
            }
            // A room that was never there is opened by whoever enters it, and nobody waits for that.
            if claim == Claim::Known
                && let Some(recorder) = &self.recorder
            {
                state.opening.insert(name.clone());
                let earlier =
                    MutexGuard::unlocked(&mut state, || recorder.earlier(name, self.backlog));
                state.opening.remove(name);
                self.opened.notify_all();
                state.world.open(name, earlier);
            }
        }
        Ok(state)
    }
}
