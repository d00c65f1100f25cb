//! The log as the recorder sees it. No line is sent before it is recorded.

use std::sync::Arc;

use super::RoomLog;
use crate::log::batch::{BATCH_BYTES, Batch};
use crate::log::position::Position;
use crate::log::ring::Ring;
use crate::log::state::State;

impl RoomLog {
    /// The same log with the lines of its transcript, where there is one. These are recorded already, and
    /// were read for a log of the same capacity.
    #[must_use]
    pub fn with_earlier(mut self, earlier: Option<Ring>) -> Self {
        let Some(earlier) = earlier else { return self };
        let state = self.state.get_mut();
        if let Some(recording) = &mut state.recording {
            recording.upto = earlier.end();
        }
        state.ring = earlier;
        self
    }

    /// For the recorder: copies lines that are not recorded yet, with their times. `false` when
    /// there are none; the recorder will be woken when there are.
    pub fn next_unrecorded(&self, batch: &mut Batch) -> bool {
        let mut state = self.state.lock();
        let State { ring, recording: Some(recording), .. } = &mut *state else { return false };
        let from = recording.upto.max(ring.start());
        recording.is_notified = from < ring.end();
        if recording.is_notified {
            ring.copy_stamped(from, ring.end(), BATCH_BYTES, batch);
        }
        recording.is_notified
    }

    /// For the recorder: everything up to `end` is recorded, so couriers may send it.
    pub fn publish(self: &Arc<Self>, end: Position) {
        let mut guard = self.lock();
        let state = &mut *guard.state;
        if let Some(recording) = &mut state.recording {
            recording.upto = end;
        }
        self.wake_waiting(state);
        guard.wake.couriers = state.notify_couriers();
    }
}
