//! What all clients together are owed in replies, and the bound on it.
//!
//! Each outbox is bounded, but so many small bounds are a large one. While more than the server's
//! bound is owed, a client has to take all it was sent before its next request is read, and a list
//! that may be long is not made at all. A client that takes its replies does not notice.
//!
//! This module knows no client.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A count of bytes, with a bound.
#[derive(Debug)]
pub struct Owed {
    bytes: AtomicUsize,
    most: usize,
    /// Whether the server's log has the line that says so.
    is_noted: AtomicBool,
}

/// No bound.
impl Default for Owed {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Owed {
    /// Nobody is owed anything yet, and no more than `most` bytes are to be owed.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), most, is_noted: AtomicBool::new(false) }
    }

    /// Adds bytes that are owed. They may go beyond the bound: the request for them was read before.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes off bytes that were sent, or never will be.
    pub fn remove(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        // At half of the bound: so a number that goes up and down around the bound gives one line.
        if before - bytes < self.most / 2 && self.is_noted.load(Ordering::Relaxed) {
            self.is_noted.store(false, Ordering::Relaxed);
        }
    }

    /// Whether so much is owed that nobody shall be owed more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.most
    }

    /// The line for the server's log, once each time that the bound is passed.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        if !self.is_over() || self.is_noted.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(format!(
            "clients are owed more than {} bytes of replies: whoever does not take its own waits",
            self.most
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_the_bound_is_told_once_each_time() {
        let owed = Owed::new(100);
        owed.add(100);
        assert!(!owed.is_over());
        assert_eq!(owed.warning(), None);
        owed.add(1);
        assert!(owed.is_over());
        let text = owed.warning().unwrap();
        assert!(text.starts_with("clients are owed more than 100 bytes"), "{text}");
        assert_eq!(owed.warning(), None);
        owed.remove(20);
        owed.add(20);
        assert_eq!(owed.warning(), None, "it was never below half");
        owed.remove(52);
        owed.add(52);
        assert!(owed.warning().is_some());
        assert!(Owed::default().warning().is_none());
    }
}
