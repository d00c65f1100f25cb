//! `follow`: the room as it goes on, a line a line.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use jiff::Timestamp;

use super::entrance::Entrance;
use super::lines::Woken;
use super::output::{self, Output};
use super::past::{Flow, Past, Told, Wanted};
use super::record::json;
use super::session::ScriptSession;
use crate::args::script::Follow;
use crate::exit::{Exit, Failure};
use crate::sys::stdout::Audience;

/// Prints every line of the room, until stopped.
///
/// # Errors
///
/// Says why it does not go on.
pub fn run(follow: &Follow) -> Result<Exit, Failure> {
    let output = Output::new()?;
    let mut printer = Printer { output, options: follow, left: follow.count.unwrap_or(u64::MAX) };
    let mut entrance = Entrance::to_read(&follow.visit);
    let mut session = entrance.enter()?;
    output::tell_ready(follow.ready_fd)?;
    let reading = &follow.reading;
    let mut past = Past::new(Wanted::of(reading), &session.name, reading.reconnect);
    loop {
        match printer.follow(&mut session, &mut past) {
            Err(lost) if lost.exit == Exit::ConnectionLost && reading.reconnect => {
                session = entrance.enter_again(lost)?;
                past.comes_again();
            }
            followed => {
                session.leave();
                return followed;
            }
        }
    }
}

/// Prints lines.
struct Printer<'a> {
    output: Output,
    options: &'a Follow,
    /// How many lines are still to be printed.
    left: u64,
}

impl Printer<'_> {
    fn follow(&mut self, session: &mut ScriptSession, past: &mut Past) -> Result<Exit, Failure> {
        if let Some(requests) = past.requests() {
            session.send(&requests)?;
        }
        loop {
            let now = format!("{:.3}", Timestamp::now());
            let ScriptSession { lines, room, .. } = session;
            let stop = lines.each(|line| past.take(line, &now, |told| self.print(told, room)));
            match past.take_due() {
                "" => {}
                due => session.send(due)?,
            }
            // Also before a failure: what came is shown.
            let audience = self.output.flush()?;
            if let Some(stop) = stop {
                return stop.map(|()| Exit::Done);
            }
            if audience == Audience::Gone {
                return Ok(Exit::Done);
            }
            match session.wait(Some(self.output.as_fd()))? {
                Woken::Received | Woken::TimedOut => {}
                Woken::OutputClosed => return Ok(Exit::Done),
                Woken::Ended => return Err(session.lines.ended()),
            }
        }
    }

    fn print(&mut self, told: Told<'_>, room: &str) -> Flow {
        if !self.is_wanted(&told, room) {
            return ControlFlow::Continue(());
        }
        match self.options.json {
            true => self.output.line(&json(&told.record(room))),
            false => self.output.line(told.as_sent()),
        }
        self.left -= 1;
        if self.left == 0 { ControlFlow::Break(Ok(())) } else { ControlFlow::Continue(()) }
    }

    fn is_wanted(&self, told: &Told<'_>, room: &str) -> bool {
        let Follow { pattern, from, kinds, .. } = self.options;
        if pattern.as_ref().is_some_and(|pattern| !pattern.is_match(told.line())) {
            return false;
        }
        // A follower of a flood that wants all of it looks into no line.
        if from.is_empty() && kinds.is_empty() {
            return true;
        }
        let record = told.record(room);
        let is_from = |name: &String| record.from == Some(name.as_str());
        (from.is_empty() || from.iter().any(is_from))
            && (kinds.is_empty() || kinds.iter().any(|kind| kind == record.kind.word()))
    }
}
