//! What was said before: which rows of a room's history are new to the user.
//!
//! Pure, as all that the client knows of the chat.

use std::collections::VecDeque;

use protocol::Event;
use protocol::reply::HistoryRow;

/// Lines of the room that are remembered, to find in its history where a connection was lost.
const REMEMBERED: usize = 50;

/// Lines that are held back at most while an answer comes. A server that sends more has none.
const HELD: usize = 10_000;

/// What was seen of a room, and its history while that is coming.
#[derive(Debug, Default)]
pub struct Replay {
    recent: VecDeque<String>,
    open: Option<Open>,
}

/// What the user has not seen.
#[derive(Debug, PartialEq, Eq)]
pub struct Missed {
    /// The rows of it that the history has.
    pub rows: Vec<String>,
    /// Whether there may be more, between what was seen and the first row.
    pub has_gap: bool,
}

/// An answer to `history` that the user did not ask for.
#[derive(Debug, Default)]
struct Open {
    /// The token of the ping behind it. Its answer is the end of the rows.
    fence: String,
    heading_came: bool,
    rows: Vec<String>,
    /// Lines of the room that came meanwhile, and how many of them stand in the rows as well.
    live: Vec<String>,
    live_in_rows: usize,
}

impl Replay {
    /// The history was asked for, up to this fence.
    pub fn ask(&mut self, fence: &str) {
        self.lost();
        self.open = Some(Open { fence: fence.to_owned(), ..Open::default() });
    }

    /// Whether the answer is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The connection is gone: the answer will not come.
    pub fn lost(&mut self) {
        let live = self.open.take().map(|open| open.live);
        self.remember(live.unwrap_or_default());
    }

    /// The user is in another room.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The heading of a history. Whether it is the one that was asked for here.
    pub fn heading(&mut self) -> bool {
        match &mut self.open {
            Some(open) if !open.heading_came => {
                open.heading_came = true;
                true
            }
            _ => false,
        }
    }

    /// A row of a history. Whether it is one of those that were asked for here.
    pub fn row(&mut self, row: &str) -> bool {
        match &mut self.open {
            Some(open) if open.heading_came && open.rows.len() < HELD => {
                open.rows.push(row.to_owned());
                true
            }
            _ => false,
        }
    }

    /// The rows that are new to the user, when this fence ends them. No fence ends any.
    pub fn end(&mut self, fence: Option<&str>, name: &str) -> Option<Missed> {
        let is_it = |open: &mut Open| fence.is_none_or(|fence| fence == open.fence);
        let Open { mut rows, live, live_in_rows, .. } = self.open.take_if(is_it)?;
        // Live, one does not see oneself come and go, so the replay leaves it out as well.
        let own = [Event::Entered { name }, Event::Left { name }].map(|event| event.to_string());
        rows.retain(|row| !own.iter().any(|own| own == text_of(row)));
        // What came before the answer stands at its end.
        let mut shown = live[..live_in_rows].iter().rev();
        while rows.pop_if(|row| shown.next().is_some_and(|line| text_of(row) == line)).is_some() {}
        let first = self.first_missed(&rows);
        let has_gap = first.is_none() && !self.recent.is_empty() && !rows.is_empty();
        rows.drain(..first.unwrap_or(0));
        self.remember(rows.iter().map(|row| text_of(row).to_owned()));
        self.remember(live);
        Some(Missed { rows, has_gap })
    }

    /// A line of the room was shown.
    pub fn saw(&mut self, line: &str) {
        match &mut self.open {
            Some(open) if open.live.len() < HELD => {
                open.live.push(line.to_owned());
                open.live_in_rows += usize::from(!open.heading_came);
            }
            _ => {
                self.lost();
                self.remember([line.to_owned()]);
            }
        }
    }

    fn remember(&mut self, lines: impl IntoIterator<Item = String>) {
        // Comings and goings repeat themselves too often to tell one place in a history by.
        self.recent.extend(lines.into_iter().filter(|line| is_said(line)));
        let surplus = self.recent.len().saturating_sub(REMEMBERED);
        self.recent.drain(..surplus);
    }

