//! How long a session waits for what.

use std::time::Duration;

/// How long a session waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Silence after which the server is asked whether it is alive.
    pub silence: Duration,
    /// How long it may take to answer that.
    pub answer: Duration,
    /// How long a round of attempts to get in again may take, each server once.
    pub attempt: Duration,
    /// From a lost connection to the first attempt at another. Each time it doubles.
    pub first_delay: Duration,
    /// The longest time between two attempts.
    pub longest_delay: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            attempt: Duration::from_secs(5),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
        }
    }
}
