//! How long a session waits for what, and what it is to do once it has waited.
//!
//! Pure: the time is told, not asked for.

use std::time::{Duration, Instant};

/// How long the server may take to close after a `logout`.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a session waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Silence after which the server is asked whether it is alive.
    pub silence: Duration,
    /// How long it may take to answer that.
    pub answer: Duration,
    /// How long each step of an attempt to connect again may take: to connect, and to log in.
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

/// How long to wait before the next attempt: each time twice as long, up to a limit.
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

/// Watches the time of one connection.
#[derive(Debug)]
pub struct Watch {
    timing: Timing,
    heard: Instant,
    asked: Option<Instant>,
    leaving: Option<Instant>,
}

/// What the time that has passed means.
#[derive(Debug, PartialEq, Eq)]
pub enum Expired {
    /// The server has been silent: it is to be asked whether it is alive.
    Silence,
    /// It did not answer that.
    Answer,
    /// The user left, and the server did not close.
    Farewell,
}

impl Watch {
    /// Of a connection that begins now.
    #[must_use]
    pub fn new(timing: Timing, now: Instant) -> Self {
        Self { timing, heard: now, asked: None, leaving: None }
    }

    /// The server has sent something.
    pub fn heard(&mut self, now: Instant) {
        (self.heard, self.asked) = (now, None);
    }

    /// The user has left.
    pub fn leave(&mut self, now: Instant) {
        self.leaving = Some(now);
    }

    /// Whether the user has left.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// How long there is nothing to do.
    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        let deadline = match (self.leaving, self.asked) {
            (Some(at), _) => at + FAREWELL,
            (None, Some(at)) => at + self.timing.answer,
            (None, None) => self.heard + self.timing.silence,
        };
        deadline.saturating_duration_since(now)
    }

    /// That time has passed. What now? The answer to a question is awaited from now on, so a
    /// program that was suspended for an hour asks before it gives up.
    pub fn expired(&mut self, now: Instant) -> Expired {
        match (self.leaving, self.asked) {
            (Some(_), _) => Expired::Farewell,
            (None, Some(_)) => Expired::Answer,
            (None, None) => {
                self.asked = Some(now);
                Expired::Silence
            }
        }
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

    #[test]
    fn silence_leads_to_a_question_and_then_to_the_end() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(Timing::default(), start);
        assert_eq!(watch.left(at(10)), Duration::from_secs(20));
        watch.heard(at(10));
        assert_eq!(watch.left(at(39)), Duration::from_secs(1));
        assert_eq!(watch.expired(at(40)), Expired::Silence);
        assert_eq!(watch.left(at(40)), Duration::from_secs(30));
        watch.heard(at(50));
        assert_eq!(watch.expired(at(80)), Expired::Silence);
        assert_eq!(watch.left(at(110)), Duration::ZERO);
        assert_eq!(watch.expired(at(110)), Expired::Answer);
        watch.leave(at(111));
        assert!(watch.is_leaving());
        assert_eq!(watch.left(at(111)), FAREWELL);
        assert_eq!(watch.expired(at(113)), Expired::Farewell);
    }

    #[test]
    fn a_long_suspension_is_no_reason_to_give_up() {
        let start = Instant::now();
        let later = start + Duration::from_secs(3600);
        let mut watch = Watch::new(Timing::default(), start);
        assert_eq!(watch.left(later), Duration::ZERO);
        assert_eq!(watch.expired(later), Expired::Silence);
        assert_eq!(watch.left(later), Duration::from_secs(30));
    }
}
