//! Whether the engine is there, as both threads see it.

use std::time::Instant;

use parking_lot::Mutex;

use crate::apply::Status;

/// One of the two threads.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    Writer,
    Follower,
}

/// What the threads last saw.
#[derive(Debug, Default)]
pub struct Health(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By the number of the part: the beginning of the first failed attempt, and what it failed from.
    away: [Option<(Instant, String)>; 2],
    lost: Option<String>,
}

impl Health {
    /// The engine has done what it was asked for.
    pub fn well(&self, part: Part) {
        self.0.lock().away[part as usize] = None;
    }

    /// An attempt has failed. If there was none that succeeded in between, the first one counts.
    pub fn ill(&self, part: Part, began: Instant, why: String) {
        let away = &mut self.0.lock().away[part as usize];
        let since = away.take().map_or(began, |(since, _)| since);
        *away = Some((since, why));
    }

    /// The log is lost. The first reason counts.
    pub fn lose(&self, why: String) {
        self.0.lock().lost.get_or_insert(why);
    }

    /// All of it.
    pub fn status(&self) -> Status {
        let inner = self.0.lock();
        if let Some(why) = &inner.lost {
            return Status::Lost { why: why.clone() };
        }
        match inner.away.iter().flatten().min_by_key(|(since, _)| *since) {
            Some((since, why)) => Status::Away { since: *since, why: why.clone() },
            None => Status::Connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn away_is_since_the_first_failure_of_either() {
        let health = Health::default();
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let away = |since, why: &str| Status::Away { since, why: why.to_owned() };
        health.ill(Part::Follower, start + second, "a".to_owned());
        health.ill(Part::Follower, start + 5 * second, "b".to_owned());
        assert_eq!(health.status(), away(start + second, "b"));
        health.ill(Part::Writer, start, "c".to_owned());
        assert_eq!(health.status(), away(start, "c"));
        health.well(Part::Writer);
        assert_eq!(health.status(), away(start + second, "b"));
        health.well(Part::Follower);
        assert_eq!(health.status(), Status::Connected);
        health.lose("gone".to_owned());
        health.lose("gone again".to_owned());
        health.well(Part::Follower);
        assert_eq!(health.status(), Status::Lost { why: "gone".to_owned() });
    }
}
