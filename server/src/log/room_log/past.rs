//! What `history`, `since` and the state that servers share ask of past lines, and how a log goes on from
//! such a state.

use jiff::Timestamp;

use super::LogGuard;
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::state::Reading;

impl LogGuard<'_> {
    /// Where the last `count` lines begin.
    #[must_use]
    pub fn start_of_last(&self, count: usize) -> Position {
        let ring = &self.state.ring;
        ring.position_of(ring.end().line.saturating_sub(count as u64))
    }

    /// Where the last lines begin that together have at most `bytes` bytes.
    #[must_use]
    pub fn start_of_tail(&self, bytes: u64) -> Position {
        self.state.ring.start_of_tail(bytes)
    }

    /// Forgets all lines and goes on with these, of which the first one starts at `start`. A client that was
    /// not sent the log up to there is told how many lines it missed.
    pub fn restart(&mut self, start: Position, lines: &[(Timestamp, String)]) {
        let state = &mut *self.state;
        state.ring.restart(start);
        for (time, line) in lines {
            state.ring.push(format!("{line}\n").as_bytes(), *time);
        }
        self.wake.couriers |= state.notify_couriers();
    }

    /// The time of the last line, and the number of lines from the first with that time to the end.
    #[must_use]
    pub fn stamp_of_end(&self) -> (Timestamp, u64) {
        self.state.ring.stamp_of_end()
    }

    /// The position that is `lines` lines behind the beginning of the first line of this millisecond. `None`
    /// when the log has no such line, or not any more.
    #[must_use]
    pub fn position_at(&self, time: Timestamp, lines: u64) -> Option<Position> {
        self.state.ring.position_at(time, lines)
    }

    /// Copies lines as [`LogGuard::read`] does, but with their times, and at most `most` bytes of them.
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
