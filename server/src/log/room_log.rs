//! The log of a room: its most recent lines, kept once for all who read them.
//!
//! Lines are appended under the log's lock, which gives the room its one order. Each client's courier
//! keeps the [`Position`] up to which the client was sent the log. When the ring has dropped lines behind
//! that position, their number is known, and the client is told it.
//!
//! Flow control is here too. [`RoomLog::lock_when_read`] waits while the log is too far ahead of its
//! readers: so a flood slows down those who send it, and costs no reader a line.
//!
//! This module knows no socket, no thread and no user. Couriers and the recorder are [`Subscriber`]s to it.

mod couriers;
mod past;
mod recorded;

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::RoomName;

use crate::log::batch::{BATCH_BYTES, Batch};
use crate::log::position::Position;
use crate::log::state::{Reading, State};

/// A courier or the recorder: it reads logs, on a thread of its own or, to save waking that, on the thread
/// of a session.
pub trait Subscriber: Debug + Send + Sync {
    /// Has the subscriber's own thread read new lines of `log`. The caller has no log locked.
    fn wake(&self, log: &Arc<RoomLog>);

    /// Reads the new lines on the caller's thread if the subscriber's own thread sleeps. The caller has
    /// nothing locked.
    fn wake_or_work(&self, log: &Arc<RoomLog>) {
        self.wake(log);
    }

    /// Leaves the new lines until the caller calls [`Subscriber::work_deferred`], which it does before it
    /// waits for anything. If the subscriber's own thread wakes before, that reads them.
    fn defer(&self, log: &Arc<RoomLog>) {
        self.wake(log);
    }

    /// Does on the caller's thread what was deferred, if the subscriber's own thread sleeps. The caller
    /// has nothing locked.
    fn work_deferred(&self) {}
}

/// All subscribers of one server: each of them reads each of its logs.
#[derive(Debug)]
pub struct Subscribers {
    /// The couriers. A courier's number is its index.
    pub couriers: Vec<Arc<dyn Subscriber>>,
    /// The recorder. `None` when rooms are not recorded.
    pub recorder: Option<Arc<dyn Subscriber>>,
}

/// To wake a courier's thread costs about as much as to send a line to this many clients.
const FEW_READERS: usize = 3;

/// The most couriers that a log can have. A guard notes those to wake as the bits of a `u64`.
pub const MAX_COURIERS: usize = u64::BITS as usize;

/// What one room saw: its most recent lines, and up to where each subscriber has read them.
#[derive(Debug)]
pub struct RoomLog {
    /// The number of the log. No other log of this server ever has it.
    pub id: u64,
    /// The name of the room, under which its lines are recorded.
    pub room: RoomName,
    subscribers: Arc<Subscribers>,
    state: Mutex<State>,
    /// Signalled when those who wait to append may look again.
    moved: Condvar,
}

impl RoomLog {
    /// An empty log of a room, that will keep up to `capacity` bytes of lines.
    #[must_use]
    pub fn new(id: u64, room: RoomName, capacity: usize, subscribers: Arc<Subscribers>) -> Self {
        let couriers = subscribers.couriers.len();
        assert!(couriers <= MAX_COURIERS);
        let state = State::new(capacity, couriers, subscribers.recorder.is_some());
        Self { id, room, subscribers, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Locks the log: as long as the guard lives nobody else can append. When the guard is dropped, the
    /// log is unlocked, and then the subscribers are woken that have something to read.
    pub fn lock(self: &Arc<Self>) -> LogGuard<'_> {
        self.guard(self.state.lock())
    }

    /// Waits until `bytes` more bytes may be appended, and locks the log as [`RoomLog::lock`] does. They
    /// may when at most half of the log is then unread: not yet offered by a courier to its clients, or
    /// not yet taken by a client that keeps up. From the other half slower clients catch up.
    pub fn lock_when_read(self: &Arc<Self>, bytes: usize) -> LogGuard<'_> {
        let mut state = self.state.lock();
        self.wait(&mut state, bytes);
        self.guard(state)
    }

    /// Waits as [`RoomLog::lock_when_read`] does, and leaves the log unlocked: for a caller that has to
    /// lock the chat before the log.
    pub fn wait_for_readers(&self, bytes: usize) {
        self.wait(&mut self.state.lock(), bytes);
    }

    fn wait(&self, state: &mut MutexGuard<'_, State>, bytes: usize) {
        while !state.has_space_for(bytes) {
            state.has_waiting = true;
            self.moved.wait(state);
        }
    }

