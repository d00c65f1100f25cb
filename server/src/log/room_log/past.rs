//! What readers ask of the lines that are past, for `history` and `since`.

use jiff::Timestamp;

use super::LogGuard;
use crate::log::position::Position;
use crate::log::ring::Batch;
use crate::log::state::Reading;

impl LogGuard<'_> {
    /// Where the last `count` lines begin.
    #[must_use]
    pub fn start_of_last(&self, count: usize) -> Position {
        let ring = &self.state.ring;
        ring.position_of(ring.end().line.saturating_sub(count as u64))
    }

    /// The time of the last line, and the number of lines from the first with that time to the end.
    #[must_use]
    pub fn stamp_of_end(&self) -> (Timestamp, u64) {
        self.state.ring.stamp_of_end()
    }

    /// The position so many lines after the beginning of the first line of this millisecond. `None` when
    /// the log has no such line, or no longer.
    #[must_use]
    pub fn position_at(&self, time: Timestamp, lines: u64) -> Option<Position> {
        self.state.ring.position_at(time, lines)
    }

    /// Copies lines as [`LogGuard::read`] does, with their times, at most `most` bytes of them.
    pub fn read_stamped(
        &self,
        from: Position,
        limit: Position,
        most: usize,
        batch: &mut Batch,
    ) -> Reading {
        self.state.read(from, limit, |ring, limit| ring.copy_stamped(from, limit, most, batch))
    }
}
