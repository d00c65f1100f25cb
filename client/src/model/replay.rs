//! The replay of earlier lines: those of a room that the user was not shown.
//!
//! A client knows up to where it was shown the room: the position that the server told it, and how many
//! lines came since. After a lost connection the server gives what lies behind that, so no text is compared.
//! A server that knows no positions gives what was said last, and what was missed cannot be known.
//!
//! Pure: no socket, no terminal, no clock.

use protocol::rows::HistoryRow;
use protocol::{Event, Position};

/// Lines that are asked for when somebody enters: enough to find a few among that were said.
const LATEST: usize = 200;

/// Rows that are held at most while an answer comes. A server that sends more has none.
const HELD: usize = 10_000;

/// Lines that are counted from one position on. Then the server is asked for another one, so that the
/// position does not fall out of what it holds.
const COUNTED: u64 = 1000;

/// Why a history is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// What was said last, to somebody who enters.
    #[default]
    Latest,
    /// What was said while the connection was lost.
    Missed,
}

/// Up to where the user was shown the room, and earlier lines while they are coming.
#[derive(Debug, Default)]
pub struct Replay {
    /// Up to here the user was shown the room. `None` when nobody knows.
    shown: Option<Shown>,
    /// Whether the lines that come follow that.
    is_counting: bool,
    open: Option<Open>,
}

/// Up to where the user was shown a room: the position that the server told, and the lines since.
#[derive(Debug)]
struct Shown {
    time: String,
    lines: u64,
    /// Lines counted since the server told the position.
    counted: u64,
}

/// What the user has not seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The rows of it.
    pub rows: Vec<String>,
    /// Whether it was said while the connection was lost. Of other rows the user may have seen some.
    pub is_missed: bool,
    /// Whether there may be more before the first row, which nobody can show.
    pub has_gap: bool,
}

/// An answer that the user did not ask for.
#[derive(Debug, Default)]
struct Open {
    earlier: Earlier,
    /// The mark of the fence behind it, which is the end of the rows.
    fence: String,
    heading_came: bool,
    /// Whether lines that came before the heading stand at the end of the rows as well.
    overlaps: bool,
    /// These lines. Those of the message of the day are the first of them, and in no row.
    live: Vec<String>,
}

impl Replay {
    /// The requests for what was said before, up to this fence, and for the position behind it.
    #[must_use]
    pub fn ask(&mut self, wanted: Wanted, fence: &str) -> String {
        let is_missed = wanted == Wanted::Missed;
        let position = self.shown.as_ref().filter(|_| is_missed).map(|shown| {
            let Shown { time, lines, .. } = shown;
            Position { time, lines: *lines }.to_string()
        });
        let overlaps = position.is_none();
        // Of rows that were asked for without a position nobody knows which ones are new.
        let (is_missed, has_gap) = (is_missed && !overlaps, is_missed && overlaps);
        let earlier = Earlier { is_missed, has_gap, ..Earlier::default() };
        self.open = Some(Open { earlier, overlaps, fence: fence.to_owned(), ..Open::default() });
        let rows = match position {
            Some(position) => format!("since {position}\n"),
            None => format!("history {LATEST}\n"),
        };
        rows + ASK_POSITION
    }

    /// Whether the answer is still to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The connection is gone: the answer will not come.
    pub fn lost(&mut self) {
        self.open = None;
        self.is_counting = false;
    }

    /// The user is in another room.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The server told the position up to which it has sent the room to this client.
    pub fn told(&mut self, position: &str) {
        self.shown = Position::parse(position).map(|Position { time, lines }| Shown {
            time: time.to_owned(),
            lines,
            counted: 0,
        });
        self.is_counting = self.shown.is_some();
    }

    /// The room has no such position, or not any more.
    pub fn position_gone(&mut self) {
        if let Some(open) = &mut self.open {
            open.earlier.has_gap = true;
        }
    }

    /// The client was not sent some lines, so it does not know its position any more. Gives the request for it.
    #[must_use]
    pub fn skipped(&mut self) -> &'static str {
        self.is_counting = false;
        self.shown = None;
        ASK_POSITION
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
            Some(open) if open.heading_came && open.earlier.rows.len() < HELD => {
                open.earlier.rows.push(row.to_owned());
                true
            }
            _ => false,
        }
    }

    /// What the user has not seen, when this fence ends it. One without a mark ends any.
    pub fn end(&mut self, fence: &str, name: &str) -> Option<Earlier> {
        let is_it = |open: &mut Open| fence.is_empty() || fence == open.fence;
        let Open { mut earlier, overlaps, live, .. } = self.open.take_if(is_it)?;
        // Live, one does not see oneself come and go, so the replay leaves it out as well.
        let own = [Event::Entered { name }, Event::Left { name }].map(|event| event.to_string());
        earlier.rows.retain(|row| !own.iter().any(|own| own == text_of(row)));
        let mut shown = live.iter().rev().filter(|_| overlaps);
        let mut was_shown = |row: &mut String| shown.next().is_some_and(|it| text_of(row) == it);
        while earlier.rows.pop_if(&mut was_shown).is_some() {}
        Some(earlier)
    }

    /// A line of the room was shown. Gives the request for another position when it is time for one.
    #[must_use]
    pub fn saw(&mut self, line: &str) -> &'static str {
        if let Some(shown) = self.shown.as_mut().filter(|_| self.is_counting) {
            shown.lines += 1;
            shown.counted += 1;
            // A room without a line has no moment to count from: its first line brings one.
            let is_first = shown.lines == 1 && shown.counted == 1;
            return if is_first || shown.counted.is_multiple_of(COUNTED) {
                ASK_POSITION
            } else {
                ""
            };
        }
        if let Some(open) = &mut self.open
            && !open.heading_came
            && open.live.len() < HELD
        {
            open.live.push(line.to_owned());
        }
        ""
    }
}

/// The request for the position up to which the server has sent the room to this client.
pub const ASK_POSITION: &str = "since\n";

/// The line of the room in a row of its history.
#[must_use]
pub fn text_of(row: &str) -> &str {
    HistoryRow::parse(row).map_or(row, |row| row.line)
}
