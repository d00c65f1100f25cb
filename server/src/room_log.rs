//! The log of a room: its most recent lines, once, whatever the number of readers.
//!
//! Appending gives the room its one order of lines. Readers keep their own [`Position`]; one that
//! was still before the oldest line finds out how many it missed.
//!
//! Flow control is here too: [`RoomLog::write_when_read`] waits when more lines would run too far
//! ahead of the couriers, so that a flood slows down its senders instead of costing its readers
//! lines.
//!
//! This module knows no socket, thread or room: couriers are numbers to it.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::RoomName;

use crate::ring::{Batch, Position, Ring, StampedLines};
use crate::timeline::Timeline;

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

/// Who has to be told of new lines: those that wait for them and do not know yet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use = "who is not told never delivers"]
pub struct News {
    /// A bit for each courier.
    couriers: u64,
    /// Whether the recorder has to be told.
    pub recorder: bool,
}

impl News {
    /// The couriers' numbers.
    pub fn couriers(self) -> impl Iterator<Item = usize> {
        (0..u64::BITS as usize).filter(move |courier| self.couriers & (1 << courier) != 0)
    }
}

/// As many couriers as [`News`] can name.
pub const MAX_COURIERS: usize = u64::BITS as usize;

/// See the module's page.
#[derive(Debug)]
pub struct RoomLog {
    /// Tells logs apart. Never given twice in one server.
    pub id: u64,
    /// The name of the room, under which its lines are recorded.
    pub room: RoomName,
    capacity: usize,
    state: Mutex<State>,
    /// Signalled when a courier has moved on and somebody waits for that.
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    /// Up to here the recorder has written, and couriers may read. `None` when nothing is
    /// recorded.
    recorded: Option<Position>,
    /// Whether the recorder was told of lines after that.
    recorder_told: bool,
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
    /// Up to here those have got everything that it still waits for.
    awaited: Position,
    /// Whether it was told of lines after `tried` and has not looked yet.
    told: bool,
}

impl RoomLog {
    /// An empty log of a room that keeps up to `capacity` bytes of lines for `couriers` couriers.
    #[must_use]
    pub fn new(id: u64, room: RoomName, capacity: usize, couriers: usize) -> Self {
        assert!(couriers <= MAX_COURIERS);
        let state = State {
            ring: Ring::new(capacity),
            recorded: None,
            recorder_told: false,
            couriers: vec![CourierState::default(); couriers].into(),
            waiting: 0,
            closed: false,
        };
        Self { id, room, capacity, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// The same, with lines from earlier, whose followers are sent to nobody before they were
    /// recorded.
    #[must_use]
    pub fn recorded(self, earlier: &[(Timestamp, String)]) -> Self {
        let mut state = self.state.lock();
        for (time, line) in earlier {
            state.ring.push(format!("{line}\n").as_bytes(), *time);
        }
        state.recorded = Some(state.ring.end());
        drop(state);
        self
    }

    /// Access for writing. While it lives no line can be added by anybody else.
    pub fn write(self: &Arc<Self>) -> LogWriter<'_> {
        LogWriter { log: self, state: self.state.lock(), news: News::default() }
    }

    /// Access for writing once `bytes` more bytes do not run too far ahead of the couriers.
    ///
    /// Half the log is for lines that couriers have not tried to send yet, or that clients which
    /// keep up have not taken. The other half is for the others to catch up from.
    pub fn write_when_read(self: &Arc<Self>, bytes: usize) -> LogWriter<'_> {
        let mut state = self.state.lock();
        loop {
            let behind = state.bytes_behind();
            if state.closed || behind == 0 || behind + bytes as u64 <= self.capacity as u64 / 2 {
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
        let from = state.couriers[courier].tried.max(state.ring.start());
        let is_news = from < state.visible();
        state.couriers[courier].told = is_news;
        if is_news {
            batch.log = self.id;
            state.ring.copy(from, state.visible(), batch);
        }
        is_news
    }

    /// Notes that the courier has tried to send each of its clients everything up to `end`, and
    /// waits for clients that have got everything up to `awaited`. `true` when there are more
    /// lines already.
    pub fn tried(&self, courier: usize, end: Position, awaited: Position) -> bool {
        let mut state = self.state.lock();
        let visible = state.visible();
        let courier = &mut state.couriers[courier];
        courier.tried = end;
        courier.awaited = awaited;
        courier.told = courier.readers > 0 && end < visible;
        let has_more = courier.told;
        self.let_go_on(&state);
        has_more
    }

    /// Notes that the courier waits for clients that have got everything up to `awaited`.
    pub fn await_from(&self, courier: usize, awaited: Position) {
        let mut state = self.state.lock();
        state.couriers[courier].awaited = awaited;
        self.let_go_on(&state);
    }

    /// Wakes those who wait to write, but not for a line's space: each waking costs a switch.
    fn let_go_on(&self, state: &State) {
        if state.waiting > 0 && state.bytes_behind() <= self.capacity as u64 / 4 {
            self.moved.notify_all();
        }
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
        let limit = limit().min(state.visible());
        if from >= limit {
            Reading::Nothing
        } else if from < state.ring.start() {
            Reading::Gone(limit)
        } else {
            batch.log = self.id;
            state.ring.copy(from, limit, batch);
            Reading::Lines
        }
    }

    /// For the recorder: lines that are not recorded yet, with their times. `None` when there are
    /// none; the recorder will be told when there are.
    pub fn unrecorded(&self, batch: &mut Batch) -> Option<Timeline> {
        let mut state = self.state.lock();
        let from = state.recorded?.max(state.ring.start());
        if from >= state.ring.end() {
            state.recorder_told = false;
            return None;
        }
        state.ring.copy(from, state.ring.end(), batch);
        Some(state.ring.times_since(from.line))
    }

    /// For the recorder: everything up to `end` is recorded, so couriers may send it.
    pub fn publish(&self, end: Position) -> News {
        let mut state = self.state.lock();
        state.recorded = Some(end);
        self.let_go_on(&state);
        state.tell_couriers()
    }

    /// How far couriers may read: mail that belongs after this may tell of lines which nobody
    /// shall know yet.
    #[must_use]
    pub fn visible(&self) -> Position {
        self.state.lock().visible()
    }

    /// Bytes between `from` and the log's end: what a reader there is still owed.
    #[must_use]
    pub fn bytes_after(&self, from: Position) -> u64 {
        self.state.lock().ring.end().byte.saturating_sub(from.byte)
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
            self.log.let_go_on(&state);
        }
    }
}

impl State {
    /// How far couriers may read.
    fn visible(&self) -> Position {
        self.recorded.unwrap_or(self.ring.end())
    }

