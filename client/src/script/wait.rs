//! `wait` and `ask`: until the room says what a script waits for.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::ControlFlow;

use protocol::{Reply, Request};
use regex::Regex;

use super::echoes::said_by;
use super::entrance::Entrance;
use super::lines::Woken;
use super::output::Output;
use super::past::{Flow, Past, Wanted};
use super::session::{ScriptSession, is_refusal};
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
    if let Some(descriptor) = wait.ready_fd {
        tell_ready(descriptor)?;
    }
    let wanted = Wanted::new(wait.history, wait.since);
    let mut past = Past::new(wanted, &session.name, wait.reconnect);
    loop {
        let asked = past.requests().map_or(Ok(()), |requests| session.send(&requests));
        let matched = asked.and_then(|()| {
            // Nobody sees when it came.
            let take = |line: &str, look: &mut dyn FnMut(&str) -> Flow| {
                past.take(line, "", |told| look(told.line()))
            };
            until_match(&mut session, &wait.pattern, take)
        });
        match matched {
            Err(lost) if lost.exit == Exit::ConnectionLost && wait.reconnect => {
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
    let mut question = Question::Sent;
    let matched = until_match(&mut session, &ask.pattern, |line, look| {
        match question {
            Question::Sent if line.starts_with(&own) => question = Question::Said,
            // It may be among them, and the answer behind them.
            Question::Sent if is_gap(line) => question = Question::Unseen,
            Question::Sent if is_refusal(line) => {
                // A mute may be told before the line was said all the same; the fence knows.
                question = Question::Refused(line.to_owned());
            }
            Question::Refused(_) if line.starts_with(&own) => question = Question::Said,
            Question::Refused(_) | Question::Sent if fence::answered(line).is_some() => {
                let why = match &question {
                    Question::Refused(why) => why.as_str(),
                    _ => "the server did not echo it",
                };
                return ControlFlow::Break(Err(Failure::refused(why)));
            }
            Question::Unseen if is_refusal(line) => {
                let reason =
                    format!("not known whether it was said: lines are missing, and {line}");
                return ControlFlow::Break(Err(Failure::new(Exit::Unknown, reason)));
            }
            Question::Said | Question::Unseen if !line.starts_with(&own) => return look(line),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    finish(session, matched, &mut output)
}

/// What became of a question.
enum Question {
    /// The room has not seen it yet.
    Sent,
    /// The server has refused something.
    Refused(String),
    /// Lines of the room are missing, and it may be among them.
    Unseen,
    /// The room has seen it.
    Said,
}

/// Gives each line to `take`, which gives it on, or other ones, to what looks for a match. Gives the line
/// that matched.
fn until_match(
    session: &mut ScriptSession,
    pattern: &Regex,
    mut take: impl FnMut(&str, &mut dyn FnMut(&str) -> Flow) -> Flow,
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
            take(line, &mut look)
        });
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

/// Tells whoever reads from this file descriptor that from now on no line is missed.
fn tell_ready(descriptor: u32) -> Result<(), Failure> {
    let path = format!("/dev/fd/{descriptor}");
    let told =
        OpenOptions::new().write(true).open(&path).and_then(|mut it| it.write_all(b"ready\n"));
    told.map_err(|error| {
        Failure::new(Exit::Local, format!("cannot write to file descriptor {descriptor}: {error}"))
    })
}
