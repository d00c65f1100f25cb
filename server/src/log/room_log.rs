//! The log of a room: its most recent lines, once, whatever the number of readers.
//!
//! Appending gives the room its one order of lines. Readers keep their own [`Position`]; one that
//! was still before the oldest line finds out how many it missed.
//!
//! Flow control is here too: [`RoomLog::lock_when_read`] waits when more lines would run too far
//! ahead of the couriers, so that a flood slows down its senders instead of costing its readers
//! lines.
//!
//! This module knows no socket, thread or room: couriers and the recorder are [`Subscriber`]s to it.

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::RoomName;

use crate::log::position::Position;
use crate::log::ring::{BATCH_BYTES, Batch, Ring};
use crate::log::state::{CourierState, Reading, Recording, State};

/// Somebody who reads logs on a thread of its own: a courier, or the recorder.
pub trait Subscriber: Debug + Send + Sync {
    /// The log has lines that this subscriber was not notified of. Called while no log is locked.
    fn wake(&self, log: &Arc<RoomLog>);

    /// The same, called while nothing at all is locked: so the subscriber may do its work at once, on
    /// the thread of whoever has appended the lines.
    fn carry(&self, log: &Arc<RoomLog>) {
        self.wake(log);
    }
}

/// Everybody who reads the logs of one server.
#[derive(Debug)]
pub struct Subscribers {
    /// The couriers. A log knows them by their place in here.
    pub couriers: Vec<Arc<dyn Subscriber>>,
    /// Who records the rooms. `None` when nobody does.
    pub recorder: Option<Arc<dyn Subscriber>>,
}

/// To wake a courier costs as much as to send a line to so many.
const FEW_READERS: usize = 3;

/// As many couriers as a log can have to wake.
pub const MAX_COURIERS: usize = u64::BITS as usize;

/// What one room saw: its most recent lines, and how far each subscriber has read them.
#[derive(Debug)]
pub struct RoomLog {
    /// Tells logs apart. Never given twice in one server.
    pub id: u64,
    /// The name of the room, under which its lines are recorded.
    pub room: RoomName,
    capacity: usize,
    subscribers: Arc<Subscribers>,
    state: Mutex<State>,
    /// Signalled when a courier has moved on.
    moved: Condvar,
}

impl RoomLog {
    /// An empty log of a room that keeps up to `capacity` bytes of lines.
    #[must_use]
    pub fn new(id: u64, room: RoomName, capacity: usize, subscribers: Arc<Subscribers>) -> Self {
        let couriers = subscribers.couriers.len();
        assert!(couriers <= MAX_COURIERS);
        let recording = subscribers
            .recorder
            .is_some()
            .then(|| Recording { upto: Position::default(), is_notified: false });
        let state = State {
            ring: Ring::new(capacity),
            recording,
            couriers: vec![CourierState::default(); couriers].into(),
            has_waiting: false,
            speaker: None,
            is_closed: false,
        };
        Self { id, room, capacity, subscribers, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Gives an empty log lines from earlier, which are recorded already.
    pub fn set_earlier(&self, earlier: &[(Timestamp, String)]) {
        let mut state = self.state.lock();
        for (time, line) in earlier {
            state.ring.push(format!("{line}\n").as_bytes(), *time);
        }
        let end = state.ring.end();
        if let Some(recording) = &mut state.recording {
            recording.upto = end;
        }
    }

    /// Locks the log: while the guard lives, nobody else can append. When it goes, the log is
    /// unlocked, and then the subscribers are woken that wait for what was appended.
    pub fn lock(self: &Arc<Self>) -> LogGuard<'_> {
        self.guard(self.state.lock())
    }

    /// The same, once `bytes` more bytes do not run too far ahead of the couriers.
    ///
    /// Half the log is for lines that couriers have not offered yet, or that clients which keep up
    /// have not taken. The other half is for the others to catch up from.
    pub fn lock_when_read(self: &Arc<Self>, bytes: usize) -> LogGuard<'_> {
        let mut state = self.state.lock();
        self.wait(&mut state, bytes);
        self.guard(state)
    }

    /// Waits as above, and locks nothing. For who must lock something else first.
    pub fn wait_for_readers(&self, bytes: usize) {
        self.wait(&mut self.state.lock(), bytes);
    }

    fn wait(&self, state: &mut MutexGuard<'_, State>, bytes: usize) {
        while !self.is_free(state, bytes) {
            state.has_waiting = true;
            self.moved.wait(state);
        }
    }

