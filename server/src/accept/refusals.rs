//! What the server's log says of refused connections: the first of a kind at once, the others as a
//! number now and then. A storm of them must not fill a disk.
//!
//! This module knows no clock and no socket.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::mem::Discriminant;
use std::time::{Duration, Instant};

use protocol::Reply;

/// How long refusals of a kind are only counted after one was logged.
const PERIOD: Duration = Duration::from_secs(60);

/// How long nobody must have been refused for want of something before that is over.
const CALM: Duration = Duration::from_secs(10);

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

/// What is said when something of the system's has run out, and when there is enough again. Around such
/// an edge every second newcomer may find a place, so it is over only after some calm.
#[derive(Debug, Default)]
pub struct Shortage {
    /// Clients refused since it began, or since their number was logged.
    refused: u64,
    /// When the last of them was refused, and when it was logged.
    last: Option<(Instant, Instant)>,
}

impl Shortage {
    /// A client is refused for want of something. Gives back what is to be logged.
    #[must_use]
    pub fn note(&mut self, error: &impl Display, now: Instant) -> Option<String> {
        self.refused += 1;
        let logged_at = self.last.map(|(_, logged_at)| logged_at);
        let is_due = logged_at.is_none_or(|logged_at| now.duration_since(logged_at) >= PERIOD);
        self.last = Some((now, if is_due { now } else { logged_at.unwrap_or(now) }));
        if !is_due {
            return None;
        }
        let mut text = format!("new clients are refused: {error}; see `ulimit -n` and `ulimit -u`");
        if logged_at.is_some() {
            let more = std::mem::take(&mut self.refused);
            let _ = write!(text, "; {more} more");
        }
        Some(text)
    }

    /// A client was served. Gives back what is to be logged when the shortage is over with it.
    #[must_use]
    pub fn note_served(&mut self, now: Instant) -> Option<String> {
        let (refused_at, _) = self.last?;
        if now.duration_since(refused_at) < CALM {
            return None;
        }
        self.last = None;
        let refused = std::mem::take(&mut self.refused);
        Some(format!("new clients are served again; {refused} were refused"))
    }

    /// What was not logged so far, as the server stops.
    #[must_use]
    pub fn rest(self) -> Option<String> {
        self.last.map(|_| format!("{} clients were refused to the end", self.refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_that_comes_and_goes_is_a_line_a_minute() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut shortage = Shortage::default();
        assert_eq!(shortage.note_served(at(0)), None);
        let text = shortage.note(&"none left", at(0)).unwrap();
        assert_eq!(text, "new clients are refused: none left; see `ulimit -n` and `ulimit -u`");
        for second in 0..59 {
            assert_eq!(shortage.note_served(at(second)), None);
            assert_eq!(shortage.note(&"none left", at(second)), None);
        }
        let text = shortage.note(&"none left", at(60)).unwrap();
        assert!(text.ends_with("`ulimit -u`; 61 more"), "{text}");
        assert_eq!(shortage.note(&"none left", at(61)), None);
        let text = shortage.note_served(at(71)).unwrap();
        assert_eq!(text, "new clients are served again; 1 were refused");
        assert_eq!(shortage.note_served(at(200)), None);
        // The next one is told at once.
        assert!(shortage.note(&"none left", at(201)).is_some());
        assert_eq!(shortage.rest().unwrap(), "1 clients were refused to the end");
        assert_eq!(Shortage::default().rest(), None);
    }

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
