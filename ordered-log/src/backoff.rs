//! How long to wait until the next attempt: longer each time, and never the same for all.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The waits between attempts that fail.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// The first wait is short.
    pub fn new() -> Self {
        Self { next: SHORTEST }
    }

    /// The wait after a failed attempt. Half of it is up to chance (`random` is in `0.0..1.0`), so that
    /// programs that lost the same engine do not all come back at once.
    pub fn wait(&mut self, random: f64) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait.mul_f64(0.5 + random / 2.0)
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.next = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_an_end_and_begin_anew() {
        let mut backoff = Backoff::new();
        let mut waits = || backoff.wait(1.0).as_millis();
        let all: Vec<_> = (0..8).map(|_| waits()).collect();
        assert_eq!(all, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
        assert_eq!(backoff.wait(0.0), LONGEST / 2);
        backoff.reset();
        assert_eq!(backoff.wait(1.0), SHORTEST);
    }
}
