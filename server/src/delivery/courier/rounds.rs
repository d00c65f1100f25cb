//! What a courier does for its clients, whoever's thread it is done on.
//!
//! This module waits for nothing, and knows no thread. It says how long there is nothing to do.

mod session;
mod time;

use std::collections::{HashMap, HashSet, VecDeque};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::delivery::audience::Audiences;
use crate::delivery::client::Client;
use crate::delivery::inbox::{ClientId, Inbox, Urgent};
use crate::delivery::pace::Pace;
use crate::delivery::phase::Failure;
use crate::delivery::stream::{Progress, STEP_SENDS, Stream};
use crate::log::position::Position;
use crate::log::ring::Batch;
use crate::log::room_log::RoomLog;

/// The clients of one courier, and how far each was sent what it is owed.
#[derive(Debug)]
pub struct Rounds {
    inbox: Arc<Inbox<Client>>,
    /// Tells when a socket has space.
    registry: Registry,
    stall_timeout: Duration,
    clients: HashMap<ClientId, Delivery>,
    audiences: Audiences,
    /// Clients whose sockets took no more. They are registered with `registry`.
    blocked: HashSet<ClientId>,
    /// Clients that wait for their turn, the next one first.
    queue: VecDeque<ClientId>,
    /// Logs whose writers wait for some of those.
    throttled: HashMap<u64, Arc<RoomLog>>,
    /// When the courier last looked which sockets have space. What a client took after that is not
    /// known, so whether it is live is judged as of then: a courier that had no processor for a
    /// while must not take that for the client's fault.
    pub looked_at: Instant,
    next_stall_check: Instant,
    deadline: Option<Instant>,
    is_closing: bool,
    /// The lines that are carried to everyone in some room right now.
    batch: Batch,
    /// What a client gets that is not where its room's pass is.
    scratch: Batch,
}

/// A client, and how far it was sent what it is owed.
#[derive(Debug)]
struct Delivery {
    client: Arc<Client>,
    stream: Stream,
}

impl Rounds {
    /// No clients yet. Those that take nothing for `stall_timeout` will be closed.
    #[must_use]
    pub fn new(inbox: Arc<Inbox<Client>>, registry: Registry, stall_timeout: Duration) -> Self {
        Self {
            inbox,
            registry,
            stall_timeout,
            clients: HashMap::new(),
            audiences: Audiences::default(),
            blocked: HashSet::new(),
            queue: VecDeque::new(),
            throttled: HashMap::new(),
            looked_at: Instant::now(),
            next_stall_check: Instant::now(),
            deadline: None,
            is_closing: false,
            batch: Batch::default(),
            scratch: Batch::default(),
        }
    }

    /// Does what there is to do, and says how long there is nothing more. `None` stands for ever.
    pub fn work(&mut self) -> Option<Duration> {
        let logs = self.inbox.take_logs();
        self.take_urgent();
        let had_lines = !logs.is_empty();
        for log in logs {
            self.pass(&log);
        }
        if let Some(id) = self.queue.pop_front() {
            self.step(id, None);
        }
        self.check_time();
        // Before the courier sleeps: who waits to append must not wait for that too.
        self.update_throttled();
        // After lines there may be more of them: only look whether sockets have space.
        let is_busy = had_lines || !self.queue.is_empty();
        if is_busy { Some(Duration::ZERO) } else { self.sleep_time() }
    }

