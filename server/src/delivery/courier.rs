//! Couriers: they alone write to sockets. Each has its share of the clients, and a thread.
//!
//! A courier sleeps until its [`Inbox`] has something: new clients, outboxes with items, or logs with new
//! lines. It copies a batch of a log's new lines once, and sends it to each of its clients that reads the
//! log, without waiting for any. Meanwhile more lines gather: so under load one send takes thousands.
//! When a socket does not take everything, [`mio::Poll`] tells when it has space again, and the client
//! catches up from the log. A client that has much to get waits in a queue after some sends, so that nobody
//! waits for one client.
//!
//! The courier looks into its inbox between any two sends. If it looked between passes only, each login
//! would wait for a pass over all clients, and many logins at once would take quadratic time.
//!
//! To wake the courier's thread costs more than to send a line to two or three clients. So while it sleeps
//! a session does its work: when the session speaks in a small room, and nobody else has spoken since, and
//! when its client is owed the answer to a request. One thread at a time does the work, the one that has
//! locked the [`Rounds`]; only the courier's own thread waits for that lock.

mod rounds;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use parking_lot::Mutex;

use self::rounds::Rounds;
use crate::delivery::client::Client;
use crate::delivery::inbox::Inbox;
use crate::delivery::pace::LIVE_TIME;
use crate::log::room_log::{RoomLog, Subscriber};

/// The token of the [`Waker`]. The other tokens are the numbers of clients.
const WAKE_UP: Token = Token(usize::MAX);

/// A courier, as logs know it.
#[derive(Debug)]
pub struct Courier {
    inbox: Arc<Inbox<Client>>,
    rounds: Mutex<Rounds>,
}

impl Subscriber for Courier {
    fn wake(&self, log: &Arc<RoomLog>) {
        self.inbox.log_ready(Arc::clone(log));
    }

    fn wake_or_work(&self, log: &Arc<RoomLog>) {
        if self.inbox.log_ready_or_claim(Arc::clone(log)) {
            self.work_for_session();
        }
    }

    fn defer(&self, log: &Arc<RoomLog>) {
        self.inbox.defer_log(Arc::clone(log));
    }

    fn work_deferred(&self) {
        if self.inbox.claim() {
            self.work_for_session();
        }
    }
}

impl Courier {
    /// Does what there is to do on the thread of a session, or wakes the courier's own.
    fn work_for_session(&self) {
        // If the lock is taken, the thread that has it may have looked into the inbox already. So the
        // courier's own thread is woken to look again.
        let is_done = self.rounds.try_lock().is_some_and(|mut rounds| rounds.work_for_session());
        if !is_done {
            self.inbox.wake();
        }
    }
}

/// The thread of a courier, before it runs.
#[derive(Debug)]
pub struct CourierThread {
    courier: Arc<Courier>,
    poll: Poll,
    events: Events,
}

impl CourierThread {
    /// The thread of courier number `number`. It closes clients that take nothing for `stall_timeout`.
    ///
    /// # Errors
    ///
    /// When the system gives no descriptors for polling.
    pub fn new(number: usize, stall_timeout: Duration) -> io::Result<Self> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(number, Waker::new(poll.registry(), WAKE_UP)?));
        let registry = poll.registry().try_clone()?;
        let rounds = Rounds::new(Arc::clone(&inbox), registry, stall_timeout);
        let courier = Arc::new(Courier { inbox, rounds: Mutex::new(rounds) });
        Ok(Self { courier, poll, events: Events::with_capacity(1024) })
    }

    /// The courier, for logs.
    #[must_use]
    pub fn courier(&self) -> Arc<Courier> {
        Arc::clone(&self.courier)
    }

    /// Where the courier is notified.
    #[must_use]
    pub fn inbox(&self) -> Arc<Inbox<Client>> {
        Arc::clone(&self.courier.inbox)
    }

    /// Delivers until the inbox is closed and the last client gone.
    pub fn run(mut self) {
        loop {
            let timeout = {
                let mut rounds = self.courier.rounds.lock();
                let timeout = rounds.work();
                if rounds.is_over() {
                    return;
                }
                timeout
            };
            self.wait(timeout);
        }
    }

    /// Sleeps until somebody wakes the courier, a socket has space, or `timeout` is over. Then makes a step
    /// for each client whose socket has space.
    fn wait(&mut self, timeout: Option<Duration>) {
        let polled = self.poll.poll(&mut self.events, timeout);
        let polled_at = Instant::now();
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // Clients whose sockets have space need no poll. The others get a step whenever the courier
                // looks for stalled clients.
                let number = self.courier.inbox.courier;
                log::error!("courier {number} cannot wait for sockets: {error}");
                thread::sleep(LIVE_TIME);
            }
            _ => {}
        }
        let mut rounds = self.courier.rounds.lock();
        rounds.polled_at = polled_at;
        for event in &self.events {
            if event.token() != WAKE_UP {
                rounds.step(event.token().0, None);
            }
        }
    }
}

#[cfg(test)]
mod simulator;
