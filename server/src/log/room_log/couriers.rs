//! The log as its couriers see it: the lines that they take, and what they tell of their progress.

use super::RoomLog;
use crate::log::batch::{BATCH_BYTES, Batch};
use crate::log::position::Position;

impl RoomLog {
    /// Up to where couriers may read: where rooms are recorded, up to where the log is on disk. A reply
    /// that belongs behind that waits too, for it may tell of lines that nobody may see yet.
    #[must_use]
    pub fn published(&self) -> Position {
        self.state.lock().published()
    }

    /// How many bytes there are between `from` and the log's end.
    #[must_use]
    pub fn bytes_after(&self, from: Position) -> u64 {
        self.state.lock().ring.end().byte.saturating_sub(from.byte)
    }

    /// Copies the next lines that courier number `courier` has to send. `false` when there are none: the
    /// courier will be woken when there are.
    pub fn next_batch(&self, courier: usize, batch: &mut Batch) -> bool {
        let mut state = self.state.lock();
        let from = state.couriers[courier].offered.max(state.ring.start());
        let published = state.published();
        let has_lines = from < published;
        state.couriers[courier].is_notified = has_lines;
        if has_lines {
            batch.log = self.id;
            state.ring.copy(from, published, BATCH_BYTES, batch);
        }
        has_lines
    }

    /// Notes that the courier has tried to send everything up to `end` to each of its clients here. Those
    /// who append wait for a client that was sent everything up to `slowest`. `true` when there are more
    /// lines already.
    pub fn offered(&self, courier: usize, end: Position, slowest: Position) -> bool {
        let mut state = self.state.lock();
        let published = state.published();
        let courier = &mut state.couriers[courier];
        courier.offered = end;
        courier.slowest = slowest;
        courier.is_notified = courier.readers > 0 && end < published;
        let has_more = courier.is_notified;
        self.wake_waiting(&mut state);
        has_more
    }

    /// Notes that those who append wait for a client that was sent everything up to `slowest`.
    pub fn set_slowest(&self, courier: usize, slowest: Position) {
        let mut state = self.state.lock();
        state.couriers[courier].slowest = slowest;
        self.wake_waiting(&mut state);
    }
}
