//! Drives a [`Stream`] step by step, without threads and sockets, in a random order, and compares
//! what its client gets with the obvious model: a list of the lines that it is owed.
//!
//! The log's ring is small, so lines get lost. A loss is right only when `Missed N lines` stands
//! in its place, N is exact, and the first of the lost lines is no longer in the ring.
//!
//! Half of the clients are browsers. They get the same lines, in whole frames. And half of all have
//! something like TLS, with which all bytes go in records and now and then a record of its own.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::Timestamp;
use parking_lot::Mutex;
use protocol::{Framing, RoomName};

use super::{Pace, Progress, Stream};
use crate::config::Transport;
use crate::delivery::outbox::{Item, Outbox};
use crate::delivery::pace::{LIVE_BYTES, LIVE_TIME};
use crate::delivery::socket::Sink;
use crate::log::position::Position;
use crate::log::ring::Batch;
use crate::log::room_log::{RoomLog, Subscriber, Subscribers};

const RUNS: u64 = 1000;

/// What a WebSocket begins with here.
const HANDSHAKE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
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

/// Takes as many bytes as it has space for.
#[derive(Debug, Default)]
struct Pipe {
    is_web: bool,
    is_sealed: bool,
    /// Records that have no piece and are still to be sealed, and whether the last one was.
    words: Cell<usize>,
    has_finished: Cell<bool>,
    has_sealed_end: Cell<bool>,
    space: Cell<usize>,
    is_broken: Cell<bool>,
    got: RefCell<Vec<u8>>,
    taken: Cell<u64>,
}

/// Kinds of records, whose length follows in four bytes.
const PIECE: u8 = 23;
const WORD: u8 = 22;
const END: u8 = 21;

fn record(kind: u8, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let length = u32::try_from(payload.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), &payload].concat()
}

impl Pipe {
    fn check_piece(&self, head: &[u8], piece: &[u8]) {
        assert!(self.is_web || head.is_empty(), "nothing stands in front of lines");
        if !self.is_web || !head.is_empty() {
            assert!(piece.ends_with(b"\n"), "a piece is made of whole lines");
            let text = str::from_utf8(piece).unwrap();
            assert!(!text.contains("alone") || text.lines().count() == 1, "not alone: {text:?}");
        }
    }
}

impl Sink for Pipe {
    fn seal(&self, head: &[u8], piece: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        if !self.is_sealed {
            return Ok(None);
        }
        assert!(!self.has_sealed_end.get(), "something follows the end");
        let mut records = record(WORD, &[]).repeat(self.words.take());
        if !piece.is_empty() {
            self.check_piece(head, piece);
            records.extend(record(PIECE, &[head, piece]));
        }
        if self.has_finished.get() {
            self.has_sealed_end.set(true);
            records.extend(record(END, &[]));
        }
        Ok(Some(records))
    }

    fn finish(&self) -> bool {
        self.is_sealed && !self.has_finished.replace(true)
    }

