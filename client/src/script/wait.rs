//! `wait`: until the room says what a script waits for.

use std::ops::ControlFlow;
use std::time::Instant;

use protocol::Reply;

use super::lines::Woken;
use super::output::Output;
use super::session::ScriptSession;
use crate::args::script::Wait;
use crate::exit::{Exit, Failure};
use crate::model::fence;
use crate::sys::stderr::warn;

/// Prints the first line that matches.
///
/// # Errors
///
/// Says why none did.
pub fn run(wait: &Wait) -> Result<Exit, Failure> {
    // A time beyond what the clock can count is none.
    let deadline = wait.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut output = Output::new()?;
    let mut session = ScriptSession::begin(&wait.server, wait.server.reader())?;
    loop {
        let matched = session.lines.each(|line| {
            if let Some(Reply::Missed(_)) = Reply::parse(line) {
                warn(format_args!("{line}; what is waited for may be among them"));
            }
            if fence::answered(line).is_none() && wait.pattern.is_match(line) {
                output.line(line);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if matched.is_some() {
            let _ = output.flush()?;
            session.leave();
            return Ok(Exit::Done);
        }
        // Whether somebody reads the line is not what is waited for: success says that it came.
        match session.wait(deadline, None)? {
            Woken::Received | Woken::OutputClosed => {}
            Woken::TimedOut => {
                session.leave();
                let why = format!("no line matched {:?} in time", wait.pattern.as_str());
                return Err(Failure::new(Exit::TimedOut, why));
            }
            Woken::Ended => return Err(session.lines.ended()),
        }
    }
}
