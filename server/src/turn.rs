//! Lets one at a time do something long, such as hashing or reading much, without a lock being held
//! meanwhile.
//!
//! This module knows nothing of what is done.

use parking_lot::{Condvar, Mutex};

/// See the module's page.
#[derive(Debug, Default)]
pub struct Turn {
    is_taken: Mutex<bool>,
    free: Condvar,
}

impl Turn {
    /// Waits for its turn, works, and lets the next one have it.
    pub fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut is_taken = self.is_taken.lock();
        while std::mem::replace(&mut *is_taken, true) {
            self.free.wait(&mut is_taken);
        }
        drop(is_taken);
        let done = work();
        *self.is_taken.lock() = false;
        self.free.notify_one();
        done
    }
}
