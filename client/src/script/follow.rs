//! `follow`: the room as it goes on, a line a line.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use jiff::Timestamp;
use protocol::{Event, Reply, Request};

use super::lines::Woken;
use super::output::{Output, Reader};
use super::record::{Record, json};
use super::session::{Visit, is_refusal};
use crate::args::script::Follow;
use crate::exit::{Exit, Failure};
use crate::model::entry::history_row;
use crate::model::fence;

/// How far the answer to `history` has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replay {
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
        replay: Replay::Over,
    };
    let mut visit = Visit::begin(&follow.server, follow.server.reader())?;
    if let Some(lines) = follow.history {
        printer.replay = Replay::Asked;
        visit.send(&format!("{}\n{}", Request::History(lines), fence::request("history")))?;
    }
    loop {
        let now = format!("{:.3}", Timestamp::now());
        let room = &visit.room;
        let stop = visit.source.each(|line| printer.take(line, &now, room));
        // Also before a failure: what came is shown.
        let reader = printer.output.flush()?;
        let stop = if reader == Reader::Gone { Some(Ok(())) } else { stop };
        if let Some(stop) = stop {
            visit.leave();
            return stop.map(|()| Exit::Done);
        }
        match visit.wait(None, Some(printer.output.as_fd()))? {
            Woken::Received | Woken::TimedOut => {}
            Woken::OutputClosed => {
                visit.leave();
                return Ok(Exit::Done);
            }
            Woken::Ended => return Err(visit.source.ended()),
        }
    }
}

struct Printer {
    output: Output,
    json: bool,
    /// How many lines are still to be printed.
    left: u64,
    replay: Replay,
}

type Stop = Result<(), Failure>;

impl Printer {
    fn take(&mut self, line: &str, now: &str, room: &str) -> ControlFlow<Stop> {
        if let Some(mark) = fence::answered(line) {
            if matches!(mark, "history" | "") {
                self.replay = Replay::Over;
            }
            return ControlFlow::Continue(());
        }
        match self.replay {
            Replay::Asked if line == Reply::History.to_string() => {
                self.replay = Replay::Rows;
                return ControlFlow::Continue(());
            }
            Replay::Asked if Event::parse(line).is_some() => return ControlFlow::Continue(()),
            Replay::Asked if is_refusal(line) => {
                return ControlFlow::Break(Err(Failure::refused(line)));
            }
            Replay::Rows if let Some(row) = history_row(line) => {
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
