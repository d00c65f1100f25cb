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

mod couriers;
mod past;
mod recorded;

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::RoomName;

use crate::log::position::Position;
use crate::log::ring::{BATCH_BYTES, Batch};
use crate::log::state::{Reading, State};

/// Somebody who reads logs on a thread of its own: a courier, or the recorder.
pub trait Subscriber: Debug + Send + Sync {
    /// The log has lines that this subscriber was not notified of. Called while no log is locked.
    fn wake(&self, log: &Arc<RoomLog>);

    /// The same, called while nothing at all is locked: so the subscriber may do its work at once, on
    /// the thread of whoever has appended the lines.
    fn carry(&self, log: &Arc<RoomLog>) {
        self.wake(log);
    }

    /// The same, when the caller calls [`Subscriber::look`] before it waits for anything.
    fn leave(&self, log: &Arc<RoomLog>) {
        self.wake(log);
    }

    /// Does at once, on this thread, what a client's session has left for it, called while nothing at all
    /// is locked. The subscriber may be at it already.
    fn look(&self) {}
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
        let state = State::new(capacity, couriers, subscribers.recorder.is_some());
        Self { id, room, subscribers, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Locks the log: while the guard lives, nobody else can append. When it goes, the log is
    /// unlocked, and then the subscribers are woken that wait for what was appended.
    pub fn lock(self: &Arc<Self>) -> LogGuard<'_> {
        self.guard(self.state.lock())
    }

    /// The same, once `bytes` more bytes do not run too far ahead of the couriers: half the log is for
    /// lines that couriers have not offered yet, or that clients which keep up have not taken. The
    /// other half is for the others to catch up from.
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
        while !state.has_room_for(bytes) {
            state.has_waiting = true;
            self.moved.wait(state);
        }
    }

    fn guard<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State>) -> LogGuard<'a> {
        LogGuard {
            state,
            wake: Wake {
                log: self,
                couriers: 0,
                recorder: false,
                is_carried: false,
                left_to: None,
            },
        }
    }

    /// Lets nobody wait and nothing be appended any more.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.stop_waiting();
    }

    /// Lets nobody wait any more.
    pub fn stop_waiting(&self) {
        self.state.lock().has_patience = false;
        self.moved.notify_all();
    }

    /// Wakes those who wait to append.
    fn let_go_on(&self, state: &mut State) {
        if state.has_waiting && state.is_caught_up() {
            state.has_waiting = false;
            self.moved.notify_all();
        }
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
    /// The courier that need not be woken, since this thread looks after it.
    left_to: Option<u32>,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        let Subscribers { couriers, recorder } = &*self.log.subscribers;
        if let Some(recorder) = recorder.as_ref().filter(|_| self.recorder) {
            recorder.wake(self.log);
        }
        while self.couriers != 0 {
            let number = self.couriers.trailing_zeros();
            let courier = &couriers[number as usize];
            if self.left_to == Some(number) {
                courier.leave(self.log);
            } else if self.is_carried {
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

    /// Has this courier not woken: the caller looks after it before it waits for anything, see
    /// [`Subscriber::look`].
    pub fn leave_to(&mut self, courier: usize) {
        // There are at most [`MAX_COURIERS`].
        self.wake.left_to = u32::try_from(courier).ok();
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
        // this courier and not wake it, and an item at the end would never be sent.
        let published = self.state.published();
        let state = &mut self.state.couriers[courier];
        if state.readers == 0 {
            state.offered = published;
            state.slowest = Position::MAX;
        }
        state.readers += 1;
        Reader { log: Arc::clone(self.wake.log), courier }
    }

    /// Copies the lines from `from` on, but none after `limit`.
    pub fn read(&self, from: Position, limit: Position, batch: &mut Batch) -> Reading {
        batch.log = self.wake.log.id;
        self.state.read(from, limit, |ring, limit| ring.copy(from, limit, BATCH_BYTES, batch))
    }
}

#[cfg(test)]
mod tests;
