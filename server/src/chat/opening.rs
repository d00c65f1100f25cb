//! Opens a room that may have a transcript. Nothing is locked while that is read, so nobody waits for the
//! disk but those who want this room.
//!
//! One session opens the room, and others who want it wait. While the room's name is in
//! [`State::opening`](super::State) there is no such room, and nobody else can open or close it: so what
//! was read of its transcript is all that there is.

use parking_lot::MutexGuard;
use protocol::{Reply, RoomName};

use super::{Chat, State};
use crate::recording::archive::Claim;

impl Chat {
    /// Makes sure that a room can be entered: reads its transcript if that was not done yet. Gives the
    /// chat's state, locked.
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
            let claim = match &self.local.recorder {
                Some(recorder) => recorder.claim(name, self.max_rooms),
                None if state.world.rooms().len() < self.max_rooms => Claim::New,
                None => Claim::Refused,
            };
            if claim == Claim::Refused {
                return Err(Reply::TooManyRooms);
            }
            // A room that has no transcript is opened by the change that enters it, without a wait.
            if claim == Claim::Known
                && let Some(recorder) = &self.local.recorder
            {
                state.opening.insert(name.clone());
                let earlier =
                    MutexGuard::unlocked(&mut state, || recorder.earlier(name, self.local.backlog));
                state.opening.remove(name);
                self.opened.notify_all();
                state.world.open(name, earlier);
            }
        }
        Ok(state)
    }
}
