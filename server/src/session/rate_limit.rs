//! How fast the lines of one client are read. A client that sends faster waits; nothing is refused.
//!
//! This is a token bucket: a line takes a token, and tokens come back at a steady rate.

use std::time::{Duration, Instant};

/// How fast one client may be read: a token bucket.
#[derive(Debug)]
pub struct RateLimit {
    lines_per_second: f64,
    burst: f64,
    tokens: f64,
    /// When `tokens` was right.
    counted: Instant,
}

impl RateLimit {
    /// A limit of `burst` lines at once, of which `left` may still come now. `lines_per_second` of 0 is no
    /// limit.
    #[must_use]
    pub fn new(lines_per_second: u32, burst: u32, left: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        let tokens = burst.min(left.into());
        Self { lines_per_second: lines_per_second.into(), burst, tokens, counted: now }
    }

    /// Takes the token for one line, and says how long that line has to wait.
    pub fn take(&mut self, now: Instant) -> Duration {
        if self.lines_per_second == 0.0 {
            return Duration::ZERO;
        }
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.tokens = (self.tokens + passed * self.lines_per_second).min(self.burst) - 1.0;
        // A debt is paid by waiting for the tokens that are missing.
        Duration::from_secs_f64((-self.tokens).max(0.0) / self.lines_per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_lines_come_at_the_rate() {
        let start = Instant::now();
        let mut limit = RateLimit::new(20, 3, 3, start);
        let mut now = start;
        let waits: Vec<_> = (0..6)
            .map(|_| {
                let wait = limit.take(now);
                now += wait;
                wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 50, 50, 50]);
    }

    #[test]
    fn silence_earns_no_more_than_a_burst() {
        let start = Instant::now();
        let mut limit = RateLimit::new(20, 2, 2, start);
        let later = start + Duration::from_secs(3600);
        let waits: Vec<_> = (0..3).map(|_| limit.take(later).as_millis()).collect();
        assert_eq!(waits, [0, 0, 50]);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let start = Instant::now();
        let mut limit = RateLimit::new(0, 1, 1, start);
        assert!((0..1000).all(|_| limit.take(start).is_zero()));
    }
}
