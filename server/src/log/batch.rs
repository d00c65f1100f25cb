//! Batches: copies of lines of a log, made while it is locked and used while it is not.

use jiff::Timestamp;

use crate::log::position::Position;
use crate::log::timeline::Timeline;

/// How many bytes a courier copies at once. So many that the fixed cost of a send vanishes, and so few
/// that they stay in the processor's cache.
pub const BATCH_BYTES: usize = 64 * 1024;

/// A copy of consecutive lines of one log. Its buffer is used again for the next copy.
#[derive(Debug, Default)]
pub struct Batch {
    /// The number of the log.
    pub log: u64,
    /// Where the first line starts.
    pub start: Position,
    /// Where the last line ends.
    pub end: Position,
    /// The lines, whole, each with its newline.
    pub bytes: Vec<u8>,
    /// When the lines were appended. Empty unless `Ring::copy_stamped` made the copy.
    pub(super) times: Timeline,
}

impl Batch {
    /// The lines from `from` to `end`. `None` when the batch does not have all of them.
    #[must_use]
    pub fn lines(&self, from: Position, end: Position) -> Option<&[u8]> {
        if from < self.start || from >= end || end > self.end {
            return None;
        }
        let offset = |position: Position| (position.byte - self.start.byte) as usize;
        Some(&self.bytes[offset(from)..offset(end)])
    }

    /// Each line of a copy that `Ring::copy_stamped` made: its time, and the line without its newline.
    pub fn stamped(&self) -> impl Iterator<Item = (Timestamp, &[u8])> {
        self.times.stamp(self.start.line, &self.bytes)
    }
}
