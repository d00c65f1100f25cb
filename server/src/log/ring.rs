//! A ring: the most recent lines of a room as bytes, with their times, in a buffer of bounded size.
//!
//! A [`Position`] is a number of bytes and a number of lines since the room began, and never wraps. So all
//! that has to be known of a reader is its position, and the number of lines that it missed is a
//! difference. For lines that do not fit the oldest ones are dropped, whole.
//!
//! This module knows no lock: [`crate::log::room_log`] guards the ring.

mod lookups;

use std::collections::VecDeque;

use jiff::Timestamp;
use memchr::memrchr;

use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::timeline::Timeline;

/// The most recent lines of one room, the oldest first.
#[derive(Debug)]
pub struct Ring {
    /// The lines, each with its newline. `start` is the position of the first byte, `end` is the one
    /// behind the last.
    bytes: VecDeque<u8>,
    start: Position,
    end: Position,
    /// When the lines were appended.
    times: Timeline,
    /// The most bytes that are kept.
    capacity: usize,
}

impl Ring {
    /// A ring without lines, that will keep up to `capacity` bytes of them.
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

    /// The most bytes of lines that it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where the oldest line starts.
    #[must_use]
    pub fn start(&self) -> Position {
        self.start
    }

    /// Where the next line will start.
    #[must_use]
    pub fn end(&self) -> Position {
        self.end
    }

    /// Appends `lines`, each with its newline.
    pub fn push(&mut self, lines: &[u8], now: Timestamp) {
        self.drop_oldest(lines.len());
        self.bytes.extend(lines);
        self.times.push(self.end, now);
        self.end = self.end.after(lines);
    }

    /// Copies the lines from `from` to `limit` into `batch`, but only as many whole ones as fit into
    /// `most` bytes. When the first line alone is longer than `most`, copies that one.
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
        // The copy may end in the middle of a line. Then it shall end with the line before or, where
        // there is none, with this one.
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

    /// Drops the oldest lines, whole, until `bytes` more fit into the capacity.
    fn drop_oldest(&mut self, bytes: usize) {
        let excess = (self.bytes.len() + bytes).saturating_sub(self.capacity).min(self.bytes.len());
        if excess == 0 {
            return;
        }
        let last = excess - 1;
        let newline = self.bytes.range(last..).position(|&byte| byte == b'\n');
        let dropped = newline.map_or(self.bytes.len(), |newline| last + newline + 1);
        let (front, back) = self.bytes.as_slices();
        let from_front = dropped.min(front.len());
        self.start = self.start.after(&front[..from_front]).after(&back[..dropped - from_front]);
        self.bytes.drain(..dropped);
        self.times.forget_before(self.start.line);
    }
}

/// Appends the bytes of `source` from offset `begin` to offset `end` to `target`.
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
