//! The log of a room: its most recent lines, once, whatever the number of readers.
//!
//! Appending gives the room its one order of lines. A [`Position`] in the log counts from the
//! room's beginning and never wraps, so a reader is no more than a position that it keeps itself.
//! Lines that no longer fit are dropped from the front; a reader that was still before them finds
//! out how many it missed.
//!
//! Flow control is here too: [`RoomLog::append`] waits when it would run too far ahead of the
//! couriers, so that a flood slows down its senders instead of costing its readers lines.
//!
//! This module knows no socket, thread or room: couriers are numbers to it.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter, memrchr};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// A place between two lines of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Bytes appended before it.
    pub byte: u64,
    /// Lines appended before it.
    pub line: u64,
}

impl Position {
    /// After everything that there will ever be.
    pub const MAX: Self = Self { byte: u64::MAX, line: u64::MAX };

    /// The position after `lines`, which are whole.
    #[must_use]
    pub fn after(self, lines: &[u8]) -> Self {
        Self {
            byte: self.byte + lines.len() as u64,
            line: self.line + memchr_iter(b'\n', lines).count() as u64,
        }
    }
}

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
}

/// What a reader gets that asks for the lines from its position on.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// There are none yet.
    Nothing,
    /// They were copied.
    Lines,
    /// They are gone. The reader goes on at this position.
    Gone(Position),
}

/// Which couriers have to be told of new lines: those that read the log and do not know yet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use = "a courier that is not told never delivers"]
pub struct News(u64);

impl News {
    /// The couriers' numbers.
    pub fn couriers(self) -> impl Iterator<Item = usize> {
        (0..u64::BITS as usize).filter(move |courier| self.0 & (1 << courier) != 0)
    }
}

/// As many couriers as [`News`] can name.
pub const MAX_COURIERS: usize = u64::BITS as usize;

/// Bytes that a courier takes at once. Large enough that a send's fixed cost vanishes, small
/// enough that the copying stays in the processor's cache.
const BATCH_BYTES: usize = 64 * 1024;

/// See the module's page.
#[derive(Debug)]
pub struct RoomLog {
    /// Tells logs apart. Never given twice in one server.
    pub id: u64,
    capacity: usize,
    state: Mutex<State>,
    /// Signalled when a courier has moved on and somebody waits for that.
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    bytes: VecDeque<u8>,
    start: Position,
    end: Position,
    /// When lines were appended: from this line number on, at this time.
    times: VecDeque<(u64, Timestamp)>,
    couriers: Box<[CourierState]>,
    waiting: usize,
    /// Once set nobody waits any more and nothing is appended.
    closed: bool,
}

#[derive(Debug, Default, Clone)]
struct CourierState {
    /// How many of its clients read this log, or are about to.
    readers: usize,
    /// Up to here it has tried to send to each of them.
    tried: Position,
    /// Whether it was told of lines after `tried` and has not looked yet.
    told: bool,
}

impl RoomLog {
    /// An empty log that keeps up to `capacity` bytes of lines for `couriers` couriers.
    #[must_use]
    pub fn new(id: u64, capacity: usize, couriers: usize) -> Self {
        assert!(couriers <= MAX_COURIERS);
        let state = State {
            bytes: VecDeque::new(),
            start: Position::default(),
            end: Position::default(),
            times: VecDeque::new(),
            couriers: vec![CourierState::default(); couriers].into(),
            waiting: 0,
            closed: false,
        };
        Self { id, capacity, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Access for writing. While it lives no line can be added by anybody else.
    pub fn write(self: &Arc<Self>) -> LogWriter<'_> {
        LogWriter { log: self, state: self.state.lock(), news: News::default() }
    }

    /// Access for writing once `bytes` more bytes do not run too far ahead of the couriers.
    ///
    /// Half the log is for lines that couriers have not tried to send yet. The other half is
    /// the slack of clients that take them a little later.
    pub fn write_when_read(self: &Arc<Self>, bytes: usize) -> LogWriter<'_> {
        let mut state = self.state.lock();
        while !state.closed && state.untried_bytes() > 0 {
            if state.untried_bytes() + bytes as u64 <= self.capacity as u64 / 2 {
                break;
            }
            state.waiting += 1;
            self.moved.wait(&mut state);
            state.waiting -= 1;
        }
        LogWriter { log: self, state, news: News::default() }
    }

    /// Lets nobody wait and nothing be appended any more.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.moved.notify_all();
    }

    /// The next lines that courier number `courier` has to carry. `false` when there are none;
    /// the courier will be told when there are.
    pub fn next_batch(&self, courier: usize, batch: &mut Batch) -> bool {
        let mut state = self.state.lock();
        let from = state.couriers[courier].tried.max(state.start);
        let is_news = from < state.end;
        state.couriers[courier].told = is_news;
        if is_news {
            batch.log = self.id;
            state.copy(from, state.end, batch);
        }
        is_news
    }

    /// Notes that the courier has tried to send each of its clients everything up to `end`.
    /// `true` when there are more lines already.
    pub fn tried(&self, courier: usize, end: Position) -> bool {
        let mut state = self.state.lock();
        state.couriers[courier].tried = end;
        if state.waiting > 0 {
            self.moved.notify_all();
        }
        let has_more = state.couriers[courier].readers > 0 && end < state.end;
        state.couriers[courier].told = has_more;
        has_more
    }

    /// The lines from `from` on, but none after `limit`, which is asked while nothing can be
    /// appended: so it sees all mail that belongs before the last line.
    pub fn read(
        &self,
        from: Position,
        limit: impl FnOnce() -> Position,
        batch: &mut Batch,
    ) -> Reading {
        let state = self.state.lock();
        let limit = limit().min(state.end);
        if from >= limit {
            Reading::Nothing
        } else if from < state.start {
            Reading::Gone(limit)
        } else {
            batch.log = self.id;
            state.copy(from, limit, batch);
            Reading::Lines
        }
    }

    /// Bytes between `from` and the log's end: what a reader there is still owed.
    #[must_use]
    pub fn bytes_after(&self, from: Position) -> u64 {
        self.state.lock().end.byte.saturating_sub(from.byte)
    }
}

