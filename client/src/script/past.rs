//! What stood in a room before: the answer to `history`, and the lines that came in meanwhile, as one
//! sequence in which each line stands once.
//!
//! Where one is in the room, and so what was missed when the connection was lost, is known by position:
//! see [`replay`]. It sends nothing, and prints nothing but remarks.

use std::ops::ControlFlow;

use jiff::Timestamp;
use protocol::rows::HistoryRow;
use protocol::{Event, Reply, Request};

use super::record::Record;
use super::session::is_refusal;
use crate::args::script::Reading;
use crate::exit::Failure;
use crate::model::entry::history_row;
use crate::model::fence;
use crate::model::replay::{self, Replay};
use crate::sys::stderr::warn;

/// Lines that are held back at most, until a history is complete. So many are asked for when it is to
/// go back to a time.
const MOST_HELD: usize = 1_000_000;

/// What of the past is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    #[default]
    None,
    /// So many lines.
    Last(usize),
    /// Whatever was said from this time on.
    Since(Timestamp),
    /// What was said since the connection was lost.
    Missed,
}

impl Wanted {
    /// What the two options say, of which one is given at most.
    #[must_use]
    pub fn of(reading: &Reading) -> Self {
        match (reading.history, reading.since) {
            (Some(lines), _) => Wanted::Last(lines),
            (None, Some(time)) => Wanted::Since(time),
            (None, None) => Wanted::None,
        }
    }
}

/// A line of the room, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// It was said earlier; here is the row, and what is in it.
    Earlier(&'a str, HistoryRow<'a>),
    /// It came at this time.
    Now(&'a str, &'a str),
}

impl<'a> Told<'a> {
    /// The line as it was when it was said.
    #[must_use]
    pub fn line(&self) -> &'a str {
        match self {
            Told::Earlier(_, row) => row.line,
            Told::Now(line, _) => line,
        }
    }

    /// The line as the server has sent it here: one from earlier has its time in front.
    #[must_use]
    pub fn as_sent(&self) -> &'a str {
        match self {
            Told::Earlier(sent, _) | Told::Now(sent, _) => sent,
        }
    }

    /// The line as an object.
    #[must_use]
    pub fn record(&self, room: &'a str) -> Record<'a> {
        match *self {
            Told::Earlier(_, row) => Record::of_row(row, room),
            Told::Now(line, time) => Record::of_line(line, time, room),
        }
    }
}

/// How it goes on: broken off by who takes the lines, or because the history is refused.
pub type Flow = ControlFlow<Result<(), Failure>>;

/// How far the answer to `history` has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It was asked for. What the room says now will be in it, but for an answer to what was missed.
    Asked,
    /// Its rows come, among lines of the room.
    Rows,
    /// It is complete, or was never asked for.
    Over,
}

/// Makes one sequence of the past and the present of a room.
#[derive(Debug)]
pub struct Past {
    wanted: Wanted,
    /// The reader's own name, whose entrance is not told.
    name: String,
    progress: Progress,
    /// Rows, and lines of the room behind them, each with the time at which it came.
    held: Vec<(String, String)>,
    /// Up to where the room was told; only where what was missed may be asked for.
    told: Option<Replay>,
    /// A request that is due, to learn where one is, or nothing.
    due: &'static str,
}

impl Past {
    /// For a reader of this name, who may come again.
    #[must_use]
    pub fn new(wanted: Wanted, name: &str, comes_again: bool) -> Self {
        let progress = if wanted == Wanted::None { Progress::Over } else { Progress::Asked };
        let told = comes_again.then(Replay::default);
        Self { wanted, name: name.to_owned(), progress, held: Vec::new(), told, due: "" }
    }

    /// The connection was lost, and there is another one. What was missed is to be asked for, and the past
    /// as well when it was not complete.
    pub fn comes_again(&mut self) {
        if self.progress == Progress::Over {
            self.wanted = Wanted::Missed;
        }
        self.held.clear();
        self.progress = Progress::Asked;
    }

    /// The requests that bring it, where something is wanted.
    #[must_use]
    pub fn requests(&mut self) -> Option<String> {
        let ask_position = if self.told.is_some() { replay::ASK_POSITION } else { "" };
        let lines = match self.wanted {
            Wanted::None if ask_position.is_empty() => return None,
            Wanted::None => return Some(ask_position.to_owned()),
            // One more, in the place of the own entrance.
            Wanted::Last(lines) => lines.saturating_add(1),
            Wanted::Since(_) => MOST_HELD,
            Wanted::Missed => {
                let told = self.told.get_or_insert_default();
                let asked = told.ask(replay::Wanted::Missed, "history");
                return Some(format!("{asked}{}", fence::request("history")));
            }
        };
        Some(format!("{}\n{}{ask_position}", Request::History(lines), fence::request("history")))
    }

