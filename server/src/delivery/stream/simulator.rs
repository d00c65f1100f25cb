//! Drives a [`Stream`] step by step, without threads and sockets, in a random order, and compares
//! what its client gets with the obvious model: a list of the lines that it is owed.
//!
//! The log's ring is small, so lines get lost. A loss is right only when `Missed N lines` stands
//! in its place, N is exact, and the first of the lost lines is no longer in the ring.
//!
//! Half of the clients are browsers. They get the same lines, in whole frames. And half of all have
//! something like TLS, with which all bytes go in records and now and then a record of its own.

mod acts;
mod check;
mod pipe;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use parking_lot::Mutex;
use protocol::{Framing, RoomName};

use self::pipe::{HANDSHAKE, Pipe};
use super::{Pace, Progress, Stream};
use crate::config::Transport;
use crate::delivery::item::Item;
use crate::delivery::outbox::Outbox;
use crate::delivery::pace::LIVE_BYTES;
use crate::delivery::seeds::run_all;
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::room_log::{RoomLog, Subscriber, Subscribers};

const RUNS: u64 = 1000;

const STEPS: usize = 120;

/// One line that the client is owed.
#[derive(Debug)]
enum Owed {
    /// A line of a log, or a row of a history: the log's place in [`World::logs`], its number.
    Line { log: usize, number: u64, text: String },
    /// A line of a reply.
    Reply(String),
}

/// Notes the logs that it was woken for.
#[derive(Debug, Default)]
struct Woken(Mutex<VecDeque<u64>>);

impl Subscriber for Woken {
    fn wake(&self, log: &Arc<RoomLog>) {
        self.0.lock().push_back(log.id);
    }
}

struct World {
    random: Rng,
    now: Instant,
    logs: [Arc<RoomLog>; 2],
    /// All lines that there ever were, by log.
    lines: [Vec<String>; 2],
    courier: Arc<Woken>,
    recorder: Arc<Woken>,
    outbox: Outbox,
    /// Whether the outbox has notified the courier, which has not looked yet.
    is_notified: bool,
    stream: Stream,
    pipe: Pipe,
    scratch: Batch,
    /// The log that the session appends to, once the client has left the login room.
    room: Option<usize>,
    owed: VecDeque<Owed>,
    count: usize,
    /// Lines are shorter than this.
    longest: usize,
    /// When the client last was live, and the bytes that it had taken.
    live: Option<(Instant, u64)>,
    is_closed: bool,
    missed: u64,
    /// Of a browser: the text that came out of frames and is no whole line yet, the last pings that
    /// were not answered yet, and whether the WebSocket has begun and ended.
    text: String,
    pings: Option<u8>,
    has_begun: bool,
    has_ended: bool,
    /// What came in records.
    opened: Vec<u8>,
    words: usize,
    has_end_record: bool,
}

impl World {
    fn new(mut random: Rng) -> Self {
        let (courier, recorder) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        // A client counts as live by tens of kilobytes, which takes long lines.
        let (capacity, longest) = match random.u8(..30) {
            0 => (400_000, 15_000),
            1..=5 => (3000, 30),
            6..=15 => (300, 30),
            _ => (60, 30),
        };
        let log = |id: u64, recorder: Option<Arc<dyn Subscriber>>| {
            let couriers: Vec<Arc<dyn Subscriber>> = vec![Arc::<Woken>::clone(&courier)];
            let subscribers = Arc::new(Subscribers { couriers, recorder });
            Arc::new(RoomLog::new(id, RoomName::main(), capacity, subscribers))
        };
        let logs = [log(0, None), log(1, Some(Arc::<Woken>::clone(&recorder)))];
        let now = Instant::now();
        let is_web = random.bool();
        let is_sealed = random.bool();
        let transport = if is_web { Transport::Web } else { Transport::Tcp };
        let mut world = Self {
            random,
            now,
            logs,
            lines: [Vec::new(), Vec::new()],
            courier,
            recorder,
            outbox: Outbox::default(),
            is_notified: false,
            stream: Stream::new(Framing::Line, transport),
            pipe: Pipe { is_web, is_sealed, ..Pipe::default() },
            scratch: Batch::default(),
            room: None,
            owed: VecDeque::new(),
            count: 0,
            longest,
            live: None,
            is_closed: false,
            missed: 0,
            text: String::new(),
            pings: None,
            has_begun: false,
            has_ended: false,
            opened: Vec::new(),
            words: 0,
            has_end_record: false,
        };
        if is_web {
            let item = Item::Http { bytes: HANDSHAKE.to_vec(), is_upgrade: true };
            world.post(Position::default(), item);
        }
        world
    }