    fn guard<'a>(self: &'a Arc<Self>, state: MutexGuard<'a, State>) -> LogGuard<'a> {
        let wake =
            Wake { log: self, couriers: 0, recorder: false, may_work: false, deferred: None };
        LogGuard { state, wake }
    }

    /// Ends the log, for the server stops: nothing is appended any more, and nobody waits to append.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.stop_waiting();
    }

    /// From now on nobody waits to append.
    pub fn stop_waiting(&self) {
        self.state.lock().waits_for_readers = false;
        self.moved.notify_all();
    }

    /// Wakes those who wait to append, once so much is read that it is worth a switch of threads.
    fn wake_waiting(&self, state: &mut State) {
        if state.has_waiting && state.is_caught_up() {
            state.has_waiting = false;
            self.moved.notify_all();
        }
    }
}

/// One client's reading of a log, as the log knows it. As long as a courier has one, those who append wait
/// for that courier.
///
/// Dropping it locks the log, so it must be dropped while no log is locked.
#[derive(Debug)]
pub struct Reader {
    /// The log that is read.
    pub log: Arc<RoomLog>,
    /// The number of the client's courier.
    courier: usize,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.log.state.lock();
        let courier = &mut state.couriers[self.courier];
        courier.readers -= 1;
        if courier.readers == 0 {
            courier.is_notified = false;
            self.log.wake_waiting(&mut state);
        }
    }
}

/// A locked log. All that is done through it happens at one point of the log's order.
#[must_use]
#[derive(Debug)]
pub struct LogGuard<'a> {
    // Fields are dropped in this order: the log is unlocked before anybody is woken.
    state: MutexGuard<'a, State>,
    wake: Wake<'a>,
}

/// The subscribers that have something to read, to be told when the log is unlocked.
#[derive(Debug)]
struct Wake<'a> {
    log: &'a Arc<RoomLog>,
    /// Bit N stands for courier number N.
    couriers: u64,
    recorder: bool,
    /// Whether couriers may work on this thread.
    may_work: bool,
    /// The courier whose work this thread does later, see [`Subscriber::defer`].
    deferred: Option<usize>,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        let Subscribers { couriers, recorder } = &*self.log.subscribers;
        if let Some(recorder) = recorder.as_ref().filter(|_| self.recorder) {
            recorder.wake(self.log);
        }
        while self.couriers != 0 {
            let number = self.couriers.trailing_zeros() as usize;
            let courier = &couriers[number];
            if self.deferred == Some(number) {
                courier.defer(self.log);
            } else if self.may_work {
                courier.wake_or_work(self.log);
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

    /// Appends `lines`, each with its newline, at the time `now`.
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

    /// Has this courier not be woken: the caller calls its [`Subscriber::work_deferred`] before it waits for
    /// anything.
    pub fn defer(&mut self, courier: usize) {
        self.wake.deferred = Some(courier);
    }

    /// Unlocks the log, and sends its new lines on this thread where couriers sleep, if `speaker` also
    /// spoke last, or if only a few clients read the log. The caller has nothing else locked.
    ///
    /// Where several speak in turn it is cheaper to wake the courier: until it is awake it has the lines
    /// of all of them, and needs one send for them.
    pub fn unlock_and_work(mut self, speaker: usize) {
        let readers: usize = self.state.couriers.iter().map(|courier| courier.readers).sum();
        let speaks_again = self.state.speaker.replace(speaker) == Some(speaker);
        self.wake.may_work = speaks_again || readers <= FEW_READERS;
    }

    /// Adds a reader for a client of this courier, which is sent the log from its present end on.
    pub fn add_reader(&mut self, courier: usize) -> Reader {
        // The courier starts at `published`, not at the end. Else it would not be notified when the lines
        // in between are published, and would not send an item that belongs behind them.
        let published = self.state.published();
        let state = &mut self.state.couriers[courier];
        if state.readers == 0 {
            state.offered = published;
            state.slowest = Position::MAX;
        }
        state.readers += 1;
        Reader { log: Arc::clone(self.wake.log), courier }
    }

    /// Copies published lines from `from` up to `limit`, as many as fit into a batch.
    pub fn read(&self, from: Position, limit: Position, batch: &mut Batch) -> Reading {
        batch.log = self.wake.log.id;
        self.state.read(from, limit, |ring, limit| ring.copy(from, limit, BATCH_BYTES, batch))
    }
}

#[cfg(test)]
mod tests;