    /// The request that is due, once.
    pub fn take_due(&mut self) -> &'static str {
        std::mem::take(&mut self.due)
    }

    /// Notes what a line tells of one's place in the room. Whether it tells that alone.
    fn note(&mut self, line: &str) -> bool {
        let Some(told) = &mut self.told else { return false };
        match Reply::parse(line) {
            Some(Reply::Position(position)) => told.told(position),
            Some(Reply::PositionGone(_)) => told.position_gone(),
            Some(Reply::UnknownCommand("since")) => {}
            Some(Reply::Missed(_)) => {
                self.due = told.skipped();
                return false;
            }
            _ => {
                if history_row(line).is_none() && Event::parse(line).is_some() {
                    let due = told.saw(line);
                    self.due = if due.is_empty() { self.due } else { due };
                }
                return false;
            }
        }
        true
    }

    /// Gives a line that came at this time to `tell`, or holds it back until the history is complete.
    pub fn take(&mut self, line: &str, now: &str, mut tell: impl FnMut(Told<'_>) -> Flow) -> Flow {
        if self.note(line) {
            return ControlFlow::Continue(());
        }
        match fence::answered(line) {
            Some("history" | "") if self.progress != Progress::Over => {
                return self.release(&mut tell);
            }
            Some(_) => return ControlFlow::Continue(()),
            None => {}
        }
        match self.progress {
            Progress::Asked if line == Reply::History.to_string() => {
                self.progress = Progress::Rows;
                if let Some(told) = &mut self.told {
                    told.heading();
                }
            }
            Progress::Asked if is_refusal(line) => {
                return ControlFlow::Break(Err(Failure::refused(line)));
            }
            // It may stand in none of the rows: of what was missed they have what came before this reader.
            Progress::Asked if Event::parse(line).is_some() && self.wanted == Wanted::Missed => {
                return self.hold(line, now, &mut tell);
            }
            Progress::Asked if Event::parse(line).is_some() => {}
            Progress::Rows => return self.hold(line, now, &mut tell),
            Progress::Asked | Progress::Over => return tell(Told::Now(line, now)),
        }
        ControlFlow::Continue(())
    }

    /// Holds a line back. A server that goes on like this ends no history.
    fn hold(&mut self, line: &str, now: &str, tell: &mut impl FnMut(Told<'_>) -> Flow) -> Flow {
        self.held.push((line.to_owned(), now.to_owned()));
        if self.held.len() > MOST_HELD { self.release(tell) } else { ControlFlow::Continue(()) }
    }

    /// Tells what was held, without what is not wanted of it.
    fn release(&mut self, tell: &mut impl FnMut(Told<'_>) -> Flow) -> Flow {
        self.progress = Progress::Over;
        let mut held = std::mem::take(&mut self.held);
        if self.wanted == Wanted::Missed {
            self.keep_missed(&mut held);
        }
        let entrance = Event::Entered { name: &self.name }.to_string();
        let is_own = |(line, _): &(String, String)| {
            history_row(line).is_some_and(|row| row.line == entrance)
        };
        if let Some(own) = held.iter().rposition(is_own) {
            held.remove(own);
        }
        let rows = held.iter().filter(|(line, _)| history_row(line).is_some()).count();
        let mut surplus = match self.wanted {
            Wanted::Last(lines) => rows.saturating_sub(lines),
            Wanted::Since(_) | Wanted::Missed | Wanted::None => 0,
        };
        for (line, came) in &held {
            match history_row(line) {
                Some(_) if surplus > 0 => surplus -= 1,
                Some(row) if self.is_too_old(row) => {}
                Some(row) => tell(Told::Earlier(line, row))?,
                None => tell(Told::Now(line, came))?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Leaves out the rows that were told before the connection was lost.
    fn keep_missed(&mut self, held: &mut Vec<(String, String)>) {
        let Some(told) = &mut self.told else { return };
        for (row, _) in held.iter().filter(|(line, _)| history_row(line).is_some()) {
            told.row(row);
        }
        let Some(missed) = told.end("", &self.name) else { return };
        if missed.has_gap {
            warn("Missed lines: the server cannot tell all that was said meanwhile");
        }
        held.retain(|(line, _)| history_row(line).is_none());
        let rows = missed.rows.into_iter().map(|row| (row, String::new()));
        held.splice(0..0, rows);
    }

    fn is_too_old(&self, row: HistoryRow<'_>) -> bool {
        let Wanted::Since(since) = self.wanted else { return false };
        row.time.parse::<Timestamp>().is_ok_and(|time| time < since)
    }
}

#[cfg(test)]
mod tests;