    /// Where in the room's history begin the rows that came after what was seen of the room. `None`
    /// when nothing that was seen is in it.
    fn first_missed(&self, rows: &[String]) -> Option<usize> {
        let said: Vec<_> =
            rows.iter().enumerate().filter(|(_, row)| is_said(text_of(row))).collect();
        let is_seen_up_to = |end: &usize| {
            let seen = self.recent.iter().rev();
            said[..*end].iter().rev().zip(seen).all(|((_, row), seen)| text_of(row) == seen)
        };
        if self.recent.is_empty() {
            return None;
        }
        let end = (1..=said.len()).rev().find(is_seen_up_to)?;
        Some(said[end - 1].0 + 1)
    }
}

fn is_said(line: &str) -> bool {
    matches!(Event::parse(line), Some(Event::Said { .. } | Event::Did { .. }))
}

/// The line of the room in a row of its history.
#[must_use]
pub fn text_of(row: &str) -> &str {
    HistoryRow::parse(row).map_or(row, |row| row.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seen: &[&str], rows: &[&str], expected: &[&str], has_gap: bool) {
        let mut replay = Replay::default();
        for line in seen {
            replay.saw(line);
        }
        replay.ask("1");
        assert!(!replay.row("too early"));
        assert!(replay.heading());
        for row in rows {
            assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {row}")));
        }
        assert_eq!(replay.end(Some("2"), "al"), None);
        let missed = replay.end(Some("1"), "al").unwrap();
        assert_eq!(missed.has_gap, has_gap);
        assert_eq!(missed.rows.iter().map(|row| text_of(row)).collect::<Vec<_>>(), expected);
        assert!(!replay.is_open());
    }

    #[test]
    fn what_was_seen_is_not_shown_again() {
        check(&[], &["bo: a", "bo: b"], &["bo: a", "bo: b"], false);
        check(&["bo: a", "bo: b"], &["bo: a", "bo: b", "bo: c"], &["bo: c"], false);
        check(&["bo: a", "bo: b"], &["bo: b", "bo: c"], &["bo: c"], false);
        check(&["bo: a", "bo: b"], &["bo: a", "bo: b"], &[], false);
        // A text that was said again later is not the one that was seen.
        check(
            &["bo: a", "bo: b"],
            &["bo: a", "bo: b", "bo: c", "bo: b"],
            &["bo: c", "bo: b"],
            false,
        );
        // Of a server that forgot everything, all is new.
        check(&["bo: a"], &["bo: x", "bo: y"], &["bo: x", "bo: y"], true);
        check(&["bo: a"], &[], &[], false);
    }

    #[test]
    fn what_comes_before_the_answer_is_not_shown_twice() {
        let mut replay = Replay::default();
        replay.saw("bo: a");
        replay.ask("1");
        replay.saw("cy has entered the room.");
        replay.saw("cy: early");
        assert!(replay.heading());
        for line in ["bo: a", "bo: missed", "cy has entered the room.", "cy: early"] {
            assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {line}")));
        }
        replay.saw("cy: late");
        let missed = replay.end(Some("1"), "al").unwrap();
        assert_eq!(missed.rows, ["[2026-11-22T10:04:05Z] bo: missed"]);
        assert!(!missed.has_gap);
        assert_eq!(replay.recent, ["bo: a", "bo: missed", "cy: early", "cy: late"]);
    }

    #[test]
    fn an_answer_that_never_ends_is_not_kept() {
        let mut replay = Replay::default();
        replay.ask("1");
        assert!(replay.heading());
        assert!((0..HELD).all(|_| replay.row("row")));
        assert!(!replay.row("one too many"));
        (0..=HELD).for_each(|_| replay.saw("bo: flood"));
        assert!(!replay.is_open());
    }

    #[test]
    fn comings_and_goings_do_not_confuse_it() {
        check(
            &["cy has left the room.", "bo: a"],
            &[
                "bo: a",
                "al has left the room.",
                "bo has left the room.",
                "al has entered the room.",
            ],
            &["bo has left the room."],
            false,
        );
    }
}
