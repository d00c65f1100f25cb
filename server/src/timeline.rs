//! When the lines of a log were appended.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Times by line number: each entry holds from its line on, up to the next entry's.
#[derive(Debug, Default, Clone)]
pub struct Timeline(VecDeque<(u64, Timestamp)>);

impl Timeline {
    /// Lines from `line` on were appended at `time`.
    ///
    /// Lines of the same millisecond share an entry: a flood must not fill memory with times.
    pub fn push(&mut self, line: u64, time: Timestamp) {
        let last = self.0.back().map(|(_, last)| last.as_millisecond());
        if last != Some(time.as_millisecond()) {
            self.0.push_back((line, time));
        }
    }

    /// Lines before `line` are asked for no more.
    pub fn forget_before(&mut self, line: u64) {
        while self.0.get(1).is_some_and(|(next, _)| *next <= line) {
            self.0.pop_front();
        }
    }

    /// What holds from `line` on.
    #[must_use]
    pub fn since(&self, line: u64) -> Self {
        let later = self.0.partition_point(|(from, _)| *from <= line);
        Self(self.0.range(later.saturating_sub(1)..).copied().collect())
    }

    /// Puts its time to each of `lines`, the first of which is line number `first`. The newlines
    /// are left out.
    pub fn stamp<'a>(
        self,
        first: u64,
        lines: &'a [u8],
    ) -> impl Iterator<Item = (Timestamp, &'a [u8])> + use<'a> {
        let mut times = self.0.into_iter().peekable();
        let mut time = Timestamp::UNIX_EPOCH;
        (first..).zip(lines.split_inclusive(|&byte| byte == b'\n')).map(move |(number, line)| {
            while let Some((_, next)) = times.next_if(|(from, _)| *from <= number) {
                time = next;
            }
            (time, line.strip_suffix(b"\n").unwrap_or(line))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_time_it_was_appended_at() {
        let time = |second| Timestamp::from_second(second).unwrap();
        let mut timeline = Timeline::default();
        timeline.push(0, time(1));
        timeline.push(2, time(1));
        timeline.push(3, time(5));
        timeline.push(4, time(6));
        timeline.forget_before(1);
        let seconds = |first, lines| -> Vec<_> {
            let stamped = timeline.since(first).stamp(first, lines);
            stamped.map(|(time, _)| time.as_second()).collect()
        };
        assert_eq!(seconds(1, b"b\nc\nd\ne\n"), [1, 1, 5, 6]);
        assert_eq!(seconds(3, b"d\n"), [5]);
        assert_eq!(seconds(9, b"j\n"), [6]);
    }
}
