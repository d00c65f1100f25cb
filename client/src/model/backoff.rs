//! How long to wait before something is attempted again.
//!
//! Pure: the time is told, not asked for, and so is chance.

use std::time::Duration;

/// The waits between attempts: each is twice as long as the one before, up to a limit.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// The first wait is the shortest.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// What was attempted has lasted so long. A short one changes nothing: a server that lets one in and
    /// drops one again is not to be asked every second.
    pub fn lasted(&mut self, time: Duration) {
        if time >= self.longest {
            self.next = self.first;
        }
    }

    /// The time to wait now. The next one is twice as long.
    pub fn wait(&mut self) -> Duration {
        let longer = (self.next * 2).min(self.longest);
        std::mem::replace(&mut self.next, longer)
    }

    /// The same, made shorter by up to a half. `random` is in `0.0..1.0`. Clients that lost the same
    /// server at the same time do not all come back at once.
    pub fn wait_about(&mut self, random: f64) -> Duration {
        self.wait().mul_f64(1.0 - random / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_a_connection_lasts() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(30));
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(backoff.wait(), seconds(expected));
        }
        backoff.lasted(seconds(29));
        assert_eq!(backoff.wait(), seconds(30));
        backoff.lasted(seconds(30));
        assert_eq!([backoff.wait(), backoff.wait()], [seconds(1), seconds(2)]);
    }

    #[test]
    fn who_lost_the_same_server_does_not_come_back_at_once() {
        let first = Duration::from_secs(8);
        let returns: Vec<_> = (0..100)
            .map(|client| Backoff::new(first, first).wait_about(f64::from(client) / 100.0))
            .collect();
        assert_eq!((returns[0], returns[50]), (first, first * 3 / 4));
        // In each half second of the last four, about as many.
        for half_second in 8..16 {
            let of = |time: &&Duration| {
                time.div_duration_f64(Duration::from_millis(500)) > f64::from(half_second)
            };
            let until = returns.iter().filter(of).count();
            assert!(
                until.abs_diff((16 - half_second as usize) * 100 / 8) <= 1,
                "{half_second}: {until}"
            );
        }
    }
}
