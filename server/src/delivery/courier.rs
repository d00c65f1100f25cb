//! The only ones that write to sockets: a few couriers, each with its share of the clients.
//!
//! A courier sleeps until its [`Inbox`] has something: clients that came, outboxes with items, or
//! logs with new lines. It takes a batch of a log's new lines once, and sends it to each of its
//! clients there without ever waiting for one. While it walks, more lines gather; under load one
//! send carries thousands. A client that does not take everything is left to [`mio::Poll`], and
//! catches up from the log when its socket has space again. A client that has much to get waits in
//! a queue for its next turn, so that nobody waits for one client.
//!
//! The inbox is looked at between any two sends. Were it looked at between passes only, each login
//! would wait for a pass over everybody, and a storm of logins would take quadratic time.
//!
//! Each courier has a thread. To wake it costs more than to send a line to two or three clients. So
//! a session does the courier's work while the courier sleeps: when it speaks in a small room, again and
//! alone, and when its client is owed the answer to a request. One thread at a time does it, the one that has
//! locked the [`Rounds`]; and nobody waits for that lock but the courier's own thread.

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

const WAKE_UP: Token = Token(usize::MAX);

/// One of those that write to sockets, as logs know it.
#[derive(Debug)]
pub struct Courier {
    inbox: Arc<Inbox<Client>>,
    rounds: Mutex<Rounds>,
}

impl Subscriber for Courier {
    fn wake(&self, log: &Arc<RoomLog>) {
        self.inbox.log_ready(Arc::clone(log));
    }

    fn carry(&self, log: &Arc<RoomLog>) {
        if self.inbox.log_ready_for_speaker(Arc::clone(log)) {
            self.work_for_session();
        }
    }

    fn leave(&self, log: &Arc<RoomLog>) {
        self.inbox.log_ready_for_session(Arc::clone(log));
    }

    fn look(&self) {
        if self.inbox.claim() {
            self.work_for_session();
        }
    }
}

impl Courier {
    /// Does what there is to do on the thread of a session, or wakes the courier's own.
    fn work_for_session(&self) {
        // Where the lock is not free the courier's own thread has it, and may be about to sleep.
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
    /// The thread of courier number `number`, who closes clients that take nothing for
    /// `stall_timeout`.
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

    /// Sleeps until somebody wakes it, a socket has space or `timeout` is over, and steps the
    /// clients whose sockets have.
    fn wait(&mut self, timeout: Option<Duration>) {
        let polled = self.poll.poll(&mut self.events, timeout);
        let looked_at = Instant::now();
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // Clients that keep up need no poll; the others are tried again whenever stalls
                // are looked for.
                let number = self.courier.inbox.courier;
                log::error!("courier {number} cannot wait for sockets: {error}");
                thread::sleep(LIVE_TIME);
            }
            _ => {}
        }
        let mut rounds = self.courier.rounds.lock();
        rounds.looked_at = looked_at;
        for event in &self.events {
            if event.token() != WAKE_UP {
                rounds.step(event.token().0, None);
            }
        }
    }
}

#[cfg(test)]
mod simulator;
