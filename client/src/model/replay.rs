//! What was said before: which rows of a room's history are new to the user.
//!
//! Pure: no socket, no terminal, no clock.

use std::collections::VecDeque;

use protocol::Event;
use protocol::limits::HISTORY_LINES;
use protocol::rows::HistoryRow;

/// Lines of the room that are remembered, to find in its history where a connection was lost.
const REMEMBERED: usize = 50;

/// Lines of a history that are asked for after a lost connection, to find the missed ones in.
const MISSED: usize = 500;

/// Lines that are held back at most while an answer comes. A server that sends more has none. So many
/// are asked for when the missed ones are more than [`MISSED`].
const HELD: usize = 10_000;

/// What a history is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// What was said last, to somebody who enters.
    #[default]
    Latest,
    /// What was said while the connection was lost.
    Missed,
    /// The same, of which a first answer did not have all.
    AllMissed,
}

impl Wanted {
    /// How many lines to ask for.
    #[must_use]
    pub fn lines(self) -> usize {
        match self {
            Wanted::Latest => HISTORY_LINES,
            Wanted::Missed => MISSED,
            Wanted::AllMissed => HELD,
        }
    }
}

/// What was seen of a room, and its history while that is coming.
#[derive(Debug, Default)]
pub struct Replay {
    recent: VecDeque<String>,
    open: Option<Open>,
}

/// What an answer comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answered {
    /// This is new to the user.
    New(New),
    /// It does not reach back to what the user saw. A longer one may, and is to be asked for.
    TooShort,
}

/// What the user has not seen.
#[derive(Debug, PartialEq, Eq)]
pub struct New {
    /// The rows of it that the history has.
    pub rows: Vec<String>,
    /// Whether there may be more, between what was seen and the first row.
    pub has_gap: bool,
}

/// An answer to `history` that the user did not ask for.
#[derive(Debug, Default)]
struct Open {
    wanted: Wanted,
    /// The mark of the fence behind it, which is the end of the rows.
    fence: String,
    heading_came: bool,
    rows: Vec<String>,
    /// Lines of the room that came meanwhile, and how many of them stand in the rows as well.
    live: Vec<String>,
    live_in_rows: usize,
}

impl Replay {
    /// The history was asked for, up to this fence.
    pub fn ask(&mut self, wanted: Wanted, fence: &str) {
        if wanted != Wanted::AllMissed {
            self.lost();
        }
        let live = self.open.take().map(|open| open.live).unwrap_or_default();
        // What came before the new question is in the new answer.
        let live_in_rows = live.len();
        let fence = fence.to_owned();
        self.open = Some(Open { wanted, fence, live, live_in_rows, ..Open::default() });
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

    /// The rows that are new to the user, when this fence ends them. One without a mark ends any.
    pub fn end(&mut self, fence: &str, name: &str) -> Option<Answered> {
        let is_it = |open: &mut Open| fence.is_empty() || fence == open.fence;
        let mut open = self.open.take_if(is_it)?;
        let mut rows = std::mem::take(&mut open.rows);
        let is_full = rows.len() >= open.wanted.lines();
        // Live, one does not see oneself come and go, so the replay leaves it out as well.
        let own = [Event::Entered { name }, Event::Left { name }].map(|event| event.to_string());
        rows.retain(|row| !own.iter().any(|own| own == text_of(row)));
        // What came before the answer stands at its end.
        let mut shown = open.live[..open.live_in_rows].iter().rev();
        while rows.pop_if(|row| shown.next().is_some_and(|line| text_of(row) == line)).is_some() {}
        let first = self.first_missed(&rows);
        if first.is_none() && is_full && open.wanted == Wanted::Missed {
            self.open = Some(open);
            return Some(Answered::TooShort);
        }
        let is_reached = first.is_some() || (self.recent.is_empty() && !is_full);
        let has_gap = open.wanted != Wanted::Latest && !is_reached && !rows.is_empty();
        rows.drain(..first.unwrap_or(0));
        self.remember(rows.iter().map(|row| text_of(row).to_owned()));
        self.remember(open.live);
        Some(Answered::New(New { rows, has_gap }))
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
