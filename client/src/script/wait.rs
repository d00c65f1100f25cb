//! `wait` and `ask`: until the room says what a script waits for.

use std::ops::ControlFlow;

use protocol::{Reply, Request};
use regex::Regex;

use super::entrance::Entrance;
use super::lines::Woken;
use super::output::{self, Output};
use super::past::{Flow, Past, Wanted};
use super::session::{ScriptSession, is_refusal};
use super::tally::said_by;
use crate::args::script::{Ask, Wait};
use crate::exit::{Exit, Failure};
use crate::model::fence;
use crate::sys::stderr::warn;

/// Prints the first line that matches.
///
/// # Errors
///
/// Says why none did.
pub fn run(wait: &Wait) -> Result<Exit, Failure> {
    let mut output = Output::new()?;
    let mut entrance = Entrance::to_read(&wait.visit);
    let mut session = entrance.enter()?;
    output::tell_ready(wait.ready_fd)?;
    let reading = &wait.reading;
    let mut past = Past::new(Wanted::of(reading), &session.name, reading.reconnect);
    loop {
        let asked = past.requests().map_or(Ok(()), |requests| session.send(&requests));
        let matched = asked.and_then(|()| until_match(&mut session, &wait.pattern, &mut past));
        match matched {
            Err(lost) if lost.exit == Exit::ConnectionLost && reading.reconnect => {
                session = entrance.enter_again(lost)?;
                past.comes_again();
            }
            matched => return finish(session, matched, &mut output),
        }
    }
}

/// Says something, and prints the first line after it that matches.
///
/// # Errors
///
/// Says why nothing was said, or nothing matched.
pub fn ask(ask: &Ask) -> Result<Exit, Failure> {
    let mut output = Output::new()?;
    let mut session = Entrance::new(&ask.visit, ask.visit.server.speaker()?).enter()?;
    let text = ask.text.join(" ");
    session.send(&format!("{}\n{}", Request::Say(&text), fence::request("ask")))?;
    let own = said_by(&session.name);
    let mut question = Question { own, progress: Progress::Sent };
    let matched = until_match(&mut session, &ask.pattern, &mut question);
    finish(session, matched, &mut output)
}

/// From the lines that come to those in which a match is looked for.
trait Source {
    /// Takes a line, and gives it on, or other ones, to what looks for a match.
    fn take(&mut self, line: &str, look: &mut dyn FnMut(&str) -> Flow) -> Flow;

    /// A request that is due now, or nothing.
    fn take_due(&mut self) -> &'static str {
        ""
    }
}

impl Source for Past {
    fn take(&mut self, line: &str, look: &mut dyn FnMut(&str) -> Flow) -> Flow {
        // Nobody sees when it came.
        Past::take(self, line, "", |told| look(told.line()))
    }

    fn take_due(&mut self) -> &'static str {
        Past::take_due(self)
    }
}

/// What was asked, and what became of it.
struct Question {
    /// How the room shows what this user says.
    own: String,
    progress: Progress,
}

/// What became of a question.
enum Progress {
    /// The room has not seen it yet.
    Sent,
    /// The server has refused something.
    Refused(String),
    /// Lines of the room are missing, and it may be among them.
    Unseen,
    /// The room has seen it.
    Said,
}

impl Source for Question {
    fn take(&mut self, line: &str, look: &mut dyn FnMut(&str) -> Flow) -> Flow {
        let is_own = line.starts_with(&self.own);
        match &self.progress {
            Progress::Sent | Progress::Refused(_) if is_own => self.progress = Progress::Said,
            // It may be among them, and the answer behind them.
            Progress::Sent if is_gap(line) => self.progress = Progress::Unseen,
            Progress::Sent if is_refusal(line) => {
                // A mute may be told before the line was said all the same; the fence knows.
                self.progress = Progress::Refused(line.to_owned());
            }
            Progress::Refused(_) | Progress::Sent if fence::answered(line).is_some() => {
                let why = match &self.progress {
                    Progress::Refused(why) => why.as_str(),
                    _ => "the server did not echo it",
                };
                return ControlFlow::Break(Err(Failure::refused(why)));
            }
            Progress::Unseen if is_refusal(line) => {
                let reason =
                    format!("not known whether it was said: lines are missing, and {line}");
                return ControlFlow::Break(Err(Failure::new(Exit::Unknown, reason)));
            }
            Progress::Said | Progress::Unseen if !is_own => return look(line),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Gives each line to the source, until one of what the source makes of them matches. Gives that one.
fn until_match(
    session: &mut ScriptSession,
    pattern: &Regex,
    source: &mut impl Source,
) -> Result<String, Failure> {
    let mut found = None;
    let mut look = |line: &str| {
        if fence::answered(line).is_none() && pattern.is_match(line) {
            found = Some(line.to_owned());
            return ControlFlow::Break(Ok(()));
        }
        ControlFlow::Continue(())
    };
    loop {
        let stop = session.lines.each(|line| {
            if is_gap(line) {
                warn(format_args!("{line}; what is waited for may be among them"));
            }
            source.take(line, &mut look)
        });
        match source.take_due() {
            "" => {}
            due => session.send(due)?,
        }
        if let Some(stop) = stop {
            stop?;
            break;
        }
        // Whether somebody reads the line is not what is waited for: success says that it came.
        match session.wait(None) {
            Ok(Woken::Ended) => return Err(session.lines.ended()),
            Ok(Woken::Received | Woken::TimedOut | Woken::OutputClosed) => {}
            Err(failure) if failure.exit == Exit::TimedOut => {
                let why = format!("no line matched {:?} in time", pattern.as_str());
                return Err(Failure::new(Exit::TimedOut, why));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(found.unwrap_or_default())
}

fn is_gap(line: &str) -> bool {
    matches!(Reply::parse(line), Some(Reply::Missed(_)))
}

/// Prints the line, and leaves.
fn finish(
    session: ScriptSession,
    matched: Result<String, Failure>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let printed = matched.and_then(|line| {
        output.line(&line);
        output.flush().map(|_| Exit::Done)
    });
    session.leave();
    printed
}
