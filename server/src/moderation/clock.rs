//! The clock by which mutes and bans end.
//!
//! A server that is a chat by itself keeps bans by the clock on the wall, since they outlive the server, and
//! mutes as spans of time that do not change when the clock is set. Where several servers are one chat, each
//! takes both from the time of their log, which is the engine's: so what an operator has decided ends
//! everywhere at once, however wrong the clock of a server is.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A time that goes on evenly from when it was last set.
#[derive(Debug)]
pub struct Clock {
    time: Timestamp,
    at: Instant,
    /// Whether it is the log's.
    is_shared: bool,
}

impl Clock {
    /// The clock of a server alone.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { time: Timestamp::now(), at: Instant::now(), is_shared: false }
    }

    /// The clock of a log of which nothing was heard yet, so that nothing is over.
    #[must_use]
    pub fn of_log() -> Self {
        Self { time: Timestamp::UNIX_EPOCH, at: Instant::now(), is_shared: true }
    }

    /// Sets the time.
    pub fn set(&mut self, time: Timestamp) {
        (self.time, self.at) = (time, Instant::now());
    }

    /// The time that goes on evenly.
    #[must_use]
    pub fn even(&self) -> Timestamp {
        self.time.checked_add(self.at.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// The time by which dates are meant.
    #[must_use]
    pub fn date(&self) -> Timestamp {
        if self.is_shared { self.even() } else { Timestamp::now() }
    }

    /// A date as a time that goes on evenly: it is as far away as it is by its own clock.
    #[must_use]
    pub fn even_of(&self, date: Timestamp) -> Timestamp {
        if self.is_shared {
            return date;
        }
        self.even().checked_add(span(Timestamp::now(), date)).unwrap_or(Timestamp::MAX)
    }
}

/// How long it is from one time to the other. Zero when that is over.
#[must_use]
pub fn span(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn dates_of_the_log_do_not_depend_on_the_clock_of_this_machine() {
        let mut clock = Clock::of_log();
        assert!(clock.date() < Timestamp::now() - SignedDuration::from_hours(1));
        for hours in [-48, 0, 48] {
            let time = Timestamp::now() + SignedDuration::from_hours(hours);
            clock.set(time);
            let late = time + SignedDuration::from_mins(1);
            for now in [clock.even(), clock.date()] {
                assert!(time <= now && now < late, "{now} of {time}");
            }
            assert_eq!(clock.even_of(time), time);
        }
        clock.set(Timestamp::MAX);
        assert_eq!(clock.even(), Timestamp::MAX);
    }

    #[test]
    fn a_server_alone_has_spans_and_dates() {
        let clock = Clock::of_this_machine();
        let until = Timestamp::now() + SignedDuration::from_mins(10);
        let left = span(clock.even(), clock.even_of(until));
        assert!(left.as_secs().abs_diff(600) < 60, "{left:?}");
        assert!(span(clock.date(), until).as_secs().abs_diff(600) < 60);
    }
}