    fn next_text(&mut self, word: &str) -> String {
        self.count += 1;
        let length = self.random.usize(..self.longest);
        format!("{word} {} {}", self.count, "x".repeat(length))
    }

    fn post(&mut self, at: Position, item: Item) {
        self.is_notified |= self.outbox.post(at, item).unwrap();
    }

    /// What the courier does next: one thing that it was woken for, or that it waits for.
    fn deliver(&mut self, with_acts: bool) -> bool {
        let woken = self.courier.0.lock().pop_front();
        let is_due = self.is_notified || woken.is_some() || !self.stream.pace.is_current();
        if let Some(log) = woken {
            let log = Arc::clone(&self.logs[log as usize]);
            let mut batch = Batch::default();
            if log.next_batch(0, &mut batch) {
                if with_acts {
                    self.act();
                }
                self.take_urgent();
                self.step(Some(&batch));
                if log.offered(0, batch.end, Position::MAX) {
                    self.courier.0.lock().push_back(log.id);
                }
            }
        }
        self.take_urgent();
        if !self.stream.pace.is_current() {
            self.step(None);
        }
        is_due
    }

    fn take_urgent(&mut self) {
        if std::mem::take(&mut self.is_notified) {
            self.stream.has_items = true;
            if self.stream.pace.is_current() {
                self.step(None);
            }
        }
    }

    fn step(&mut self, mut carried: Option<&Batch>) {
        let mut sends = self.random.u32(1..=16);
        while !self.is_closed {
            let stream = &mut self.stream;
            if carried
                .is_some_and(|batch| stream.log() != Some(batch.log) || !stream.pace.is_current())
            {
                return;
            }
            let (pipe, outbox) = (&self.pipe, &self.outbox);
            let progress = stream.advance(pipe, outbox, carried, &mut self.scratch, &mut sends);
            match progress {
                Progress::Switched { .. } => carried = None,
                Progress::Current => self.set_pace(Pace::Current),
                Progress::Queued => self.set_pace(Pace::Queued),
                Progress::Blocked => {
                    self.stream.note_blocked(self.now);
                    let taken = self.pipe.taken.get();
                    let live = self.live.get_or_insert((self.now, taken));
                    if taken >= live.1 + LIVE_BYTES {
                        *live = (self.now, taken);
                    }
                }
                Progress::Closed | Progress::Broken => self.is_closed = true,
            }
            self.check();
            if carried.is_some() || !matches!(progress, Progress::Switched { .. }) {
                return;
            }
        }
    }

    fn set_pace(&mut self, pace: Pace) {
        self.stream.pace = pace;
        self.live = None;
    }

    /// Lets everything come that is owed, then ends the stream.
    fn finish(&mut self) {
        self.pipe.space.set(usize::MAX);
        self.drain();
        let at = self.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        self.post(at, Item::Close);
        self.drain();
        assert!(self.is_closed, "the stream has not ended");
        assert!(self.owed.is_empty(), "never came: {:.200}", format!("{:?}", self.owed));
        assert!(self.pipe.got.borrow().is_empty(), "it ends within a piece");
        assert!(self.opened.is_empty(), "it ends within a line");
        assert_eq!(self.words, 0, "TLS had something to say");
        assert_eq!(self.has_end_record, self.pipe.is_sealed, "TLS tells the end");
        assert_eq!(self.has_ended, self.pipe.is_web, "a WebSocket ends with a frame");
        assert_eq!(self.pings, None, "a ping was not answered");
    }

    fn drain(&mut self) {
        loop {
            self.record();
            if self.is_closed || !self.deliver(false) && self.recorder.0.lock().is_empty() {
                return;
            }
        }
    }
}

/// Gives the lines that were missed.
fn run(seed: u64) -> u64 {
    let mut world = World::new(Rng::with_seed(seed));
    let breaks = world.random.u8(..10) == 0;
    for _ in 0..STEPS {
        world.now += Duration::from_millis(world.random.u64(..100));
        let space = *world.random.choice(&[0, 1, 7, 40, 1000, 70_000, 1_000_000]).unwrap();
        world.pipe.space.set(world.random.usize(..=space));
        if world.random.bool() {
            world.act();
        } else {
            world.deliver(true);
        }
    }
    if breaks {
        world.pipe.is_broken.set(true);
        world.reply();
        world.drain();
        // With nothing left to send it does not notice.
        assert!(world.is_closed, "a broken connection was not noticed");
    } else {
        world.finish();
    }
    world.missed
}

#[test]
fn a_client_gets_the_lines_and_replies_in_order_and_is_told_of_each_gap() {
    let missed = run_all(RUNS, run);
    assert!(missed > 0, "no run has lost a line, so gaps were not tried");
}
