//! What the threads and those who submit have in common, and how one of them ends all.

use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use crate::health::Health;
use crate::interrupt::Interrupt;
use crate::queue::Queue;
use crate::replay::Counts;

/// One for each log.
#[derive(Debug)]
pub struct Shared {
    /// What is submitted and not yet known to be in the log.
    pub queue: Queue,
    /// How the threads are doing.
    pub health: Health,
    /// What was counted so far.
    pub counts: Mutex<Counts>,
    /// Ends the waits of the thread that appends.
    pub writer: Arc<Interrupt>,
    /// Ends the waits of the thread that reads.
    pub follower: Arc<Interrupt>,
}

impl Shared {
    /// With a queue for so many bytes.
    pub fn new(queue_bytes: usize) -> Self {
        Self {
            queue: Queue::new(queue_bytes),
            health: Health::default(),
            counts: Mutex::default(),
            writer: Arc::default(),
            follower: Arc::default(),
        }
    }

    /// Ends the queue and its writer. How many records are not appended, as far as is known.
    pub fn withdraw(&self) -> u64 {
        let unsent = self.queue.close();
        self.writer.interrupt();
        unsent
    }

    /// Ends both threads and the queue, and says the same.
    pub fn end(&self) -> u64 {
        let unsent = self.withdraw();
        self.follower.interrupt();
        unsent
    }

    /// The log is lost: the follower tells the program, and all ends.
    pub fn lose(&self, why: String) {
        self.health.lose(why);
        let unsent = self.end();
        if unsent > 0 {
            log::warn!("{unsent} records were not appended before the log was lost");
        }
    }
}

/// Ends all when the thread that has it panics, so that nobody waits for it.
pub struct EndsByPanic(pub Arc<Shared>);

impl Drop for EndsByPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lose("a thread of it panicked, which is a fault of the program".to_owned());
        }
    }
}
