//! The one order of several servers, as a session sees it: it submits a change, and waits until the
//! change came back and was applied here.
//!
//! This module knows no chat, and of the log no more than that it takes records. Its lock is taken alone.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What gives the records of all servers one order.
pub trait Log: Debug + Send + Sync {
    /// Takes a record, and gives its number among those of this server, from 1. Waits while too many
    /// wait. `None` when the log has ended.
    fn submit(&self, record: &[u8]) -> Option<u64>;
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
    /// When nobody shall wait any more, for the server stops.
    until: Option<Instant>,
}

impl Shared {
    /// Without a log yet. A client that waits longer than `patience` is reminded, and again after as long.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { patience, state: Mutex::default(), begun: Condvar::new() }
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
        state.log = log;
        state.logs += 1;
        state.applied = 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.begun.notify_all();
        wake(waiting);
    }

    /// Waits until there is a log, or the server has stopped.
    pub fn wait_for_log(&self) {
        let mut state = self.state.lock();
        while state.log.is_none() {
            let Some(until) = state.until else {
                self.begun.wait(&mut state);
                continue;
            };
            if self.begun.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }

    /// Gives a record to the log. `None` when there is none.
    pub fn submit(&self, record: &[u8]) -> Option<Ticket> {
        let state = self.state.lock();
        let (log, logs) = (Arc::clone(state.log.as_ref()?), state.logs);
        drop(state);
        let number = log.submit(record);
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
    /// not, and will not be before the server has stopped.
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
            if state.until.is_some_and(|until| now >= until) {
                return false;
            }
            let until = state.until.map_or(next_reminder, |until| until.min(next_reminder));
            state.waiting.insert(ticket.number, thread::current());
            drop(state);
            thread::park_timeout(until.saturating_duration_since(now));
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

    /// Nobody waits any more after that time.
    pub fn stop_waiting(&self, until: Instant) {
        let mut state = self.state.lock();
        state.until = Some(until);
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
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    /// It counts records, and does nothing else with them.
    #[derive(Debug, Default)]
    struct Counter(AtomicU64);

    impl Log for Counter {
        fn submit(&self, _record: &[u8]) -> Option<u64> {
            Some(self.0.fetch_add(1, Ordering::Relaxed) + 1)
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
    fn nobody_waits_longer_than_the_server_goes_on() {
        let shared = begun();
        let ticket = shared.submit(b"").unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| shared.wait(ticket, || {}));
            shared.stop_waiting(Instant::now());
            assert!(!waits.join().unwrap());
        });
        shared.end();
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