    /// Whether no client is left, and none will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_closing && self.clients.is_empty()
    }

    /// Takes in clients that came, and delivers what came into outboxes.
    fn take_urgent(&mut self) {
        let Some(Urgent { arrivals, outboxes, deadline, is_closing }) = self.inbox.take_urgent()
        else {
            return;
        };
        self.deadline = deadline;
        self.is_closing = is_closing;
        for client in arrivals {
            let stream = Stream::new(client.framing, client.transport);
            self.clients.insert(client.id, Delivery { client, stream });
        }
        for id in &outboxes {
            if let Some(delivery) = self.clients.get_mut(id) {
                delivery.stream.has_items = true;
            }
        }
        for id in outboxes {
            if self.clients.get(&id).is_some_and(|delivery| delivery.stream.pace.is_current()) {
                self.step(id, None);
            }
        }
    }

    /// Sends the new lines of `log`, a batch of them, to each client that reads it.
    fn pass(&mut self, log: &Arc<RoomLog>) {
        let mut batch = std::mem::take(&mut self.batch);
        if log.next_batch(self.inbox.courier, &mut batch) {
            self.carry(log, &batch);
        }
        self.batch = batch;
    }

    fn carry(&mut self, log: &Arc<RoomLog>, batch: &Batch) {
        // Whatever was posted before the batch's last line is in the inbox by now, so no client
        // is sent lines that belong after an item which it was not sent.
        self.take_urgent();
        // A copy, for clients come and go while the pass is under way.
        let audience = self.audiences.of(log.id);
        let readers: Vec<ClientId> =
            audience.into_iter().flat_map(|audience| &audience.readers).copied().collect();
        for id in readers {
            self.step(id, Some(batch));
            self.take_urgent();
        }
        let slowest = self.slowest(log.id);
        if slowest != Position::MAX {
            self.throttled.insert(log.id, Arc::clone(log));
        }
        if log.offered(self.inbox.courier, batch.end, slowest) {
            self.inbox.log_ready(Arc::clone(log));
        }
    }

    /// Up to where the readers of a log that are behind, but live, have got everything.
    fn slowest(&self, log: u64) -> Position {
        let Some(audience) = self.audiences.of(log) else { return Position::MAX };
        if audience.behind.is_empty() {
            return Position::MAX;
        }
        let now = self.looked_at;
        let behind = audience.behind.iter().filter_map(|id| self.clients.get(id));
        let live =
            behind.map(|delivery| &delivery.stream).filter(|stream| stream.pace.is_live(now));
        live.map(Stream::position).min().unwrap_or(Position::MAX)
    }

    /// Lets writers go on whose readers have moved on, or are not live any more.
    fn update_throttled(&mut self) {
        for (id, log) in std::mem::take(&mut self.throttled) {
            let slowest = self.slowest(id);
            log.set_slowest(self.inbox.courier, slowest);
            if slowest != Position::MAX {
                self.throttled.insert(id, log);
            }
        }
    }

    /// Sends one client what it is owed, as far as it takes it and as much as a step allows. A
    /// batch is for those alone that read its log and are up to date; the others catch up later.
    pub fn step(&mut self, id: ClientId, mut carried: Option<&Batch>) {
        let mut sends = STEP_SENDS;
        loop {
            let Some(Delivery { client, stream }) = self.clients.get_mut(&id) else { return };
            if let Some(batch) = carried
                && (stream.log() != Some(batch.log) || !stream.pace.is_current())
            {
                return;
            }
            let (socket, outbox) = (&client.socket, &client.outbox);
            match stream.advance(socket, outbox, carried, &mut self.scratch, &mut sends) {
                // The usual case of a pass, which shall cost no more than the send did.
                Progress::Current if stream.pace.is_current() => return,
                Progress::Current => return self.set_pace(id, Pace::Current),
                Progress::Queued => {
                    self.set_pace(id, Pace::Queued);
                    return self.queue.push_back(id);
                }
                Progress::Blocked => return self.block(id),
                Progress::Switched { left } => {
                    carried = None;
                    let (log, is_behind) = (stream.log(), !stream.pace.is_current());
                    if let Some(left) = left {
                        self.audiences.leave(left, id);
                    }
                    if let Some(log) = log {
                        self.audiences.enter(log, id, is_behind);
                    }
                }
                Progress::Closed => return self.end(id, None),
                Progress::Broken => return self.end(id, Some(Failure::Broken)),
            }
        }
    }

    /// Has the client watched until its socket has space again.
    fn block(&mut self, id: ClientId) {
        let Some(Delivery { client, stream }) = self.clients.get_mut(&id) else { return };
        stream.note_blocked(Instant::now());
        if !self.blocked.insert(id) {
            return;
        }
        if let Some(log) = stream.log() {
            self.audiences.set_behind(log, id, true);
        }
        let descriptor = client.socket.as_fd().as_raw_fd();
        let watched =
            self.registry.register(&mut SourceFd(&descriptor), Token(id), Interest::WRITABLE);
        if self.blocked.len() == 1 {
            self.next_stall_check = Instant::now() + self.stall_check_interval();
        }
        if let Err(error) = watched {
            log::error!("client {id} cannot be watched and is closed: {error}");
            self.end(id, Some(Failure::Broken));
        }
    }

    /// Notes that the client's next step does not wait for its socket any more.
    fn set_pace(&mut self, id: ClientId, pace: Pace) {
        let Some(Delivery { client, stream }) = self.clients.get_mut(&id) else { return };
        stream.pace = pace;
        if let Some(log) = stream.log() {
            self.audiences.set_behind(log, id, !stream.pace.is_current());
        }
        if self.blocked.remove(&id) {
            let descriptor = client.socket.as_fd().as_raw_fd();
            // It fails only when it was not registered, and then nothing is to be undone.
            let _ = self.registry.deregister(&mut SourceFd(&descriptor));
        }
    }

    /// Ends the delivery to a client. Its session does the rest.
    fn end(&mut self, id: ClientId, failure: Option<Failure>) {
        self.set_pace(id, Pace::Current);
        let Some(Delivery { client, stream }) = self.clients.remove(&id) else { return };
        if let Some(log) = stream.log() {
            self.audiences.leave(log, id);
        }
        drop(client.outbox.end(failure, stream.unsent_bytes()));
        // Past the deadline nobody else would end a session whose client leaves its side open.
        let is_late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if failure.is_some() || is_late {
            client.shut_read();
        } else if self.deadline.is_some() && !client.outbox.is_removed() {
            // Its session waits for more requests, and goes when the client closes its side too. That of
            // a client that is removed goes by itself, and closes once the name is free.
            client.socket.shut_write();
        }
    }
}