    /// Whether `bytes` more may be appended without waiting.
    fn is_free(&self, state: &State, bytes: usize) -> bool {
        let behind = state.bytes_behind();
        let fits = behind == 0 || behind + bytes as u64 <= self.capacity as u64 / 2;
        state.is_closed || fits
    }

    /// Does the first half of waiting: `true` when `bytes` more may be appended, else whoever asks
    /// is among the waiting from now on. For tests that drive everything on one thread.
    #[cfg(test)]
    pub fn begin_waiting(&self, bytes: usize) -> bool {
        let mut state = self.state.lock();
        let is_free = self.is_free(&state, bytes);
        state.has_waiting |= !is_free;
        is_free
    }

    /// Whether somebody waits who was not told to look again since.
    #[cfg(test)]
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.state.lock().has_waiting
    }

    fn guard<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State>) -> LogGuard<'a> {
        LogGuard {
            state,
            wake: Wake { log: self, couriers: 0, recorder: false, is_carried: false },
        }
    }

    /// Lets nobody wait and nothing be appended any more.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.moved.notify_all();
    }

    /// The next lines that courier number `courier` has to carry. `false` when there are none;
    /// the courier will be woken when there are.
    pub fn next_batch(&self, courier: usize, batch: &mut Batch) -> bool {
        let mut state = self.state.lock();
        let from = state.couriers[courier].offered.max(state.ring.start());
        let published = state.published();
        let has_lines = from < published;
        state.couriers[courier].is_notified = has_lines;
        if has_lines {
            batch.log = self.id;
            state.ring.copy(from, published, BATCH_BYTES, batch);
        }
        has_lines
    }

    /// Notes that the courier has offered each of its clients everything up to `end`, and waits
    /// for clients of which the slowest has got everything up to `slowest`. `true` when there are
    /// more lines already.
    pub fn offered(&self, courier: usize, end: Position, slowest: Position) -> bool {
        let mut state = self.state.lock();
        let published = state.published();
        let courier = &mut state.couriers[courier];
        courier.offered = end;
        courier.slowest = slowest;
        courier.is_notified = courier.readers > 0 && end < published;
        let has_more = courier.is_notified;
        self.let_go_on(&mut state);
        has_more
    }

    /// Notes that the slowest client which the courier waits for has got everything up to
    /// `slowest`.
    pub fn set_slowest(&self, courier: usize, slowest: Position) {
        let mut state = self.state.lock();
        state.couriers[courier].slowest = slowest;
        self.let_go_on(&mut state);
    }

    /// Wakes those who wait to append, but not for a line's space: each waking costs a switch.
    fn let_go_on(&self, state: &mut State) {
        if state.has_waiting && state.bytes_behind() <= self.capacity as u64 / 4 {
            state.has_waiting = false;
            self.moved.notify_all();
        }
    }

    /// For the recorder: copies lines that are not recorded yet, with their times. `false` when
    /// there are none; the recorder will be woken when there are.
    pub fn next_unrecorded(&self, batch: &mut Batch) -> bool {
        let mut state = self.state.lock();
        let State { ring, recording: Some(recording), .. } = &mut *state else { return false };
        let from = recording.upto.max(ring.start());
        recording.is_notified = from < ring.end();
        if recording.is_notified {
            ring.copy_stamped(from, ring.end(), BATCH_BYTES, batch);
        }
        recording.is_notified
    }

    /// For the recorder: everything up to `end` is recorded, so couriers may send it.
    pub fn publish(self: &Arc<Self>, end: Position) {
        let mut guard = self.lock();
        let state = &mut *guard.state;
        if let Some(recording) = &mut state.recording {
            recording.upto = end;
        }
        self.let_go_on(state);
        guard.wake.couriers = state.notify_couriers();
    }

    /// Up to where couriers may read. Something that belongs after this may tell of lines which
    /// nobody shall know yet.
    #[must_use]
    pub fn published(&self) -> Position {
        self.state.lock().published()
    }

    /// Bytes between `from` and the log's end: what a reader there is still owed.
    #[must_use]
    pub fn bytes_after(&self, from: Position) -> u64 {
        self.state.lock().ring.end().byte.saturating_sub(from.byte)
    }
}

/// One client's reading of a log. While it lives, appending waits for the client's courier.
///
/// Dropping it locks the log, so it must be dropped while no log is locked.
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
            courier.is_notified = false;
            self.log.let_go_on(&mut state);
        }
    }
}

/// A locked log: whatever is done through it happens at one point of the log's order.
#[must_use]
#[derive(Debug)]
pub struct LogGuard<'a> {
    // Fields are dropped in this order: the log is unlocked before anybody is woken.
    state: MutexGuard<'a, State>,
    wake: Wake<'a>,
}

