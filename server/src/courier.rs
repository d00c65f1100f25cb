//! The only threads that write to sockets: a few, each with its share of the clients.
//!
//! A courier sleeps until its [`Desk`] has something: clients that came, clients with mail, or
//! rooms with new lines. It takes a batch of a room's new lines once, and sends it to each of its
//! clients there without ever waiting for one. While it walks, more lines gather; under load one
//! send carries thousands. A client that does not take everything is left to [`mio::Poll`], and
//! catches up from the log when its socket has space again.
//!
//! Mail is looked at between any two sends. Were it looked at between passes only, each login
//! would wait for a pass over everybody, and a storm of logins would take quadratic time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::client::ClientId;
use crate::delivery::{Delivery, PATIENCE, Progress};
use crate::desk::{Desk, Urgent};
use crate::outbox::Ended;
use crate::ring::{Batch, Position};
use crate::room_log::RoomLog;

const WAKE_UP: Token = Token(usize::MAX);

/// See the module's page.
#[derive(Debug)]
pub struct Courier {
    desk: Arc<Desk>,
    poll: Poll,
    stall_timeout: Duration,
    clients: HashMap<ClientId, Delivery>,
    /// Which clients read a log, by its number.
    readers: HashMap<u64, BTreeSet<ClientId>>,
    /// Clients that did not take everything. They are registered with `poll`.
    blocked: HashSet<ClientId>,
    /// Logs whose writers wait for some of those, by number.
    held: HashMap<u64, Arc<RoomLog>>,
    next_stall_check: Instant,
    deadline: Option<Instant>,
    is_closing: bool,
    /// What a client gets that is not where its room's pass is.
    scratch: Batch,
}

impl Courier {
    /// Courier number `number`, who closes clients that take nothing for `stall_timeout`.
    ///
    /// # Errors
    ///
    /// When the system gives no descriptors for polling.
    pub fn new(number: usize, stall_timeout: Duration) -> io::Result<Self> {
        let poll = Poll::new()?;
        let desk = Desk::new(number, Waker::new(poll.registry(), WAKE_UP)?);
        Ok(Self {
            desk: Arc::new(desk),
            poll,
            stall_timeout,
            clients: HashMap::new(),
            readers: HashMap::new(),
            blocked: HashSet::new(),
            held: HashMap::new(),
            next_stall_check: Instant::now(),
            deadline: None,
            is_closing: false,
            scratch: Batch::default(),
        })
    }

