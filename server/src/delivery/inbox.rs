//! What a courier has to look at: clients that came, outboxes that have something, and logs that
//! have lines.
//!
//! Sessions, the chat and the logs put things in; the courier takes them out. Each outbox and each
//! log is in here at most once at a time, so an inbox is bounded by the number of clients and
//! rooms.
//!
//! This module knows no socket, and nothing of a client but its number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mio::Waker;
use parking_lot::Mutex;

use crate::log::room_log::RoomLog;

/// Tells clients apart. Never given twice in one server.
pub type ClientId = usize;

/// The inbox of one courier, whose clients are of type `C`.
#[derive(Debug)]
pub struct Inbox<C> {
    /// The courier's number, by which logs know it.
    pub courier: usize,
    contents: Mutex<Contents<C>>,
    /// Whether there is something for [`Inbox::take_urgent`]. The courier asks for it between any
    /// two sends, so it must cost nothing.
    has_urgent: AtomicBool,
    waker: Waker,
}

#[derive(Debug)]
struct Contents<C> {
    urgent: Urgent<C>,
    logs: Vec<Arc<RoomLog>>,
    /// Whether the courier has to be woken.
    is_asleep: bool,
}

/// What does not wait for the end of a courier's pass over a room.
#[derive(Debug)]
pub struct Urgent<C> {
    /// Clients that came.
    pub arrivals: Vec<Arc<C>>,
    /// Clients whose outbox has something.
    pub outboxes: Vec<ClientId>,
    /// When the server stops: what is not sent by then is not sent at all.
    pub deadline: Option<Instant>,
    /// Once set the courier ends as soon as it has no client.
    pub is_closing: bool,
}

impl<C> Inbox<C> {
    /// The inbox of courier number `courier`, which sleeps where `waker` wakes it.
    #[must_use]
    pub fn new(courier: usize, waker: Waker) -> Self {
        let urgent = Urgent {
            arrivals: Vec::new(),
            outboxes: Vec::new(),
            deadline: None,
            is_closing: false,
        };
        let contents = Contents { urgent, logs: Vec::new(), is_asleep: false };
        let contents = Mutex::new(contents);
        Self { courier, contents, has_urgent: AtomicBool::new(false), waker }
    }

    fn put_urgent(&self, put: impl FnOnce(&mut Urgent<C>)) {
        self.put(|contents| {
            put(&mut contents.urgent);
            self.has_urgent.store(true, Ordering::Relaxed);
        });
    }

    fn put(&self, put: impl FnOnce(&mut Contents<C>)) {
        if self.put_without_waking(put) {
            self.wake();
        }
    }

    /// Puts something in. `true` when the courier slept: it counts as awake from now on, so the caller has to
    /// wake it, or to look into the inbox in its place.
    fn put_without_waking(&self, put: impl FnOnce(&mut Contents<C>)) -> bool {
        let mut contents = self.contents.lock();
        put(&mut contents);
        std::mem::take(&mut contents.is_asleep)
    }

    /// Has the courier's thread look into the inbox.
    pub fn wake(&self) {
        // It fails only when the descriptor is bad, and the courier owns that one.
        let _ = self.waker.wake();
    }

    /// Gives the courier a client, before anything is in the client's outbox: so it is not woken for this.
    pub fn register(&self, client: Arc<C>) {
        self.defer_urgent(|urgent| urgent.arrivals.push(client));
    }

    /// The client's outbox has something and its courier was not notified yet.
    pub fn outbox_ready(&self, client: ClientId) {
        self.put_urgent(|urgent| urgent.outboxes.push(client));
    }

    /// The same from the client's own session, which calls [`Inbox::claim`] before it waits for anything: so
    /// the courier is not woken.
    pub fn defer_outbox(&self, client: ClientId) {
        self.defer_urgent(|urgent| urgent.outboxes.push(client));
    }

    /// Puts something in without waking the courier.
    fn defer_urgent(&self, put: impl FnOnce(&mut Urgent<C>)) {
        let mut contents = self.contents.lock();
        put(&mut contents.urgent);
        self.has_urgent.store(true, Ordering::Relaxed);
    }

    /// Whether the courier sleeps although something is urgent. Then it counts as awake from now on, and
    /// the caller has to look into the inbox instead, or to wake it.
    #[must_use]
    pub fn claim(&self) -> bool {
        // Relaxed: the caller asks for what it has put in itself, and sees that.
        self.has_urgent.load(Ordering::Relaxed)
            && std::mem::take(&mut self.contents.lock().is_asleep)
    }

    /// The log has lines and the courier was not notified yet.
    pub fn log_ready(&self, log: Arc<RoomLog>) {
        self.put(|contents| contents.logs.push(log));
    }

