//! Lines that wait to be shown, up to a bound.
//!
//! Pure: no lock, no terminal.

use std::collections::VecDeque;

/// Bytes that wait at most. A terminal that was stopped for long misses what is older.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Bytes that are shown at a time, so that keys are looked at in between.
const BATCH_BYTES: usize = 32 * 1024;

/// Lines in their order. Of too many the oldest are dropped, which is told in the next batch.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    lines: VecDeque<String>,
    /// All bytes of them.
    bytes: usize,
    /// How many were dropped since the last batch.
    dropped: u64,
}

impl Waiting {
    /// Adds a line, without its end.
    pub(super) fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > MOST_BYTES {
            let dropped = self.lines.pop_front().map_or(0, |line| line.len());
            self.bytes -= dropped;
            self.dropped += 1;
        }
    }

    /// The next lines, each with its end. Empty when none waits.
    pub(super) fn take_batch(&mut self) -> String {
        let mut batch = String::new();
        if self.dropped > 0 {
            batch =
                format!("-- {} lines came faster than this terminal shows them\n", self.dropped);
            self.dropped = 0;
        }
        while batch.len() < BATCH_BYTES
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.len();
            batch.push_str(&line);
            batch.push('\n');
        }
        batch
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_lines_the_oldest_are_dropped_and_counted() {
        let mut waiting = Waiting::default();
        let mebibyte = "x".repeat(1024 * 1024);
        for number in 0..18 {
            waiting.push(format!("{number}{mebibyte}"));
        }
        let batch = waiting.take_batch();
        let (told, rest) = batch.split_once('\n').unwrap();
        assert_eq!(told, "-- 3 lines came faster than this terminal shows them");
        // A batch ends with the line that makes it long enough.
        assert_eq!(rest, format!("3{mebibyte}\n"));
        assert!(!waiting.is_empty());
        while !waiting.is_empty() {
            assert!(waiting.take_batch().starts_with(char::is_numeric));
        }
        assert_eq!((waiting.take_batch().as_str(), waiting.bytes), ("", 0));
    }
}
