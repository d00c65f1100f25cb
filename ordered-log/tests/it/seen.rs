//! A state that is all that was applied, and what a test waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ordered_log::{Apply, Entry, Error, Options, OrderedLog, Origin, Restored, Status};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// No test waits for this. It only ends those that would never end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a follower has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// A line for each record: its origin, sequence, time and bytes.
    pub text: Vec<u8>,
    /// The last own record.
    pub own: u64,
    pub statuses: Vec<Status>,
    pub restored: u64,
    /// Whether the next state is not to be made until this is taken back.
    pub is_held: bool,
    /// Whether one is held.
    pub holds: bool,
}

/// A log whose state is all that was applied.
#[derive(Debug)]
pub struct Node {
    pub log: OrderedLog,
    pub origin: Origin,
    seen: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct State {
    own: Origin,
    shared: Arc<Shared>,
}

impl State {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.shared.seen.lock());
        self.shared.changed.notify_all();
    }
}

impl Apply for State {
    fn apply(&mut self, entry: &Entry<'_>) {
        let time = entry.time.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
        let head = format!("{} {} {time} ", entry.origin, entry.sequence);
        self.change(|seen| {
            seen.text.extend_from_slice(head.as_bytes());
            seen.text.extend_from_slice(entry.record);
            seen.text.push(b'\n');
            if entry.origin == self.own {
                assert_eq!(entry.sequence, seen.own + 1);
                seen.own = entry.sequence;
            }
        });
    }

    fn snapshot(&mut self) -> Vec<u8> {
        let mut seen = self.shared.seen.lock();
        seen.holds = seen.is_held;
        self.shared.changed.notify_all();
        let text = seen.text.clone();
        while seen.is_held {
            self.shared.changed.wait(&mut seen);
        }
        text
    }

    fn restore(&mut self, restored: &Restored<'_>) -> Result<(), String> {
        self.change(|seen| {
            seen.text = restored.state.to_vec();
            seen.own = restored.own;
            seen.restored += 1;
        });
        Ok(())
    }

    fn status(&mut self, status: &Status) {
        self.change(|seen| seen.statuses.push(status.clone()));
    }
}

impl Node {
    /// Starts a log, which can only go well.
    pub fn start(options: &Options) -> Self {
        start(options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until it has seen what is wanted.
    pub fn wait(&self, what: &str, mut is_so: impl FnMut(&Seen) -> bool) -> MutexGuard<'_, Seen> {
        let end = Instant::now() + PATIENCE;
        let mut seen = self.seen.seen.lock();
        while !is_so(&seen) {
            let late = self.seen.changed.wait_until(&mut seen, end).timed_out();
            assert!(!late, "waited in vain for: {what}; {:?}", seen.statuses);
        }
        seen
    }

    /// From now on no state is made, until this is taken back.
    pub fn hold(&self, is_held: bool) {
        self.seen.seen.lock().is_held = is_held;
        self.seen.changed.notify_all();
    }

    /// Submits a record and waits until it is applied.
    pub fn say(&self, record: &str) {
        let sequence = self.log.submit(record.as_bytes()).unwrap();
        drop(self.wait(record, |seen| seen.own >= sequence));
    }

    /// Waits until the engine is away for a reason that has this text in it.
    pub fn wait_away(&self, expected: &str) {
        drop(self.wait(expected, |seen| match seen.statuses.last() {
            Some(Status::Away { why, .. }) => why.contains(expected),
            _ => false,
        }));
    }

    /// Waits until the engine is there again.
    pub fn wait_connected(&self) {
        drop(self.wait("connected", |seen| seen.statuses.last() == Some(&Status::Connected)));
    }

    /// Waits until the log is lost, and gives the reason.
    pub fn wait_lost(&self) -> String {
        let seen =
            self.wait("lost", |seen| matches!(seen.statuses.last(), Some(Status::Lost { .. })));
        match seen.statuses.last() {
            Some(Status::Lost { why }) => why.clone(),
            _ => unreachable!("it was waited for"),
        }
    }
}

/// Ends a log when the test panics, so that no thread of it waits for ever.
pub struct EndsByPanic<'a>(pub &'a Node);

impl Drop for EndsByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.log.stop(Instant::now());
        }
    }
}

/// Starts a log; each has an origin of its own.
pub fn start(options: &Options) -> Result<Node, Error> {
    let options = Options { origin: Origin::random(), ..options.clone() };
    let seen = Arc::<Shared>::default();
    let state = State { own: options.origin, shared: Arc::clone(&seen) };
    let log = OrderedLog::start(&options, Box::new(state))?;
    Ok(Node { log, origin: options.origin, seen })
}

/// Starts three of them.
pub fn three(options: &Options) -> Vec<Node> {
    (0..3).map(|_| Node::start(options)).collect()
}

/// Waits until all have seen so many records, and gives the text that all of them have.
pub fn same(nodes: &[Node], records: usize) -> String {
    let lines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    let text = |node: &Node| {
        let seen = node.wait("all records", |seen| lines(&seen.text) >= records);
        String::from_utf8(seen.text.clone()).unwrap()
    };
    let first = text(&nodes[0]);
    assert_eq!(lines(first.as_bytes()), records);
    for node in &nodes[1..] {
        assert!(text(node) == first, "two followers have not the same order");
    }
    first
}

/// The sequences of each of them are all there, once and in order.
pub fn whole(text: &str, nodes: &[Node], each: u64) {
    for node in nodes {
        let origin = format!("{} ", node.origin);
        let own = text.lines().filter_map(|line| line.strip_prefix(&origin));
        let own: Vec<u64> =
            own.map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect();
        assert_eq!(own, (1..=each).collect::<Vec<_>>());
    }
}
