//! The log as its recorder sees it. Lines are sent to nobody before they are recorded.

use std::sync::Arc;

use jiff::Timestamp;

use super::RoomLog;
use crate::log::position::Position;
use crate::log::ring::{BATCH_BYTES, Batch};
use crate::log::state::State;

impl RoomLog {
    /// This log, with lines from earlier, which are recorded already.
    #[must_use]
    pub fn with_earlier(self, earlier: &[(Timestamp, String)]) -> Self {
        let mut state = self.state.lock();
        for (time, line) in earlier {
            state.ring.push(format!("{line}\n").as_bytes(), *time);
        }
        let end = state.ring.end();
        if let Some(recording) = &mut state.recording {
            recording.upto = end;
        }
        drop(state);
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
        self.let_go_on(state);
        guard.wake.couriers = state.notify_couriers();
    }
}