    /// Bytes that somebody who is waited for has not got yet: the recorder, a courier or a client.
    fn bytes_behind(&self) -> u64 {
        let couriers = self.couriers.iter().filter(|courier| courier.readers > 0);
        let last = couriers.map(|courier| courier.tried.min(courier.awaited));
        last.chain([self.visible()]).min().map_or(0, |last| self.ring.end().byte - last.byte)
    }

    /// Marks the couriers that have lines to read as told, and says which have to be.
    fn tell_couriers(&mut self) -> News {
        let mut news = News::default();
        let visible = self.visible();
        for (number, courier) in self.couriers.iter_mut().enumerate() {
            if courier.readers > 0 && !courier.told && courier.tried < visible {
                courier.told = true;
                news.couriers |= 1 << number;
            }
        }
        news
    }
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
        self.state.ring.end()
    }

    /// Adds `lines`, each with its newline.
    pub fn append(&mut self, lines: &[u8], now: Timestamp) {
        debug_assert!(lines.ends_with(b"\n"));
        let state = &mut *self.state;
        if state.closed {
            return;
        }
        state.ring.push(lines, now);
        if state.recorded.is_none() {
            let News { couriers, .. } = state.tell_couriers();
            self.news.couriers |= couriers;
        } else if !std::mem::replace(&mut state.recorder_told, true) {
            self.news.recorder = true;
        }
    }

    /// A reader, from the log's present end on, for a client of this courier.
    pub fn add_reader(&mut self, courier: usize) -> Reader {
        // Not the end: once what is not recorded yet can be read, the courier has to be told, for
        // the reader's mail may belong after it.
        let visible = self.state.visible();
        let state = &mut self.state.couriers[courier];
        if state.readers == 0 {
            state.tried = visible;
            state.awaited = Position::MAX;
        }
        state.readers += 1;
        Reader { log: Arc::clone(self.log), courier }
    }

    /// The last `count` lines.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> StampedLines {
        self.state.ring.last_lines(count)
    }

    /// Ends the access. The couriers named have to be told.
    pub fn finish(self) -> News {
        self.news
    }
}
