//! Opening a room that may have a transcript, without anybody waiting for a disk.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use protocol::RoomName;

use super::{Chat, State};
use crate::folder::Earlier;
use crate::room::Room;
use crate::room_log::RoomLog;

/// A room for which what there is from earlier is being read.
#[derive(Debug, Default)]
struct Opening {
    /// By how many.
    readers: usize,
    /// How often it was closed meanwhile, so that there is more to read.
    closed: u64,
}

/// Rooms that somebody is about to open.
#[derive(Debug, Default)]
pub(super) struct Openings(HashMap<RoomName, Opening>);

impl Openings {
    /// Somebody begins to read what a room has. Gives back how often it was closed meanwhile,
    /// since others read it already.
    fn begin(&mut self, room: &RoomName) -> u64 {
        let opening = self.0.entry(room.clone()).or_default();
        opening.readers += 1;
        opening.closed
    }

    /// The same, when it was read.
    fn end(&mut self, room: &RoomName) -> u64 {
        let Some(opening) = self.0.get_mut(room) else { return 0 };
        let closed = opening.closed;
        opening.readers -= 1;
        if opening.readers == 0 {
            self.0.remove(room);
        }
        closed
    }

    /// A room was closed, so what was read of it may not be all.
    pub(super) fn note_closed(&mut self, room: &RoomName) {
        if let Some(opening) = self.0.get_mut(room) {
            opening.closed += 1;
        }
    }
}

impl Chat {
    /// Locks the state with that room in it. What the room has from earlier is read before, for
    /// nobody shall wait for a disk; and read again when in the meantime it was opened and closed.
    pub(super) fn state_with_room(&self, name: &RoomName) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let mut earlier = Earlier::default();
        if let Some(recorder) = &self.recorder {
            while !state.rooms.contains_key(name) {
                let closed_before = state.openings.begin(name);
                MutexGuard::unlocked(&mut state, || {
                    // Not when somebody else of a crowd has opened it by then.
                    let is_wanted = || !self.state.lock().rooms.contains_key(name);
                    earlier = recorder.earlier(name, self.backlog, is_wanted);
                });
                if state.openings.end(name) == closed_before {
                    break;
                }
            }
        }
        let State { rooms, logs_made, .. } = &mut *state;
        rooms.entry(name.clone()).or_insert_with(|| {
            let subscribers = Arc::clone(&self.subscribers);
            let log = RoomLog::new(*logs_made, name.clone(), self.backlog, subscribers);
            *logs_made += 1;
            Room::new(log.with_earlier(&earlier.lines), earlier.topic)
        });
        state
    }
}
