//! Where a line of the ring is, by its number or its time.

use jiff::Timestamp;
use memchr::memchr_iter;

use super::Ring;
use crate::log::position::Position;

impl Ring {
    /// Where line number `line` starts: the first line when it is dropped already, the end when
    /// there is no such line yet.
    ///
    /// This looks through a few lines only, whatever the number of lines in the ring.
    #[must_use]
    pub fn position_of(&self, line: u64) -> Position {
        if line >= self.end.line {
            return self.end;
        }
        let entry = self.times.start_of_entry(line).unwrap_or_default().max(self.start);
        let Some(lines_before) = line.checked_sub(entry.line + 1) else { return entry };
        let offset = (entry.byte - self.start.byte) as usize;
        let (front, back) = self.bytes.as_slices();
        let in_front = front.get(offset..).unwrap_or_default();
        let in_back = &back[offset.saturating_sub(front.len())..];
        let mut newlines = memchr_iter(b'\n', in_front)
            .chain(memchr_iter(b'\n', in_back).map(|at| in_front.len() + at));
        // The number of lines says that there are as many newlines.
        let length = newlines.nth(lines_before as usize).map_or(0, |newline| newline + 1);
        Position { byte: entry.byte + length as u64, line }
    }

    /// Where the last lines begin that have `bytes` bytes together at most, and begin with a millisecond: a
    /// place is told by how many lines of its millisecond come before it. The last millisecond is in them
    /// however long it is, if it is here as a whole.
    #[must_use]
    pub fn start_of_tail(&self, bytes: u64) -> Position {
        let (mut first, mut last) = (self.start.line, self.end.line);
        while first < last {
            let middle = first + (last - first) / 2;
            if self.end.byte - self.position_of(middle).byte <= bytes {
                last = middle;
            } else {
                first = middle + 1;
            }
        }
        let last_moment = || self.times.last_moment().map(|(at, _)| at);
        let begin = self.times.next_moment(last).or_else(last_moment);
        begin.filter(|begin| *begin >= self.start).unwrap_or(self.end)
    }

    /// The time of the last line, and how many lines there are from the first of that millisecond on.
    #[must_use]
    pub fn stamp_of_end(&self) -> (Timestamp, u64) {
        let (start, time) = self.times.last_moment().unwrap_or_default();
        (time, self.end.line - start.line)
    }

    /// The position so many lines after the beginning of the first line of the millisecond of `time`.
    /// `None` when the ring has not got all the lines of that millisecond up to there.
    #[must_use]
    pub fn position_at(&self, time: Timestamp, lines: u64) -> Option<Position> {
        let start = self.times.start_of_moment(time).filter(|start| *start >= self.start)?;
        let line = start.line.checked_add(lines).filter(|line| *line <= self.end.line)?;
        Some(self.position_of(line))
    }
}
