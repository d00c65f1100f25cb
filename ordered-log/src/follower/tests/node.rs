//! A program as these tests have it: its follower, driven turn by turn, and what that has applied.

use std::sync::Arc;

use parking_lot::Mutex;

use super::fake::Fake;
use crate::apply::{Apply, Entry, Origin, Restored, Status};
use crate::fault::Fault;
use crate::follower::{Follower, connect};
use crate::format::{BatchBuffer, Place};
use crate::options::Interval;
use crate::shared::Shared;

/// How often a state is saved. It is often.
const INTERVAL: Interval = Interval { entries: 4, bytes: u64::MAX };

/// What a follower has applied: origin, sequence and record.
pub type Applied = Vec<(u64, u64, u8)>;

struct Recorder(Arc<Mutex<Applied>>);

impl Apply for Recorder {
    fn apply(&mut self, entry: &Entry<'_>) {
        self.0.lock().push((entry.origin.0, entry.sequence, entry.record[0]));
    }

    fn snapshot(&mut self) -> Vec<u8> {
        let applied = self.0.lock();
        let bytes = applied.iter().flat_map(|(origin, sequence, record)| {
            [origin.to_le_bytes(), sequence.to_le_bytes(), u64::from(*record).to_le_bytes()]
        });
        bytes.flatten().collect()
    }

    fn restore(&mut self, restored: &Restored<'_>) -> Result<(), String> {
        let numbers = restored.state.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let numbers: Vec<_> = numbers.collect();
        let applied = numbers.chunks(3).map(|entry| (entry[0], entry[1], entry[2] as u8));
        *self.0.lock() = applied.collect();
        Ok(())
    }

    fn status(&mut self, _: &Status) {}
}

/// A program with its follower, and what its writer would append.
pub struct Node {
    pub follower: Follower<Fake>,
    own: Origin,
    pub applied: Arc<Mutex<Applied>>,
    pub is_lost: bool,
    next: u64,
    last: Option<BatchBuffer>,
}

impl Node {
    pub fn start(fake: &Fake, own: u64) -> Self {
        let own = Origin(own);
        let applied = Arc::<Mutex<Applied>>::default();
        let apply = Box::new(Recorder(Arc::clone(&applied)));
        let engine = connect(fake).unwrap();
        let shared = Arc::new(Shared::new(1));
        let follower = Follower::begin(fake.clone(), engine, own, INTERVAL, apply, shared).unwrap();
        Self { follower, own, applied, is_lost: false, next: 1, last: None }
    }

    pub fn say(&mut self, fake: &Fake, records: &[u8]) {
        let mut batch = BatchBuffer::new(self.next);
        records.iter().for_each(|record| batch.push(&[*record]));
        self.next += records.len() as u64;
        self.last = Some(batch);
        self.say_again(fake);
    }

    pub fn say_again(&mut self, fake: &Fake) {
        let Some(batch) = &mut self.last else { return };
        batch.seal(self.own, fake.tick());
        fake.append(batch.bytes());
    }

    /// A turn of the follower's thread.
    pub fn step(&mut self) {
        if self.is_lost {
            return;
        }
        match self.follower.turn() {
            Ok(()) => {}
            Err(Fault::Lost(_)) => self.is_lost = true,
            Err(_) => self.follower.engine = None,
        }
    }

    pub fn place(&self) -> Place {
        self.follower.replay.state().place
    }
}