    fn send(&self, head: &[u8], piece: &[u8], from: usize) -> std::io::Result<usize> {
        if self.is_broken.get() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        match self.is_sealed {
            true => assert!(head.is_empty(), "records go as they are"),
            false => self.check_piece(head, piece),
        }
        let whole = [head, piece].concat();
        let sent = self.space.get().min(whole.len() - from);
        self.space.set(self.space.get() - sent);
        self.got.borrow_mut().extend(&whole[from..from + sent]);
        self.taken.set(self.taken.get() + sent as u64);
        Ok(sent)
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

    /// What a session does, of the client or of another.
    fn act(&mut self) {
        match self.random.u8(..10) {
            0..=4 => self.append(),
            5 | 6 => self.reply(),
            7 => self.ask_history(),
            8 => self.move_on(),
            _ if self.pipe.is_web && self.random.bool() => self.ping(),
            _ if self.pipe.is_sealed && self.random.bool() => self.say_word(),
            _ => self.record(),
        }
    }

    fn ping(&mut self) {
        let number = self.random.u8(..);
        self.is_notified |= self.outbox.post_pongs(vec![0x8a, 1, number]);
        self.pings = Some(number);
    }

    /// TLS itself has something to say, as the session finds.
    fn say_word(&mut self) {
        self.pipe.words.set(self.pipe.words.get() + 1);
        self.words += 1;
        self.is_notified |= self.outbox.post_flush();
    }

    fn append(&mut self) {
        let log = self.random.usize(..2);
        for _ in 0..self.random.usize(1..4) {
            let text = self.next_text("line");
            let mut guard = self.logs[log].lock();
            let number = guard.end().line;
            guard.append(format!("{text}\n").as_bytes(), Timestamp::UNIX_EPOCH);
            drop(guard);
            self.lines[log].push(text.clone());
            if self.room == Some(log) {
                self.owed.push_back(Owed::Line { log, number, text });
            }
        }
    }

    fn reply(&mut self) {
        let alone = self.random.bool();
        let text = self.next_text(if alone { "alone" } else { "reply" });
        let at = self.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        self.post(at, Item::Text { bytes: format!("{text}\n").into_bytes(), alone, sender: None });
        self.owed.push_back(Owed::Reply(text));
    }

    fn ask_history(&mut self) {
        let Some(log) = self.room else { return };
        let guard = self.logs[log].lock();
        let (from, end) = (guard.start_of_last(self.random.usize(..20)), guard.end());
        drop(guard);
        self.owed.push_back(Owed::Reply("History:".into()));
        for number in from.line..end.line {
            let text = format!("[1970-01-01T00:00:00.000Z] {}", self.lines[log][number as usize]);
            self.owed.push_back(Owed::Line { log, number, text });
        }
        self.post(end, Item::History { from, end });
    }

    fn move_on(&mut self) {
        let to = self.room.map_or(0, |room| 1 - room);
        let at = self.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        let mut guard = self.logs[to].lock();
        let (reader, from) = (guard.add_reader(0), guard.end());
        drop(guard);
        self.post(at, Item::Switch(reader, from));
        self.room = Some(to);
    }

    fn record(&mut self) {
        let Some(_) = self.recorder.0.lock().pop_front() else { return };
        let mut batch = Batch::default();
        while self.logs[1].next_unrecorded(&mut batch) {
            self.logs[1].publish(batch.end);
        }
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

    /// Compares what came with what was owed, and the counts with what was taken.
    fn check(&mut self) {
        assert_eq!(self.stream.taken, self.pipe.taken.get(), "bytes taken");
        let is_live = self.live.is_none_or(|(since, _)| self.now - since < LIVE_TIME);
        assert_eq!(self.stream.pace.is_live(self.now), is_live, "live");
        if self.pipe.is_web {
            return self.check_frames();
        }
        let got = self.take_plain();
        let whole = got.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        for line in str::from_utf8(&got[..whole]).unwrap().lines() {
            self.check_line(line);
        }
        self.give_back(got[whole..].to_vec());
    }

    /// What came, out of its records where there are some.
    fn take_plain(&mut self) -> Vec<u8> {
        let mut got = std::mem::take(&mut *self.pipe.got.borrow_mut());
        if !self.pipe.is_sealed {
            return got;
        }
        while let Some((&kind, rest)) = got.split_first()
            && let Some(length) = rest.first_chunk::<4>()
            && let Some(payload) = rest[4..].get(..u32::from_be_bytes(*length) as usize)
        {
            assert!(!self.has_end_record, "a record behind the last one");
            match kind {
                PIECE => self.opened.extend(payload),
                WORD => self.words -= 1,
                END => self.has_end_record = true,
                _ => panic!("bytes that are no record"),
            }
            got.drain(..5 + u32::from_be_bytes(*length) as usize);
        }
        *self.pipe.got.borrow_mut() = got;
        std::mem::take(&mut self.opened)
    }

    fn give_back(&mut self, plain: Vec<u8>) {
        match self.pipe.is_sealed {
            true => self.opened = plain,
            false => *self.pipe.got.borrow_mut() = plain,
        }
    }

    /// Takes whole frames out of what came, after the answer that the WebSocket begins with.
    fn check_frames(&mut self) {
        let mut got = self.take_plain();
        if !self.has_begun && got.len() >= HANDSHAKE.len() {
            assert_eq!(got.drain(..HANDSHAKE.len()).collect::<Vec<_>>(), HANDSHAKE);
            self.has_begun = true;
        }
        while self.has_begun
            && let Some((kind, payload, length)) = frame(&got)
        {
            assert!(!self.has_ended, "something comes behind the end");
            match kind {
                0x81 => {
                    assert!(payload.ends_with(b"\n"), "a frame is made of whole lines");
                    self.text.push_str(str::from_utf8(payload).unwrap());
                }
                // An earlier answer may have given way to the last one.
                0x8a if self.pings == Some(payload[0]) => self.pings = None,
                0x8a => {}
                0x88 => self.has_ended = true,
                _ => panic!("a frame of the kind {kind:x}"),
            }
            got.drain(..length);
        }
        self.give_back(got);
        for line in std::mem::take(&mut self.text).lines() {
            self.check_line(line);
        }
    }

    fn check_line(&mut self, line: &str) {
        let missed = line.strip_prefix("Missed ").and_then(|rest| rest.strip_suffix(" lines"));
        let Some(missed) = missed else {
            let short = &line[..line.len().min(60)];
            match self.owed.pop_front() {
                Some(Owed::Reply(text) | Owed::Line { text, .. }) => {
                    assert!(line == text, "{short} instead of {text:.60}");
                }
                None => panic!("{short} is not owed"),
            }
            return;
        };
        let missed: u64 = missed.parse().unwrap();
        assert!(missed > 0, "none were missed");
        for nth in 0..missed {
            let Some(Owed::Line { log, number, .. }) = self.owed.pop_front() else {
                panic!("{line}, but only {nth} lines stand there");
            };
            let oldest = self.logs[log].lock().start_of_last(usize::MAX).line;
            assert!(nth > 0 || number < oldest, "line {number} is still there");
        }
        self.missed += missed;
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

/// The first frame in some bytes: its kind, what is in it, and its length. `None` when it is not whole.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (head, length) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, ..] if bytes.len() >= 10 => {
            (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize)
        }
        [_, 126 | 127, ..] => return None,
        [_, length, ..] => (2, usize::from(length)),
        _ => return None,
    };
    let payload = bytes.get(head..head + length)?;
    Some((bytes[0], payload, head + length))
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
    let first = fastrand::u64(..);
    let mut missed = 0;
    for seed in (0..RUNS).map(|run| first.wrapping_add(run)) {
        let outcome = std::panic::catch_unwind(|| run(seed));
        missed += outcome.unwrap_or_else(|_| panic!("it failed with the seed {seed}"));
    }
    assert!(missed > 0, "no run has lost a line, so gaps were not tried");
}
