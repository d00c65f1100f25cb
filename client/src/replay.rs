//! What was said before: which rows of a room's history are new to the user.
//!
//! Pure, as all that the client knows of the chat.

use std::collections::VecDeque;

use protocol::Event;
use protocol::reply::HistoryRow;

/// Lines of the room that are remembered, to find in its history where a connection was lost.
const REMEMBERED: usize = 50;

/// What was seen of a room, and its history while that is coming.
#[derive(Debug, Default)]
pub struct Replay {
    recent: VecDeque<String>,
    open: Option<Open>,
}

/// An answer to `history` that the user did not ask for.
#[derive(Debug)]
struct Open {
    /// The token of the ping behind it. Its answer is the end of the rows.
    fence: String,
    heading_came: bool,
    rows: Vec<String>,
}

impl Replay {
    /// The history was asked for, up to this fence.
    pub fn ask(&mut self, fence: &str) {
        let (fence, rows) = (fence.to_owned(), Vec::new());
        self.open = Some(Open { fence, heading_came: false, rows });
    }

    /// Whether the answer is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The connection is gone: the answer will not come.
    pub fn lost(&mut self) {
        self.open = None;
    }

    /// The user is in another room.
    pub fn forget(&mut self) {
        self.recent.clear();
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
            Some(open) if open.heading_came => {
                open.rows.push(row.to_owned());
                true
            }
            _ => false,
        }
    }

    /// The rows that are new to the user, when this fence ends them. No fence ends any.
    pub fn end(&mut self, fence: Option<&str>, name: &str) -> Option<Vec<String>> {
        let is_it = |open: &mut Open| fence.is_none_or(|fence| fence == open.fence);
        let mut rows = self.open.take_if(is_it)?.rows;
        // Nobody sees himself come and go, so he is not told about it later either.
        let own = [Event::Entered { name }, Event::Left { name }].map(|event| event.to_string());
        rows.retain(|row| !own.iter().any(|own| own == text_of(row)));
        let missed = self.first_missed(&rows);
        rows.drain(..missed);
        for row in &rows {
            self.saw(text_of(row));
        }
        Some(rows)
    }

    /// A line of the room was shown.
    pub fn saw(&mut self, line: &str) {
        // Comings and goings repeat themselves too often to tell one place in a history by.
        if !is_said(line) {
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(line.to_owned());
    }

    /// Where in the room's history begin the rows that came after what was seen of the room.
    fn first_missed(&self, rows: &[String]) -> usize {
        let said: Vec<_> =
            rows.iter().enumerate().filter(|(_, row)| is_said(text_of(row))).collect();
        let is_seen_up_to = |end: &usize| {
            let seen = self.recent.iter().rev();
            said[..*end].iter().rev().zip(seen).all(|((_, row), seen)| text_of(row) == seen)
        };
        if self.recent.is_empty() {
            return 0;
        }
        (1..=said.len()).rev().find(is_seen_up_to).map_or(0, |end| said[end - 1].0 + 1)
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
    fn check(seen: &[&str], rows: &[&str], expected: &[&str]) {
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
        let rows = replay.end(Some("1"), "al").unwrap();
        assert_eq!(rows.iter().map(|row| text_of(row)).collect::<Vec<_>>(), expected);
        assert!(!replay.is_open());
    }

    #[test]
    fn what_was_seen_is_not_shown_again() {
        check(&[], &["bo: a", "bo: b"], &["bo: a", "bo: b"]);
        check(&["bo: a", "bo: b"], &["bo: a", "bo: b", "bo: c"], &["bo: c"]);
        check(&["bo: a", "bo: b"], &["bo: b", "bo: c"], &["bo: c"]);
        check(&["bo: a", "bo: b"], &["bo: a", "bo: b"], &[]);
        // A text that was said again later is not the one that was seen.
        check(&["bo: a", "bo: b"], &["bo: a", "bo: b", "bo: c", "bo: b"], &["bo: c", "bo: b"]);
        // Of a server that forgot everything, all is new.
        check(&["bo: a"], &["bo: x", "bo: y"], &["bo: x", "bo: y"]);
        check(&["bo: a"], &[], &[]);
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
        );
    }
}
