//! What the server's log says of refused connections: the first of a kind at once, the others as a
//! number now and then. A storm of them must not fill a disk.
//!
//! This module knows no clock and no socket.

use std::collections::HashMap;
use std::fmt::Display;
use std::mem::Discriminant;
use std::time::{Duration, Instant};

use protocol::Reply;

/// How long refusals of a kind are only counted after one was logged.
const PERIOD: Duration = Duration::from_secs(60);

/// The refusals of each kind that are not in the log yet.
#[derive(Debug, Default)]
pub struct Refusals(HashMap<Discriminant<Reply<'static>>, Kind>);

#[derive(Debug)]
struct Kind {
    logged_at: Instant,
    unlogged: u64,
    last: String,
}

impl Refusals {
    /// A connection from `address` is refused. Gives back what is to be logged of it.
    #[must_use]
    pub fn note(
        &mut self,
        address: impl Display,
        refusal: Reply<'static>,
        now: Instant,
    ) -> Option<String> {
        let kind = std::mem::discriminant(&refusal);
        let text = format!("{address} refused: {refusal}");
        let Some(kind) = self.0.get_mut(&kind) else {
            let last = String::new();
            self.0.insert(kind, Kind { logged_at: now, unlogged: 0, last });
            return Some(text);
        };
        kind.unlogged += 1;
        kind.last = text;
        (now.duration_since(kind.logged_at) >= PERIOD).then(|| kind.take(now)).flatten()
    }

    /// What is to be logged of those that were only counted so far, as the server stops.
    pub fn rest(&mut self, now: Instant) -> impl Iterator<Item = String> {
        self.0.values_mut().filter_map(move |kind| kind.take(now))
    }
}

impl Kind {
    fn take(&mut self, now: Instant) -> Option<String> {
        let unlogged = std::mem::take(&mut self.unlogged);
        let seconds = now.duration_since(self.logged_at).as_secs();
        self.logged_at = now;
        let last = std::mem::take(&mut self.last);
        match unlogged {
            0 => None,
            1 => Some(last),
            _ => Some(format!("{last}; and so {} others in {seconds} s", unlogged - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_line_a_minute() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut refusals = Refusals::default();
        let full = Reply::ServerFull;
        assert_eq!(refusals.note("a", full, at(0)).unwrap(), "a refused: Server Full");
        assert_eq!(refusals.note("b", full, at(0)), None);
        // Another kind is told at once, however many minutes it says.
        let banned = refusals.note("c", Reply::Banned(5), at(1)).unwrap();
        assert_eq!(banned, "c refused: Banned for 5 minutes");
        assert_eq!(refusals.note("c", Reply::Banned(4), at(2)), None);
        assert_eq!(refusals.note("d", full, at(59)), None);
        let text = refusals.note("e", full, at(60)).unwrap();
        assert_eq!(text, "e refused: Server Full; and so 2 others in 60 s");
        assert_eq!(refusals.note("f", full, at(61)), None);
        let mut rest: Vec<_> = refusals.rest(at(62)).collect();
        rest.sort();
        assert_eq!(rest, ["c refused: Banned for 4 minutes", "f refused: Server Full"]);
        assert_eq!(refusals.rest(at(63)).count(), 0);
        // After a silence the next one is told at once again, with no number.
        let text = refusals.note("g", full, at(200)).unwrap();
        assert_eq!(text, "g refused: Server Full");
    }
}