/// One client's reading of a log. While it lives, appending waits for the client's courier.
///
/// To be dropped while no log is held.
#[derive(Debug)]
pub struct Reader {
    /// What is read.
    pub log: Arc<RoomLog>,
    courier: usize,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.log.state.lock();
        let courier = &mut state.couriers[self.courier];
        courier.readers -= 1;
        if courier.readers == 0 {
            courier.told = false;
            if state.waiting > 0 {
                self.log.moved.notify_all();
            }
        }
    }
}

impl State {
    /// Bytes that some courier has not tried to send yet.
    fn untried_bytes(&self) -> u64 {
        let readers = self.couriers.iter().filter(|courier| courier.readers > 0);
        readers.map(|courier| self.end.byte - courier.tried.byte).max().unwrap_or(0)
    }

    /// Copies the lines from `from` on, as many whole ones as a batch takes, none after `limit`.
    fn copy(&self, from: Position, limit: Position, batch: &mut Batch) {
        let offset = |byte: u64| (byte - self.start.byte) as usize;
        let (begin, full_end) = (offset(from.byte), offset(limit.byte));
        let mut end = full_end.min(begin + BATCH_BYTES);
        batch.bytes.clear();
        extend(&mut batch.bytes, &self.bytes, begin, end);
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

    /// Drops the oldest lines until `bytes` more fit into `capacity`.
    fn make_room(&mut self, bytes: usize, capacity: usize) {
        let excess = (self.bytes.len() + bytes).saturating_sub(capacity).min(self.bytes.len());
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
        while self.times.get(1).is_some_and(|(line, _)| *line <= self.start.line) {
            self.times.pop_front();
        }
    }
}

fn extend(target: &mut Vec<u8>, source: &VecDeque<u8>, begin: usize, end: usize) {
    let (front, back) = source.as_slices();
    let part = |slice: &[u8], offset: usize| {
        let clamp = |at: usize| at.saturating_sub(offset).min(slice.len());
        clamp(begin)..clamp(end)
    };
    target.extend_from_slice(&front[part(front, 0)]);
    target.extend_from_slice(&back[part(back, front.len())]);
}

/// Access to a log for writing: whatever is done through it happens at one point of its order.
#[must_use]
#[derive(Debug)]
pub struct LogWriter<'a> {
    log: &'a Arc<RoomLog>,
    state: MutexGuard<'a, State>,
    news: News,
}

impl LogWriter<'_> {
    /// Where the next line will start.
    #[must_use]
    pub fn end(&self) -> Position {
        self.state.end
    }

    /// Adds `lines`, each with its newline.
    pub fn append(&mut self, lines: &[u8], now: Timestamp) {
        debug_assert!(lines.ends_with(b"\n"));
        let state = &mut *self.state;
        if state.closed {
            return;
        }
        state.make_room(lines.len(), self.log.capacity);
        state.bytes.extend(lines);
        // Lines of the same millisecond share an entry: a flood must not fill memory with times.
        let millisecond = now.as_millisecond();
        if state.times.back().is_none_or(|(_, time)| time.as_millisecond() != millisecond) {
            state.times.push_back((state.end.line, now));
        }
        state.end = state.end.after(lines);
        for (number, courier) in state.couriers.iter_mut().enumerate() {
            if courier.readers > 0 && !courier.told {
                courier.told = true;
                self.news.0 |= 1 << number;
            }
        }
    }

    /// A reader, from the log's present end on, for a client of this courier.
    pub fn add_reader(&mut self, courier: usize) -> Reader {
        let end = self.state.end;
        let state = &mut self.state.couriers[courier];
        if state.readers == 0 {
            state.tried = end;
        }
        state.readers += 1;
        Reader { log: Arc::clone(self.log), courier }
    }

    /// The last `count` lines with their times, oldest first, each without its newline.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> Vec<(Timestamp, String)> {
        let state = &*self.state;
        let first = state.end.line.saturating_sub(count as u64).max(state.start.line);
        // The newline before the first line wanted, counted from the end; else all there is.
        let newlines = state.bytes.iter().rev().enumerate().filter(|(_, byte)| **byte == b'\n');
        let length = newlines.map(|(offset, _)| offset).nth(count).unwrap_or(state.bytes.len());
        let mut bytes = Vec::with_capacity(length);
        extend(&mut bytes, &state.bytes, state.bytes.len() - length, state.bytes.len());

        let later = state.times.partition_point(|(line, _)| *line <= first);
        let mut times = state.times.range(later.saturating_sub(1)..).peekable();
        let mut time = Timestamp::UNIX_EPOCH;
        let mut lines = Vec::new();
        for (number, line) in (first..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
            while let Some((_, next)) = times.next_if(|(from, _)| *from <= number) {
                time = *next;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            lines.push((time, String::from_utf8_lossy(text).into_owned()));
        }
        lines
    }

    /// Ends the access. The couriers named have to be told.
    pub fn finish(self) -> News {
        self.news
    }
}
