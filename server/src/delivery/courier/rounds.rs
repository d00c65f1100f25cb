//! What a courier does for its clients, on its own thread or on that of a session.
//!
//! A *pass* sends the new lines of one log to each client that reads it. A *step* sends one client what it
//! is owed, see [`Stream`]. This module waits for nothing and knows no thread: it tells its caller for how
//! long there is nothing to do.

mod flow;
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
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::room_log::RoomLog;

/// The clients of one courier, and up to where each was sent what it is owed.
#[derive(Debug)]
pub struct Rounds {
    /// Where others tell the courier what there is to do.
    inbox: Arc<Inbox<Client>>,
    /// By this the courier's `Poll` watches the sockets of blocked clients.
    registry: Registry,
    /// A client that takes nothing for this long is closed.
    stall_timeout: Duration,
    clients: HashMap<ClientId, Delivery>,
    /// Which of the clients read which log.
    audiences: Audiences,
    /// Clients whose sockets took no more, as [`Pace::Blocked`] says of each.
    blocked: HashSet<ClientId>,
    /// Clients that have used up a step and wait for their next one, which the first of them has next.
    queue: VecDeque<ClientId>,
    /// Logs, by their numbers, where those who append may wait for blocked or queued clients.
    throttled: HashMap<u64, Arc<RoomLog>>,
    /// When the courier last looked which sockets have space. Whether a client keeps up is judged as of
    /// then: what it took later is not known yet, and may be much if the courier had no processor.
    pub polled_at: Instant,
    /// When to look next for clients that take nothing.
    next_stall_check: Instant,
    /// When the server stops: what is not sent by then is not sent at all.
    deadline: Option<Instant>,
    /// Whether no client will come any more.
    is_closing: bool,
    /// The lines that a pass sends to all. Kept here so that its buffer is used again.
    shared: Batch,
    /// A buffer for lines that a step copies for one client alone.
    own: Batch,
}

/// A client, and up to where it was sent what it is owed.
#[derive(Debug)]
struct Delivery {
    client: Arc<Client>,
    stream: Stream,
}

impl Rounds {
    /// The rounds of a courier without clients.
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
            polled_at: Instant::now(),
            next_stall_check: Instant::now(),
            deadline: None,
            is_closing: false,
            shared: Batch::default(),
            own: Batch::default(),
        }
    }

    /// Does what there is to do. Gives the time for which there is nothing more; `None` when it only ends
    /// when somebody wakes the courier.
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
        // Now, not when the courier has slept: those who append wait for this.
        self.update_throttled();
        // Where there were lines there are often more: then the courier looks at its sockets, and does
        // not sleep.
        let is_busy = had_lines || !self.queue.is_empty();
        if is_busy { Some(Duration::ZERO) } else { self.sleep_time() }
    }

    /// Whether no client is left, and none will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_closing && self.clients.is_empty()
    }

    /// Takes over new clients, and makes a step for each client whose outbox has something new.
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

    /// Sends a batch of the new lines of `log` to each client that reads it.
    fn pass(&mut self, log: &Arc<RoomLog>) {
        let mut batch = std::mem::take(&mut self.shared);
        if log.next_batch(self.inbox.courier, &mut batch) {
            // Every item that belongs before the batch's last line is in its outbox, and the inbox tells
            // of it. So no client is sent lines that belong behind an item that it was not sent.
            self.take_urgent();
            // A copy, since clients come and go while the pass is under way.
            let audience = self.audiences.of(log.id);
            let readers: Vec<ClientId> =
                audience.into_iter().flat_map(|audience| &audience.readers).copied().collect();
            for id in readers {
                self.step(id, Some(&batch));
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
        self.shared = batch;
    }

    /// Makes one step for one client. In a pass there is a `batch`: then only if the client reads the log
    /// of that, and waits for nothing else. The others will copy the lines themselves, in a later step.
    pub fn step(&mut self, id: ClientId, mut batch: Option<&Batch>) {
        let mut sends = STEP_SENDS;
        loop {
            let Some(Delivery { client, stream }) = self.clients.get_mut(&id) else { return };
            if let Some(batch) = batch
                && (stream.log() != Some(batch.log) || !stream.pace.is_current())
            {
                return;
            }
            let (socket, outbox) = (&client.socket, &client.outbox);
            match stream.advance(socket, outbox, batch, &mut self.own, &mut sends) {
                // The usual case in a pass: nothing has changed.
                Progress::Current if stream.pace.is_current() => return,
                Progress::Current => return self.set_pace(id, Pace::Current),
                Progress::Queued => {
                    self.set_pace(id, Pace::Queued);
                    return self.queue.push_back(id);
                }
                Progress::Blocked => return self.block(id),
                Progress::Switched { left } => {
                    batch = None;
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

    /// Has the client's socket watched: its next step is when that has space again.
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

    /// Notes what the client's next step waits for. It is not, or no longer, its socket.
    fn set_pace(&mut self, id: ClientId, pace: Pace) {
        let Some(Delivery { client, stream }) = self.clients.get_mut(&id) else { return };
        stream.pace = pace;
        if let Some(log) = stream.log() {
            self.audiences.set_behind(log, id, !stream.pace.is_current());
        }
        if self.blocked.remove(&id) {
            let descriptor = client.socket.as_fd().as_raw_fd();
            // It fails only when the socket was not registered, and then nothing has to be undone.
            let _ = self.registry.deregister(&mut SourceFd(&descriptor));
        }
    }

    /// Ends the delivery to a client, after a failure or because all was sent. Its session finds that and
    /// ends too.
    fn end(&mut self, id: ClientId, failure: Option<Failure>) {
        self.set_pace(id, Pace::Current);
        let Some(Delivery { client, stream }) = self.clients.remove(&id) else { return };
        if let Some(log) = stream.log() {
            self.audiences.leave(log, id);
        }
        drop(client.outbox.end(failure, stream.unsent_bytes()));
        // After the deadline nobody else ends a session whose client keeps the connection open.
        let is_late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if failure.is_some() || is_late {
            client.shut_read();
        } else if self.deadline.is_some() && !client.outbox.is_removed() {
            // The server stops. The session reads on until the client closes its side too. The session of a
            // client that is removed ends by itself, and the connection is closed once the name is free.
            client.socket.shut_write();
        }
    }
}