    /// The same, but does not wake the courier. `true` when it slept: it counts as awake from now on, so the
    /// caller has to wake it, or to look into the inbox in its place.
    #[must_use]
    pub fn log_ready_or_claim(&self, log: Arc<RoomLog>) -> bool {
        self.put_without_waking(|contents| contents.logs.push(log))
    }

    /// The same from the session of one of the courier's clients, which calls [`Inbox::claim`] before it waits
    /// for anything: so the courier is not woken.
    pub fn defer_log(&self, log: Arc<RoomLog>) {
        let mut contents = self.contents.lock();
        contents.logs.push(log);
        // Without this `claim` would not find the log, if another thread has taken what was urgent.
        self.has_urgent.store(true, Ordering::Relaxed);
    }

    /// The server stops: delivery goes on until `deadline` at most.
    pub fn set_deadline(&self, deadline: Instant) {
        self.put_urgent(|urgent| urgent.deadline = Some(deadline));
    }

    /// No client will come any more.
    pub fn close(&self) {
        self.put_urgent(|urgent| urgent.is_closing = true);
    }

    /// For the courier, which is awake: the logs that have lines.
    pub fn take_logs(&self) -> Vec<Arc<RoomLog>> {
        let mut contents = self.contents.lock();
        contents.is_asleep = false;
        std::mem::take(&mut contents.logs)
    }

    /// For the courier: what is urgent. `None` when nothing is.
    ///
    /// The flag is relaxed. Sessions put things in while they hold the log of their room, and the
    /// courier locks that log for each batch before it asks here; so it cannot miss one that
    /// belongs before the batch's last line.
    pub fn take_urgent(&self) -> Option<Urgent<C>> {
        if !self.has_urgent.load(Ordering::Relaxed) {
            return None;
        }
        let mut contents = self.contents.lock();
        self.has_urgent.store(false, Ordering::Relaxed);
        let Urgent { deadline, is_closing, .. } = contents.urgent;
        let kept = Urgent { arrivals: Vec::new(), outboxes: Vec::new(), deadline, is_closing };
        Some(std::mem::replace(&mut contents.urgent, kept))
    }

    /// For the courier: it is about to sleep, and will be woken. `false` when there is something
    /// to do already.
    #[must_use]
    pub fn prepare_sleep(&self) -> bool {
        let mut contents = self.contents.lock();
        let is_empty = contents.logs.is_empty() && !self.has_urgent.load(Ordering::Relaxed);
        contents.is_asleep = is_empty;
        is_empty
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};
    use protocol::RoomName;

    use super::*;
    use crate::log::room_log::Subscribers;

    #[test]
    fn what_a_session_leaves_is_found_by_the_courier_or_claimed_by_the_session() {
        let poll = Poll::new().unwrap();
        let inbox: Inbox<()> = Inbox::new(0, Waker::new(poll.registry(), Token(0)).unwrap());
        inbox.defer_outbox(7);
        assert!(!inbox.claim(), "the courier is awake");
        assert!(!inbox.prepare_sleep(), "there is something already");
        assert_eq!(inbox.take_urgent().unwrap().outboxes, [7]);
        assert!(inbox.prepare_sleep());
        assert!(!inbox.claim(), "there is nothing");
        inbox.defer_outbox(8);
        assert!(inbox.claim());
        assert!(!inbox.claim(), "it counts as awake");
        assert_eq!(inbox.take_urgent().unwrap().outboxes, [8]);
        assert!(inbox.prepare_sleep());
        let subscribers = Arc::new(Subscribers { couriers: Vec::new(), recorder: None });
        let log = Arc::new(RoomLog::new(0, RoomName::main(), 100, subscribers));
        // Also when nothing urgent is left beside the log.
        inbox.defer_log(log);
        assert!(inbox.claim());
        assert_eq!(inbox.take_logs().len(), 1);
    }

    #[test]
    fn whatever_comes_before_or_during_the_sleep_is_not_slept_over() {
        let mut poll = Poll::new().unwrap();
        let inbox: Inbox<()> = Inbox::new(0, Waker::new(poll.registry(), Token(0)).unwrap());
        inbox.outbox_ready(7);
        assert!(!inbox.prepare_sleep(), "there is something already");
        assert_eq!(inbox.take_urgent().unwrap().outboxes, [7]);
        assert!(inbox.take_urgent().is_none());
        assert!(inbox.prepare_sleep());
        inbox.close();
        let mut events = Events::with_capacity(1);
        poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
        assert!(!events.is_empty(), "it was not woken");
        assert!(inbox.take_urgent().unwrap().is_closing);
    }
}
