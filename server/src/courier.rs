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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::Mutex;
use std::os::fd::AsRawFd;

use crate::client::{Client, ClientId};
use crate::delivery::{Delivery, PATIENCE, Progress};
use crate::outbox::Ended;
use crate::ring::{Batch, Position};
use crate::room_log::RoomLog;

const WAKE_UP: Token = Token(usize::MAX);

/// Where a courier is told of things to do. Each thing is here at most once at a time, so it is
/// bounded by the number of clients and rooms.
#[derive(Debug)]
pub struct Desk {
    /// The courier's number, by which logs know it.
    pub number: usize,
    inbox: Mutex<Inbox>,
    /// Whether there is something that shall not wait for the end of a pass.
    urgent: AtomicBool,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Inbox {
    arrivals: Vec<Arc<Client>>,
    mail: Vec<ClientId>,
    news: Vec<Arc<RoomLog>>,
    /// When the server stops: what is not sent by then is not sent at all.
    deadline: Option<Instant>,
    /// Once set the courier ends as soon as it has no client.
    closing: bool,
    /// Whether the courier has to be woken.
    asleep: bool,
}

impl Desk {
    fn tell(&self, is_urgent: bool, what: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox.lock();
        what(&mut inbox);
        if is_urgent {
            self.urgent.store(true, Ordering::Relaxed);
        }
        if std::mem::take(&mut inbox.asleep) {
            drop(inbox);
            // It fails only when the descriptor is bad, and the courier owns that one.
            let _ = self.waker.wake();
        }
    }

    /// Gives the courier a client, before any of its mail.
    pub fn adopt(&self, client: Arc<Client>) {
        self.tell(true, |inbox| inbox.arrivals.push(client));
    }

    /// The client has mail and its courier was not told yet.
    pub fn mail_for(&self, client: ClientId) {
        self.tell(true, |inbox| inbox.mail.push(client));
    }

    /// The log has lines and the courier was not told yet.
    pub fn news_in(&self, log: Arc<RoomLog>) {
        self.tell(false, |inbox| inbox.news.push(log));
    }

    /// The server stops: delivery goes on until `deadline` at most.
    pub fn set_deadline(&self, deadline: Instant) {
        self.tell(true, |inbox| inbox.deadline = Some(deadline));
    }

    /// No client will come any more.
    pub fn close(&self) {
        self.tell(true, |inbox| inbox.closing = true);
    }
}

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
    closing: bool,
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
        let desk = Desk {
            number,
            inbox: Mutex::default(),
            urgent: AtomicBool::new(false),
            waker: Waker::new(poll.registry(), WAKE_UP)?,
        };
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
            closing: false,
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
            let news = self.take_inbox();
            if self.closing && self.clients.is_empty() {
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
                    log::error!("courier {} cannot wait for sockets: {error}", self.desk.number);
                    return;
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

    /// How long there is nothing to do unless somebody says otherwise. Marks the courier as
    /// asleep, unless something came in the meantime.
    fn sleep_time(&self) -> Option<Duration> {
        let mut inbox = self.desk.inbox.lock();
        let something_came = !inbox.news.is_empty() || self.desk.urgent.load(Ordering::Relaxed);
        if something_came {
            return Some(Duration::ZERO);
        }
        inbox.asleep = true;
        let stall_check = (!self.blocked.is_empty()).then_some(self.next_stall_check);
        let deadline = self.deadline.filter(|_| !self.clients.is_empty());
        let next = [deadline, stall_check].into_iter().flatten().min();
        let next = next.map(|next| next.saturating_duration_since(Instant::now()));
        if self.held.is_empty() {
            return next;
        }
        Some(next.map_or(PATIENCE, |next| next.min(PATIENCE)))
    }

    /// Does what is urgent, and gives back which logs have news.
    fn take_inbox(&mut self) -> Vec<Arc<RoomLog>> {
        let mut inbox = self.desk.inbox.lock();
        inbox.asleep = false;
        let news = std::mem::take(&mut inbox.news);
        drop(inbox);
        self.take_urgent();
        news
    }

    /// Takes in clients that came, and delivers mail that came.
    fn take_urgent(&mut self) {
        if !self.desk.urgent.load(Ordering::Relaxed) {
            return;
        }
        let mut inbox = self.desk.inbox.lock();
        self.desk.urgent.store(false, Ordering::Relaxed);
        let arrivals = std::mem::take(&mut inbox.arrivals);
        let mail = std::mem::take(&mut inbox.mail);
        self.deadline = inbox.deadline;
        self.closing = inbox.closing;
        drop(inbox);

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