/// The subscribers to wake, once the log is unlocked.
#[derive(Debug)]
struct Wake<'a> {
    log: &'a Arc<RoomLog>,
    /// A bit for each courier.
    couriers: u64,
    recorder: bool,
    /// Whether couriers may work on this thread.
    is_carried: bool,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        let Subscribers { couriers, recorder } = &*self.log.subscribers;
        if let Some(recorder) = recorder.as_ref().filter(|_| self.recorder) {
            recorder.wake(self.log);
        }
        while self.couriers != 0 {
            let courier = &couriers[self.couriers.trailing_zeros() as usize];
            if self.is_carried {
                courier.carry(self.log);
            } else {
                courier.wake(self.log);
            }
            // Clears the lowest bit that is set.
            self.couriers &= self.couriers - 1;
        }
    }
}

impl LogGuard<'_> {
    /// Where the next line will start.
    #[must_use]
    pub fn end(&self) -> Position {
        self.state.ring.end()
    }

    /// Adds `lines`, each with its newline.
    pub fn append(&mut self, lines: &[u8], now: Timestamp) {
        debug_assert!(lines.ends_with(b"\n"));
        let state = &mut *self.state;
        if state.is_closed {
            return;
        }
        state.ring.push(lines, now);
        match &mut state.recording {
            Some(recording) => {
                self.wake.recorder |= !std::mem::replace(&mut recording.is_notified, true);
            }
            None => self.wake.couriers |= state.notify_couriers(),
        }
    }

    /// Unlocks the log, and lets couriers that sleep carry the lines on this thread, if the last lines
    /// before were also of this speaker, or few read them. Nothing else may be locked.
    ///
    /// Where several speak in turn a courier is better: until it is awake it has the lines of all of
    /// them, and sends them together.
    pub fn carry(mut self, speaker: usize) {
        let readers: usize = self.state.couriers.iter().map(|courier| courier.readers).sum();
        let speaks_again = self.state.speaker.replace(speaker) == Some(speaker);
        self.wake.is_carried = speaks_again || readers <= FEW_READERS;
    }

    /// A reader, from the log's present end on, for a client of this courier.
    pub fn add_reader(&mut self, courier: usize) -> Reader {
        // Start at `published`, not at the end: otherwise `publish` would find nothing new for
        // this courier and not wake it, and mail placed at the end would never be sent.
        let published = self.state.published();
        let state = &mut self.state.couriers[courier];
        if state.readers == 0 {
            state.offered = published;
            state.slowest = Position::MAX;
        }
        state.readers += 1;
        Reader { log: Arc::clone(self.wake.log), courier }
    }

    /// Goes on with these lines, of which the first one starts at `start`: those in between are not here.
    /// Whoever has not got so far misses them, and is told.
    pub fn restart(&mut self, start: Position, lines: &[(Timestamp, String)]) {
        let state = &mut *self.state;
        state.ring.restart(start);
        for (time, line) in lines {
            state.ring.push(format!("{line}\n").as_bytes(), *time);
        }
        self.wake.couriers |= state.notify_couriers();
    }

    /// Where the last lines begin that have `bytes` bytes together at most.
    #[must_use]
    pub fn start_of_tail(&self, bytes: u64) -> Position {
        self.state.ring.start_of_tail(bytes)
    }

    /// Where the last `count` lines begin.
    #[must_use]
    pub fn start_of_last(&self, count: usize) -> Position {
        let ring = &self.state.ring;
        ring.position_of(ring.end().line.saturating_sub(count as u64))
    }

    /// The time of the last line, and the number of lines from the first with that time to the end.
    #[must_use]
    pub fn stamp_of_end(&self) -> (Timestamp, u64) {
        self.state.ring.stamp_of_end()
    }

    /// The position so many lines after the beginning of the first line of this millisecond. `None` when
    /// the log has no such line, or no longer.
    #[must_use]
    pub fn position_at(&self, time: Timestamp, lines: u64) -> Option<Position> {
        self.state.ring.position_at(time, lines)
    }

    /// Copies the lines from `from` on, but none after `limit`.
    pub fn read(&self, from: Position, limit: Position, batch: &mut Batch) -> Reading {
        batch.log = self.wake.log.id;
        self.state.read(from, limit, |ring, limit| ring.copy(from, limit, BATCH_BYTES, batch))
    }

    /// The same with the lines' times, at most `most` bytes of them.
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

#[cfg(test)]
mod tests;
