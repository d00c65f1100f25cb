//! Where a courier is told of things to do: of clients that came, of mail and of news in rooms.
//!
//! Sessions, the chat and the recorder tell; the courier takes. Each thing is here at most once at
//! a time, so a desk is bounded by the number of clients and rooms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mio::Waker;
use parking_lot::Mutex;

use crate::client::{Client, ClientId};
use crate::room_log::RoomLog;

/// See the module's page.
#[derive(Debug)]
pub struct Desk {
    /// The courier's number, by which logs know it.
    pub number: usize,
    inbox: Mutex<Inbox>,
    /// Whether there is something for [`Desk::take_urgent`]: to look must cost nothing.
    has_urgent: AtomicBool,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Inbox {
    urgent: Urgent,
    news: Vec<Arc<RoomLog>>,
    /// Whether the courier has to be woken.
    is_asleep: bool,
}

/// What does not wait for the end of a courier's pass.
#[derive(Debug, Default)]
pub struct Urgent {
    /// Clients that came.
    pub arrivals: Vec<Arc<Client>>,
    /// Clients whose outbox has something.
    pub mail: Vec<ClientId>,
    /// When the server stops: what is not sent by then is not sent at all.
    pub deadline: Option<Instant>,
    /// Once set the courier ends as soon as it has no client.
    pub is_closing: bool,
}

impl Desk {
    /// The desk of courier number `number`, which sleeps where `waker` wakes it.
    #[must_use]
    pub fn new(number: usize, waker: Waker) -> Self {
        Self { number, inbox: Mutex::default(), has_urgent: AtomicBool::new(false), waker }
    }

    fn tell(&self, is_urgent: bool, what: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox.lock();
        what(&mut inbox);
        if is_urgent {
            self.has_urgent.store(true, Ordering::Relaxed);
        }
        if std::mem::take(&mut inbox.is_asleep) {
            drop(inbox);
            // It fails only when the descriptor is bad, and the courier owns that one.
            let _ = self.waker.wake();
        }
    }

    /// Gives the courier a client, before any of its mail.
    pub fn adopt(&self, client: Arc<Client>) {
        self.tell(true, |inbox| inbox.urgent.arrivals.push(client));
    }

    /// The client has mail and its courier was not told yet.
    pub fn mail_for(&self, client: ClientId) {
        self.tell(true, |inbox| inbox.urgent.mail.push(client));
    }

    /// The log has lines and the courier was not told yet.
    pub fn news_in(&self, log: Arc<RoomLog>) {
        self.tell(false, |inbox| inbox.news.push(log));
    }

    /// The server stops: delivery goes on until `deadline` at most.
    pub fn set_deadline(&self, deadline: Instant) {
        self.tell(true, |inbox| inbox.urgent.deadline = Some(deadline));
    }

    /// No client will come any more.
    pub fn close(&self) {
        self.tell(true, |inbox| inbox.urgent.is_closing = true);
    }

    /// For the courier, which is awake: the logs that have news.
    pub fn take_news(&self) -> Vec<Arc<RoomLog>> {
        let mut inbox = self.inbox.lock();
        inbox.is_asleep = false;
        std::mem::take(&mut inbox.news)
    }

    /// For the courier: what is urgent. `None` when nothing is.
    ///
    /// Whatever was told while a log was held is seen by who has held that log since.
    pub fn take_urgent(&self) -> Option<Urgent> {
        if !self.has_urgent.load(Ordering::Relaxed) {
            return None;
        }
        let mut inbox = self.inbox.lock();
        self.has_urgent.store(false, Ordering::Relaxed);
        let Urgent { deadline, is_closing, .. } = inbox.urgent;
        let kept = Urgent { deadline, is_closing, ..Urgent::default() };
        Some(std::mem::replace(&mut inbox.urgent, kept))
    }

    /// For the courier: it is about to sleep, and will be woken. `false` when there is something
    /// to do already.
    #[must_use]
    pub fn fall_asleep(&self) -> bool {
        let mut inbox = self.inbox.lock();
        inbox.is_asleep = inbox.news.is_empty() && !self.has_urgent.load(Ordering::Relaxed);
        inbox.is_asleep
    }
}
