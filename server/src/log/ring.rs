//! A ring of a room's most recent lines, with their times.
//!
//! A [`Position`] counts from the room's beginning and never wraps, so a reader is no more than a
//! position, and what it missed is a subtraction. Lines that no longer fit are dropped from the
//! front, whole.
//!
//! This module knows no lock: it is a data structure, and [`crate::log::room_log`] guards it.

mod lookups;

use std::collections::VecDeque;

use jiff::Timestamp;
use memchr::{memchr, memrchr};

use crate::log::position::Position;
use crate::log::timeline::Timeline;

/// A copy of consecutive lines of one log.
#[derive(Debug, Default)]
pub struct Batch {
    /// The number of the log.
    pub log: u64,
    /// Where the first line starts.
    pub start: Position,
    /// Where the last one ends.
    pub end: Position,
    /// The lines, whole.
    pub bytes: Vec<u8>,
    /// Their times, where those were asked for.
    times: Timeline,
}

impl Batch {
    /// The lines from `from` to `end`. `None` when the batch does not have them.
    #[must_use]
    pub fn lines(&self, from: Position, end: Position) -> Option<&[u8]> {
        if from < self.start || from >= end || end > self.end {
            return None;
        }
        let offset = |position: Position| (position.byte - self.start.byte) as usize;
        Some(&self.bytes[offset(from)..offset(end)])
    }

    /// Each line without its newline, and its time, which must have been asked for.
    pub fn stamped(&self) -> impl Iterator<Item = (Timestamp, &[u8])> {
        self.times.stamp(self.start.line, &self.bytes)
    }
}

/// Bytes that a courier takes at once. Large enough that a send's fixed cost vanishes, small
/// enough that the copying stays in the processor's cache.
pub const BATCH_BYTES: usize = 64 * 1024;

/// The most recent lines of one room, as bytes, oldest first.
#[derive(Debug)]
pub struct Ring {
    bytes: VecDeque<u8>,
    start: Position,
    end: Position,
    times: Timeline,
    capacity: usize,
}

impl Ring {
    /// A ring without lines that keeps up to `capacity` bytes of them.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            start: Position::default(),
            end: Position::default(),
            times: Timeline::default(),
            capacity,
        }
    }

    /// Forgets all lines. The next one starts at `start`.
    pub fn restart(&mut self, start: Position) {
        *self = Self { start, end: start, ..Self::new(self.capacity) };
    }

    /// Bytes of lines that it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where its first line starts.
    #[must_use]
    pub fn start(&self) -> Position {
        self.start
    }

    /// Where the next line will start.
    #[must_use]
    pub fn end(&self) -> Position {
        self.end
    }

    /// Adds `lines`, each with its newline.
    pub fn push(&mut self, lines: &[u8], now: Timestamp) {
        self.make_room(lines.len());
        self.bytes.extend(lines);
        self.times.push(self.end, now);
        self.end = self.end.after(lines);
    }

    /// Copies the lines from `from` on, as many whole ones as fit into `most` bytes, none after
    /// `limit`. One line that is longer than `most` is copied whole.
    pub fn copy(&self, from: Position, limit: Position, most: usize, batch: &mut Batch) {
        let offset = |byte: u64| (byte - self.start.byte) as usize;
        let (begin, full_end) = (offset(from.byte), offset(limit.byte));
        let mut end = full_end.min(begin + most);
        batch.bytes.clear();
        extend(&mut batch.bytes, &self.bytes, begin, end);
        batch.times = Timeline::default();
        batch.start = from;
        batch.end = limit;
        if end == full_end {
            return;
        }
        // Cut in the middle of a line: end after the last whole one, or, when the batch is but
        // the beginning of a long line, take all of that.
        if let Some(newline) = memrchr(b'\n', &batch.bytes) {
            batch.bytes.truncate(newline + 1);
        } else {
            while batch.bytes.last() != Some(&b'\n') {
                batch.bytes.push(self.bytes[end]);
                end += 1;
            }
        }
        batch.end = from.after(&batch.bytes);
    }

    /// The same, with the times of the lines.
    pub fn copy_stamped(&self, from: Position, limit: Position, most: usize, batch: &mut Batch) {
        self.copy(from, limit, most, batch);
        batch.times = self.times.between(batch.start.line, batch.end.line);
    }

    /// Drops the oldest lines until `bytes` more fit into the capacity.
    fn make_room(&mut self, bytes: usize) {
        let excess = (self.bytes.len() + bytes).saturating_sub(self.capacity).min(self.bytes.len());
        if excess == 0 {
            return;
        }
        let (front, back) = self.bytes.as_slices();
        let last = excess - 1;
        let newline = if last < front.len() {
            memchr(b'\n', &front[last..])
                .map(|found| last + found)
                .or_else(|| memchr(b'\n', back).map(|found| front.len() + found))
        } else {
            memchr(b'\n', &back[last - front.len()..]).map(|found| last + found)
        };
        let dropped = newline.map_or(self.bytes.len(), |newline| newline + 1);
        let from_front = dropped.min(front.len());
        self.start = self.start.after(&front[..from_front]).after(&back[..dropped - from_front]);
        self.bytes.drain(..dropped);
        self.times.forget_before(self.start.line);
    }
}

/// Copies the bytes from offset `begin` to `end`.
fn extend(target: &mut Vec<u8>, source: &VecDeque<u8>, begin: usize, end: usize) {
    let (front, back) = source.as_slices();
    let part = |slice: &[u8], offset: usize| {
        let clamp = |at: usize| at.saturating_sub(offset).min(slice.len());
        clamp(begin)..clamp(end)
    };
    target.extend_from_slice(&front[part(front, 0)]);
    target.extend_from_slice(&back[part(back, front.len())]);
}

#[cfg(test)]
mod tests;
