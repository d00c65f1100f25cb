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
    };
    let mut session = ScriptSession::begin(&follow.server, follow.server.reader())?;
    if let Some(lines) = follow.history {
        printer.history = HistoryProgress::Asked;
        session.send(&format!("{}\n{}", Request::History(lines), fence::request("history")))?;
    }
    loop {
        let now = format!("{:.3}", Timestamp::now());
        let room = &session.room;
        let stop = session.lines.each(|line| printer.take(line, &now, room));
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

struct Printer {
    output: Output,
    json: bool,
    /// How many lines are still to be printed.
    left: u64,
    history: HistoryProgress,
}

type Stop = Result<(), Failure>;

impl Printer {
    fn take(&mut self, line: &str, now: &str, room: &str) -> ControlFlow<Stop> {
        if let Some(mark) = fence::answered(line) {
            if matches!(mark, "history" | "") {
                self.history = HistoryProgress::Over;
            }
            return ControlFlow::Continue(());
        }
        match self.history {
            HistoryProgress::Asked if line == Reply::History.to_string() => {
                self.history = HistoryProgress::Rows;
                return ControlFlow::Continue(());
            }
            HistoryProgress::Asked if Event::parse(line).is_some() => {
                return ControlFlow::Continue(());
            }
            HistoryProgress::Asked if is_refusal(line) => {
                return ControlFlow::Break(Err(Failure::refused(line)));
            }
            HistoryProgress::Rows if let Some(row) = history_row(line) => {
                return self.print(line, || Record::of_row(row, room));
            }
            _ => {}
        }
        self.print(line, || Record::of_line(line, now, room))
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
