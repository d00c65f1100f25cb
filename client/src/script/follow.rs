//! `follow`: the room as it goes on, a line a line.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use jiff::Timestamp;
use protocol::{Event, Reply, Request};

use super::lines::Woken;
use super::output::Output;
use super::record::{Record, json};
use super::session::{ScriptSession, is_refusal};
use crate::args::script::Follow;
use crate::exit::{Exit, Failure};
use crate::model::entry::history_row;
use crate::model::fence;
use crate::sys::stdout::Audience;

/// Lines that are held back at most, until a history is complete.
const MOST_HELD: usize = 1_000_000;

/// How far the answer to `history` has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HistoryProgress {
    /// It was asked for. What the room says now will be in it.
    Asked,
    /// Its rows come, among lines of the room.
    Rows,
    /// It is complete, or was never asked for.
    Over,
}

/// Prints every line of the room, until stopped.
///
/// # Errors
///
/// Says why it does not go on.
pub fn run(follow: &Follow) -> Result<Exit, Failure> {
    let mut printer = Printer {
        output: Output::new()?,
        json: follow.json,
        left: follow.count.unwrap_or(u64::MAX),
        history: HistoryProgress::Over,
        held: Vec::new(),
    };
    let mut session = ScriptSession::begin(&follow.server, follow.server.reader())?;
    if let Some(lines) = follow.history {
        printer.history = HistoryProgress::Asked;
        // One more, in the place of the own entrance.
        let request = Request::History(lines.saturating_add(1));
        session.send(&format!("{request}\n{}", fence::request("history")))?;
    }
    loop {
        let now = format!("{:.3}", Timestamp::now());
        let (room, name) = (&session.room, &session.name);
        let stop = session.lines.each(|line| match printer.take(line, &now, room) {
            Step::Printed(flow) => flow,
            Step::HistoryEnds => printer.release(follow.history.unwrap_or(0), name, room),
        });
        // Also before a failure: what came is shown.
        let audience = printer.output.flush()?;
        let stop = if audience == Audience::Gone { Some(Ok(())) } else { stop };
        if let Some(stop) = stop {
            session.leave();
            return stop.map(|()| Exit::Done);
        }
        match session.wait(None, Some(printer.output.as_fd()))? {
            Woken::Received | Woken::TimedOut => {}
            Woken::OutputClosed => {
                session.leave();
                return Ok(Exit::Done);
            }
            Woken::Ended => return Err(session.lines.ended()),
        }
    }
}

/// Prints lines, and holds those back that come while the history is not complete.
struct Printer {
    output: Output,
    json: bool,
    /// How many lines are still to be printed.
    left: u64,
    history: HistoryProgress,
    /// Rows of the history, and lines of the room among them, each with the time at which it came.
    held: Vec<(String, String)>,
}

type Stop = Result<(), Failure>;

/// What a line led to.
enum Step {
    Printed(ControlFlow<Stop>),
    /// What is held is to be released.
    HistoryEnds,
}

impl Printer {
    fn take(&mut self, line: &str, now: &str, room: &str) -> Step {
        let is_over = self.history == HistoryProgress::Over;
        match fence::answered(line) {
            Some("history" | "") if !is_over => return Step::HistoryEnds,
            Some(_) => return Step::Printed(ControlFlow::Continue(())),
            None => {}
        }
        match self.history {
            HistoryProgress::Asked if line == Reply::History.to_string() => {
                self.history = HistoryProgress::Rows;
            }
            HistoryProgress::Asked if is_refusal(line) => {
                return Step::Printed(ControlFlow::Break(Err(Failure::refused(line))));
            }
            HistoryProgress::Asked if Event::parse(line).is_some() => {}
            HistoryProgress::Rows => {
                self.held.push((line.to_owned(), now.to_owned()));
                // A server that goes on like this ends no history.
                if self.held.len() > MOST_HELD {
                    return Step::HistoryEnds;
                }
            }
            HistoryProgress::Asked | HistoryProgress::Over => {
                return Step::Printed(self.print(line, || Record::of_line(line, now, room)));
            }
        }
        Step::Printed(ControlFlow::Continue(()))
    }

    /// Prints what was held: `lines` rows at most, without the own entrance.
    fn release(&mut self, lines: usize, name: &str, room: &str) -> ControlFlow<Stop> {
        self.history = HistoryProgress::Over;
        let mut held = std::mem::take(&mut self.held);
        let entrance = Event::Entered { name }.to_string();
        let is_own = |(line, _): &(String, String)| {
            history_row(line).is_some_and(|row| row.line == entrance)
        };
        if let Some(own) = held.iter().rposition(is_own) {
            held.remove(own);
        }
        let rows = held.iter().filter(|(line, _)| history_row(line).is_some()).count();
        let mut surplus = rows.saturating_sub(lines);
        for (line, came) in &held {
            match history_row(line) {
                Some(_) if surplus > 0 => surplus -= 1,
                Some(row) => self.print(line, || Record::of_row(row, room))?,
                None => self.print(line, || Record::of_line(line, came, room))?,
            }
        }
        ControlFlow::Continue(())
    }

    fn print<'a>(&mut self, line: &str, record: impl FnOnce() -> Record<'a>) -> ControlFlow<Stop> {
        if self.json {
            self.output.line(&json(&record()));
        } else {
            self.output.line(line);
        }
        self.left -= 1;
        if self.left == 0 { ControlFlow::Break(Ok(())) } else { ControlFlow::Continue(()) }
    }
}
