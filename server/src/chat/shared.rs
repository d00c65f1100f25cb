//! The one order of several servers, as a session sees it: it submits a change, and waits until the
//! change came back and was applied here.
//!
//! This module knows no chat, and of the log no more than that it takes records. Its lock is taken alone.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What gives the records of all servers one order.
pub trait Log: Debug + Send + Sync {
    /// Takes a record, and gives its number among those of this server, from 1. Waits while too many
    /// wait. `None` when the log has ended.
    fn submit(&self, record: &[u8]) -> Option<u64>;

    /// Takes nothing more, and lets nobody wait: what is not in the order by now will not be.
    fn withdraw(&self);
}

/// A record of this server on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Which of the logs that were followed one after the other it was given to.
    log: u64,
    number: u64,
}

/// The log, and how far this server's own records have come back.
#[derive(Debug)]
pub struct Shared {
    /// How long a client waits before it is reminded that it waits.
    patience: Duration,
    /// How many are about to give a record to the log, which may have no room for it.
    submitting: AtomicUsize,
    state: Mutex<State>,
    /// Signalled when there is a log, and when nobody shall wait for one any more.
    begun: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// `None` while none is followed.
    log: Option<Arc<dyn Log>>,
    /// How many were followed.
    logs: u64,
    /// The last own record that was applied.
    applied: u64,
    /// The threads that wait, each for the record of this number.
    waiting: BTreeMap<u64, Thread>,
    /// Whether the server stops and waits for no other one any more.
    is_over: bool,
}

impl Shared {
    /// Without a log yet. A client that waits longer than `patience` is reminded, and again after as long.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            submitting: AtomicUsize::new(0),
            state: Mutex::default(),
            begun: Condvar::new(),
        }
    }

    /// From now on records go to this log.
    pub fn begin(&self, log: Arc<dyn Log>) {
        self.change(Some(log));
    }

    /// There is no log any more: what is not applied will not be.
    pub fn end(&self) {
        self.change(None);
    }

    fn change(&self, log: Option<Arc<dyn Log>>) {
        let mut state = self.state.lock();
        state.log = log.filter(|_| !state.is_over);
        state.logs += 1;
        state.applied = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.begun.notify_all();
        wake(waiting);
    }

    /// Waits until there is a log, or nobody shall wait any more.
    pub fn wait_for_log(&self) {
        let mut state = self.state.lock();
        while state.log.is_none() && !state.is_over {
            self.begun.wait(&mut state);
        }
    }

    /// Gives a record to the log. `None` when there is none.
    pub fn submit(&self, record: &[u8]) -> Option<Ticket> {
        let state = self.state.lock();
        let (log, logs) = (Arc::clone(state.log.as_ref()?), state.logs);
        drop(state);
        self.submitting.fetch_add(1, Ordering::Relaxed);
        let number = log.submit(record);
        self.submitting.fetch_sub(1, Ordering::Relaxed);
        if number.is_none() {
            let mut state = self.state.lock();
            // The log has ended, and the follower has not found that yet.
            if state.logs == logs {
                state.log = None;
            }
        }
        Some(Ticket { log: logs, number: number? })
    }

    /// Waits until a record was applied, and calls `remind` whenever that takes long. `false` when it was
    /// not, and will not be.
    pub fn wait(&self, ticket: Ticket, remind: impl Fn()) -> bool {
        let mut next_reminder = Instant::now() + self.patience;
        loop {
            let now = Instant::now();
            if now >= next_reminder {
                next_reminder = now + self.patience;
                remind();
            }
            let mut state = self.state.lock();
            if ticket.log != state.logs {
                return false;
            }
            if ticket.number <= state.applied {
                return true;
            }
            if state.is_over {
                return false;
            }
            state.waiting.insert(ticket.number, thread::current());
            drop(state);
            thread::park_timeout(next_reminder.saturating_duration_since(now));
        }
    }

    /// Whether a record was applied.
    #[must_use]
    pub fn is_applied(&self, ticket: Ticket) -> bool {
        let state = self.state.lock();
        ticket.log != state.logs || ticket.number <= state.applied
    }

    /// All own records up to this one were applied.
    pub fn applied(&self, number: u64) {
        let mut state = self.state.lock();
        state.applied = state.applied.max(number);
        let next = state.applied + 1;
        let later = state.waiting.split_off(&next);
        let ready = std::mem::replace(&mut state.waiting, later);
        drop(state);
        wake(ready);
    }

    /// Whether somebody waits, and nothing has come back since this was asked before: `seen` is how far it
    /// had come then.
    #[must_use]
    pub fn stands_still(&self, seen: &mut Option<u64>) -> bool {
        let state = self.state.lock();
        let before = seen.replace(state.applied);
        let is_waiting = !state.waiting.is_empty() || self.submitting.load(Ordering::Relaxed) > 0;
        is_waiting && before == Some(state.applied)
    }

    /// Nobody waits any more. What has not come back by now is withdrawn first: nobody who was told that
    /// it is over shall see it come later.
    pub fn give_up(&self) {
        let log = self.state.lock().log.clone();
        if let Some(log) = log {
            log.withdraw();
        }
        let mut state = self.state.lock();
        state.is_over = true;
        state.log = None;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.begun.notify_all();
        wake(waiting);
    }
}