    /// Where to tell this courier of things to do.
    #[must_use]
    pub fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// Delivers until the desk is closed and the last client gone.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut batch = Batch::default();
        loop {
            let news = self.desk.take_news();
            self.take_urgent();
            if self.is_closing && self.clients.is_empty() {
                return;
            }
            let is_idle = news.is_empty();
            for log in news {
                self.pass(&log, &mut batch);
            }
            self.check_time();
            // With news there may be more of them: only look whether sockets have space.
            let timeout = if is_idle { self.sleep_time() } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    // Clients that keep up need no poll; the others are tried again whenever
                    // stalls are looked for.
                    log::error!("courier {} cannot wait for sockets: {error}", self.desk.number);
                    thread::sleep(PATIENCE);
                }
                _ => {}
            }
            for event in &events {
                if event.token() != WAKE_UP {
                    self.advance(event.token().0, None);
                }
            }
            self.update_held();
        }
    }

    /// How long there is nothing to do unless somebody says otherwise.
    fn sleep_time(&self) -> Option<Duration> {
        if !self.desk.fall_asleep() {
            return Some(Duration::ZERO);
        }
        let stall_check = (!self.blocked.is_empty()).then_some(self.next_stall_check);
        let deadline = self.deadline.filter(|_| !self.clients.is_empty());
        let next = [deadline, stall_check].into_iter().flatten().min();
        let next = next.map(|next| next.saturating_duration_since(Instant::now()));
        if self.held.is_empty() {
            return next;
        }
        Some(next.map_or(PATIENCE, |next| next.min(PATIENCE)))
    }

    /// Takes in clients that came, and delivers mail that came.
    fn take_urgent(&mut self) {
        let Some(Urgent { arrivals, mail, deadline, is_closing }) = self.desk.take_urgent() else {
            return;
        };
        self.deadline = deadline;
        self.is_closing = is_closing;
        for client in arrivals {
            self.clients.insert(client.id, Delivery::new(client));
        }
        for id in &mail {
            if let Some(delivery) = self.clients.get_mut(id) {
                delivery.has_mail = true;
            }
        }
        for id in mail {
            if !self.blocked.contains(&id) {
                self.advance(id, None);
            }
        }
    }

    /// Sends the new lines of `log`, a batch of them, to each client that reads it.
    fn pass(&mut self, log: &Arc<RoomLog>, batch: &mut Batch) {
        if !log.next_batch(self.desk.number, batch) {
            return;
        }
        // Whatever was posted before the batch's last line is in the inbox by now, so no client
        // is sent lines that belong after mail which it was not sent.
        self.take_urgent();
        // A copy, for clients come and go while the pass is under way.
        let readers = self.readers.get(&log.id);
        let readers: Vec<ClientId> = readers.into_iter().flatten().copied().collect();
        for id in readers {
            if let Some(delivery) = self.clients.get_mut(&id)
                && delivery.log() == Some(log.id)
                && !delivery.is_blocked
            {
                let progress = delivery.advance(Some(batch), &mut self.scratch);
                self.act_on(progress, id, Some(batch));
            }
            self.take_urgent();
        }
        let awaited = self.awaited(log.id);
        if awaited != Position::MAX {
            self.held.insert(log.id, Arc::clone(log));
        }
        if log.tried(self.desk.number, batch.end, awaited) {
            self.desk.news_in(Arc::clone(log));
        }
    }

    /// Up to where the blocked readers of a log that keep up have got everything.
    fn awaited(&self, log: u64) -> Position {
        let now = Instant::now();
        let blocked = self.blocked.iter().filter_map(|id| self.clients.get(id));
        let awaited = blocked.filter(|client| client.log() == Some(log) && client.keeps_up(now));
        awaited.map(Delivery::position).min().unwrap_or(Position::MAX)
    }

    /// Lets writers go on whose readers have moved on, or have stopped to keep up.
    fn update_held(&mut self) {
        for (id, log) in std::mem::take(&mut self.held) {
            let awaited = self.awaited(id);
            log.await_from(self.desk.number, awaited);
            if awaited != Position::MAX {
                self.held.insert(id, log);
            }
        }
    }

    /// Sends one client what it is owed, as far as it takes it.
    fn advance(&mut self, id: ClientId, batch: Option<&Batch>) {
        if let Some(delivery) = self.clients.get_mut(&id) {
            let progress = delivery.advance(batch, &mut self.scratch);
            self.act_on(progress, id, batch);
        }
    }

    fn act_on(&mut self, progress: Progress, id: ClientId, batch: Option<&Batch>) {
        match progress {
            // The usual case of a pass, which shall cost no more than the send did.
            Progress::Current { was_blocked: false } => {}
            Progress::Current { was_blocked: true } => self.unblock(id),
            Progress::Blocked => self.block(id),
            Progress::Entered { left } => {
                self.stop_reading(left, id);
                if let Some(log) = self.clients.get(&id).and_then(Delivery::log) {
                    self.readers.entry(log).or_default().insert(id);
                }
                self.advance(id, batch);
            }
            Progress::Closed => self.end(id, |_| Ended::Delivered),
            Progress::Broken => self.end(id, |owed| Ended::Broken { owed }),
        }
    }

    /// Has the client watched until its socket has space again.
    fn block(&mut self, id: ClientId) {
        let Some(delivery) = self.clients.get_mut(&id) else { return };
        let is_first = self.blocked.insert(id);
        delivery.note_blocked(is_first, Instant::now());
        if !is_first {
            return;
        }
        let descriptor = delivery.client.stream.as_raw_fd();
        let registry = self.poll.registry();
        let watched = registry.register(&mut SourceFd(&descriptor), Token(id), Interest::WRITABLE);
        if self.blocked.len() == 1 {
            self.next_stall_check = Instant::now() + self.stall_check_interval();
        }
        if let Err(error) = watched {
            log::error!("client {id} cannot be watched and is closed: {error}");
            self.end(id, |owed| Ended::Broken { owed });
        }
    }

    fn unblock(&mut self, id: ClientId) {
        if let Some(delivery) = self.clients.get_mut(&id)
            && self.blocked.remove(&id)
        {
            delivery.is_blocked = false;
            let descriptor = delivery.client.stream.as_raw_fd();
            // It fails only when it was not registered, and then nothing is to be undone.
            let _ = self.poll.registry().deregister(&mut SourceFd(&descriptor));
        }
    }

    /// Ends the delivery to a client. Its session does the rest.
    fn end(&mut self, id: ClientId, ended: impl FnOnce(u64) -> Ended) {
        self.unblock(id);
        let Some(delivery) = self.clients.remove(&id) else { return };
        let unsent = delivery.unsent_bytes();
        let mut is_delivered = false;
        let mail = delivery.client.outbox.end(|mail| {
            let ended = ended(unsent + mail);
            is_delivered = ended == Ended::Delivered;
            ended
        });
        drop(mail);
        // Past the deadline nobody else would end a session whose client leaves its side open.
        let is_late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !is_delivered || is_late {
            delivery.client.stop_reading();
        } else if self.deadline.is_some() {
            // Its session waits for more requests, and goes when the client closes its side too.
            delivery.client.stop_writing();
        }
        self.stop_reading(delivery.log(), id);
    }

    fn stop_reading(&mut self, log: Option<u64>, client: ClientId) {
        let Some(log) = log else { return };
        if let Some(readers) = self.readers.get_mut(&log) {
            readers.remove(&client);
            if readers.is_empty() {
                self.readers.remove(&log);
            }
        }
    }

    /// A stalled client is found at most this much late.
    fn stall_check_interval(&self) -> Duration {
        self.stall_timeout / 8
    }

    /// Closes clients for which time is up.
    fn check_time(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            for id in self.clients.keys().copied().collect::<Vec<_>>() {
                self.end(id, |owed| Ended::Abandoned { owed });
            }
        }
        if self.blocked.is_empty() || now < self.next_stall_check {
            return;
        }
        self.next_stall_check = now + self.stall_check_interval();
        // The system tells of space only when a third of a buffer is free, which a slow line may
        // not take within the time. So try.
        for id in self.blocked.iter().copied().collect::<Vec<_>>() {
            self.advance(id, None);
        }
        let is_stalled = |id: &ClientId| {
            let delivery = self.clients.get(id)?;
            (delivery.stalled_for(now) >= self.stall_timeout).then_some(*id)
        };
        for id in self.blocked.iter().filter_map(is_stalled).collect::<Vec<_>>() {
            self.end(id, |owed| Ended::Stalled { owed });
        }
    }
}
