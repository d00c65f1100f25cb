//! Liveness: whether a server is still there, judged by what it sends.
//!
//! Pure: the time is told, not asked for.

use std::time::{Duration, Instant};

/// When a server was last heard, and whether it was asked since whether it is there.
#[derive(Debug)]
pub struct Liveness {
    silence: Duration,
    answer: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

/// What it means that a server was silent until the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The server has to be asked whether it is there.
    Ask,
    /// The server was asked, and did not answer.
    Dead,
}

impl Liveness {
    /// The liveness of a server that is heard now. After `silence` it is to be asked, and then has the time `answer`.
    #[must_use]
    pub fn new(silence: Duration, answer: Duration, now: Instant) -> Self {
        Self { silence, answer, heard: now, asked: None }
    }

    /// The server has sent something.
    pub fn heard(&mut self, now: Instant) {
        (self.heard, self.asked) = (now, None);
    }

    /// When to call [`Liveness::expired`], unless the server is heard before.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match self.asked {
            Some(asked) => asked + self.answer,
            None => self.heard + self.silence,
        }
    }

    /// The deadline has passed. What now? The answer to a question is awaited from now on, so a
    /// program that was suspended for an hour asks before it gives up.
    pub fn expired(&mut self, now: Instant) -> Doubt {
        match self.asked {
            Some(_) => Doubt::Dead,
            None => {
                self.asked = Some(now);
                Doubt::Ask
            }
        }
    }
}
