//! When the lines of a log were appended, and where in its bytes they begin.
//!
//! This module knows no clock and no lock.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::log::position::Position;

/// A new entry begins after this many lines at the latest, so that a line is found by its number
/// without looking through many others.
const LINES_PER_ENTRY: u64 = 64;

/// The times of consecutive lines: entries of a position and a time. An entry is about the lines from its
/// position on up to the next entry's.
#[derive(Debug, Default, Clone)]
pub struct Timeline(VecDeque<(Position, Timestamp)>);

impl Timeline {
    /// Notes that the lines from `at` on were appended at `time`.
    ///
    /// Lines of the same millisecond share an entry: a flood must not fill memory with times. A time
    /// before the last one, of a clock that was set back, counts as the last one: so the entries are in
    /// order.
    pub fn push(&mut self, at: Position, time: Timestamp) {
        let time = self.0.back().map_or(time, |(_, last)| time.max(*last));
        let is_new = self.0.back().is_none_or(|(last, last_time)| {
            last_time.as_millisecond() != time.as_millisecond()
                || at.line >= last.line + LINES_PER_ENTRY
        });
        if is_new {
            self.0.push_back((at, time));
        }
    }

    /// Forgets the times of the lines before number `line`.
    ///
    /// The entry before that line stays, also where another one begins with it: it shows whether the
    /// millisecond of the line began earlier.
    pub fn forget_before(&mut self, line: u64) {
        while self.0.get(1).is_some_and(|(next, _)| next.line < line) {
            self.0.pop_front();
        }
    }

    /// The start of the entry that line number `line` belongs to. `None` where there is none.
    #[must_use]
    pub fn start_of_entry(&self, line: u64) -> Option<Position> {
        let after = self.0.partition_point(|(at, _)| at.line <= line);
        self.0.get(after.checked_sub(1)?).map(|(at, _)| *at)
    }

    /// Where the lines of the last millisecond begin, and the time of the first of them.
    #[must_use]
    pub fn last_moment(&self) -> Option<(Position, Timestamp)> {
        let (_, time) = self.0.back()?;
        Some((self.start_of_moment(*time)?, *time))
    }

    /// Where the lines of the millisecond of `time` begin. `None` where there are none.
    #[must_use]
    pub fn start_of_moment(&self, time: Timestamp) -> Option<Position> {
        let moment = time.as_millisecond();
        let first = self.0.partition_point(|(_, time)| time.as_millisecond() < moment);
        let (at, time) = self.0.get(first)?;
        (time.as_millisecond() == moment).then_some(*at)
    }

    /// Where the first millisecond begins that has no line before number `line`. `None` where there is none.
    #[must_use]
    pub fn next_moment(&self, line: u64) -> Option<Position> {
        let first = self.0.partition_point(|(at, _)| at.line < line);
        let mut before = first.checked_sub(1).map(|entry| self.0[entry].1.as_millisecond());
        let mut later = self.0.range(first..);
        let begins = later.find(|(_, time)| {
            let moment = time.as_millisecond();
            before.replace(moment) != Some(moment)
        });
        begins.map(|(at, _)| *at)
    }

    /// The entries of the lines from number `first` up to `end`, which is not one of them.
    #[must_use]
    pub fn between(&self, first: u64, end: u64) -> Self {
        let begin = self.0.partition_point(|(at, _)| at.line <= first).saturating_sub(1);
        let end = self.0.partition_point(|(at, _)| at.line < end).max(begin);
        Self(self.0.range(begin..end).copied().collect())
    }

    /// Gives each of `lines` its time. The first of them is line number `first`. The newlines are
    /// left out.
    pub fn stamp<'a>(
        &'a self,
        first: u64,
        lines: &'a [u8],
    ) -> impl Iterator<Item = (Timestamp, &'a [u8])> {
        let mut entries = self.0.iter().peekable();
        let mut time = Timestamp::UNIX_EPOCH;
        (first..).zip(lines.split_inclusive(|&byte| byte == b'\n')).map(move |(number, line)| {
            while let Some((_, next)) = entries.next_if(|(at, _)| at.line <= number) {
                time = *next;
            }
            (time, line.strip_suffix(b"\n").unwrap_or(line))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Lines of two bytes.
    fn at(line: u64) -> Position {
        Position { byte: 2 * line, line }
    }

    #[test]
    fn each_line_has_the_time_it_was_appended_at() {
        let mut timeline = Timeline::default();
        timeline.push(at(0), time(1));
        timeline.push(at(2), time(1));
        timeline.push(at(3), time(5));
        timeline.push(at(4), time(6));
        timeline.forget_before(1);
        let seconds = |first: u64, lines: &[u8]| -> Vec<_> {
            let times = timeline.between(first, first + lines.len() as u64 / 2);
            times.stamp(first, lines).map(|(time, _)| time.as_second()).collect()
        };
        assert_eq!(seconds(1, b"b\nc\nd\ne\n"), [1, 1, 5, 6]);
        assert_eq!(seconds(3, b"d\n"), [5]);
        assert_eq!(seconds(9, b"j\n"), [6]);
        assert_eq!(seconds(9, b""), [0; 0]);
    }

    #[test]
    fn an_entry_begins_at_least_every_64_lines() {
        let mut timeline = Timeline::default();
        (0..1000).for_each(|line| timeline.push(at(line), time(1)));
        assert_eq!(timeline.start_of_entry(0), Some(at(0)));
        assert_eq!(timeline.start_of_entry(63), Some(at(0)));
        assert_eq!(timeline.start_of_entry(130), Some(at(128)));
        timeline.forget_before(130);
        assert_eq!(timeline.start_of_entry(100), None);
    }
}
