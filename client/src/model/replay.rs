//! What was said before: which lines of a room the user was not shown.
//!
//! A client knows its place in the room: the position that the server told it, and how many lines came
//! since. After a lost connection the server gives what lies behind that place, so nothing is compared.
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

/// What a history is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// What was said last, to somebody who enters.
    #[default]
    Latest,
    /// What was said while the connection was lost.
    Missed,
}

/// The user's place in the room, and what was said before while that is coming.
#[derive(Debug, Default)]
pub struct Replay {
    /// Up to here the user was shown the room. `None` when nobody knows.
    place: Option<Place>,
    /// Whether the lines that come follow that place.
    is_counting: bool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Place {
    time: String,
    lines: u64,
    /// Lines counted since the server told it.
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
    /// The requests for what was said before, up to this fence, and for the place behind it.
    #[must_use]
    pub fn ask(&mut self, wanted: Wanted, fence: &str) -> String {
        let is_missed = wanted == Wanted::Missed;
        let position = self.place.as_ref().filter(|_| is_missed).map(|place| {
            let Place { time, lines, .. } = place;
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
        rows + PLACE
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

    /// The server told the place where it is with this client.
    pub fn told(&mut self, position: &str) {
        self.place = Position::parse(position).map(|Position { time, lines }| Place {
            time: time.to_owned(),
            lines,
            counted: 0,
        });
        self.is_counting = self.place.is_some();
    }

    /// The room has no such place, or no longer.
    pub fn place_gone(&mut self) {
        if let Some(open) = &mut self.open {
            open.earlier.has_gap = true;
        }
    }

    /// The client was not sent some lines, so it knows its place no more. Gives the request to ask.
    #[must_use]
    pub fn skipped(&mut self) -> &'static str {
        self.is_counting = false;
        self.place = None;
        PLACE
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
        if let Some(place) = self.place.as_mut().filter(|_| self.is_counting) {
            place.lines += 1;
            place.counted += 1;
            // A room without a line has no moment to count from: its first line brings one.
            let is_first = place.lines == 1 && place.counted == 1;
            return if is_first || place.counted.is_multiple_of(COUNTED) { PLACE } else { "" };
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

/// The request for the place where the server is with this client.
pub const PLACE: &str = "since\n";

/// The line of the room in a row of its history.
#[must_use]
pub fn text_of(row: &str) -> &str {
    HistoryRow::parse(row).map_or(row, |row| row.line)
}