fn wake(waiting: BTreeMap<u64, Thread>) {
    for thread in waiting.into_values() {
        thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};
    use std::sync::mpsc::channel;

    use super::*;

    /// It counts records, and does nothing else with them.
    #[derive(Debug, Default)]
    struct Counter {
        count: AtomicU64,
        is_withdrawn: AtomicBool,
    }

    impl Log for Counter {
        fn submit(&self, _record: &[u8]) -> Option<u64> {
            let is_open = !self.is_withdrawn.load(Ordering::SeqCst);
            is_open.then(|| self.count.fetch_add(1, Ordering::Relaxed) + 1)
        }

        fn withdraw(&self) {
            self.is_withdrawn.store(true, Ordering::SeqCst);
        }
    }

    fn begun() -> Shared {
        let shared = Shared::new(Duration::from_secs(3600));
        shared.begin(Arc::new(Counter::default()));
        shared
    }

    #[test]
    fn who_waits_goes_on_when_its_own_record_was_applied() {
        let shared = begun();
        let tickets: Vec<_> = (0..3).map(|_| shared.submit(b"").unwrap()).collect();
        shared.applied(1);
        assert!(shared.wait(tickets[0], || {}));
        assert!(shared.is_applied(tickets[0]) && !shared.is_applied(tickets[1]));
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for ticket in &tickets[1..] {
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move || sender.send((*ticket, shared.wait(*ticket, || {}))));
            }
            shared.applied(2);
            assert_eq!(receiver.recv().unwrap(), (tickets[1], true));
            // What comes late does not go back.
            shared.applied(1);
            shared.applied(3);
            assert_eq!(receiver.recv().unwrap(), (tickets[2], true));
        });
    }

    #[test]
    fn a_record_of_a_log_that_is_lost_is_never_applied() {
        let shared = begun();
        let ticket = shared.submit(b"").unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| shared.wait(ticket, || {}));
            shared.end();
            assert!(!waits.join().unwrap());
            assert_eq!(shared.submit(b""), None);
            let waits = scope.spawn(|| shared.wait_for_log());
            shared.begin(Arc::new(Counter::default()));
            waits.join().unwrap();
        });
        // The same number of another log.
        shared.applied(1);
        assert!(!shared.wait(ticket, || {}));
        assert!(shared.wait(shared.submit(b"").unwrap(), || {}));
    }

    #[test]
    fn who_is_told_that_it_is_over_sees_nothing_come_later() {
        let shared = Shared::new(Duration::from_secs(3600));
        let log = Arc::new(Counter::default());
        shared.begin(Arc::clone(&log) as Arc<dyn Log>);
        let tickets = [shared.submit(b"").unwrap(), shared.submit(b"").unwrap()];
        shared.applied(1);
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let is_applied = shared.wait(tickets[1], || {});
                (is_applied, log.is_withdrawn.load(Ordering::SeqCst))
            });
            shared.give_up();
            assert_eq!(waits.join().unwrap(), (false, true));
        });
        assert!(shared.wait(tickets[0], || {}), "what has come back has come back");
        assert_eq!(shared.submit(b""), None);
        // Nor is there another log for it.
        shared.end();
        shared.begin(Arc::new(Counter::default()));
        assert_eq!(shared.submit(b""), None);
        shared.wait_for_log();
    }

    #[test]
    fn who_waits_for_long_is_told() {
        let shared = Shared::new(Duration::ZERO);
        shared.begin(Arc::new(Counter::default()));
        let ticket = shared.submit(b"").unwrap();
        // Being told is what this one waits for.
        assert!(shared.wait(ticket, || shared.applied(1)));
    }
}
