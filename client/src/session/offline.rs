//! The time without a connection: what is typed is kept, and a new connection is looked for.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use protocol::{Reply, Request};

use super::{Presence, Session, SessionMessage};
use crate::args::secret::Secret;
use crate::exit::Failure;
use crate::model::commands::{as_typed, without_secret};
use crate::net::{Attempted, ConnectError, Connection, attempt};
use crate::sys::thread;

impl Session {
    /// Tries until it works or the user leaves, or must not come in. `None` then.
    pub(super) fn reconnect(&mut self, mut why: String) -> Result<Option<Connection>, Failure> {
        loop {
            let delay = self.backoff.wait_about(fastrand::f64());
            let seconds = delay.as_secs_f64().ceil();
            match (self.presence, self.is_hurried) {
                (Presence::Away, false) => {
                    self.view.notice(&format!("{why}; trying again in {seconds} s, Ctrl-C stops"));
                }
                (_, false) => self.view.notice(&why),
                (_, true) => {}
            }
            self.pause(delay);
            let name = self.state.name().to_owned();
            match self.attempt()? {
                None => return Ok(None),
                Some(Ok(connection)) if self.state.name() == name => return Ok(Some(connection)),
                // The user has taken another name meanwhile, under which the next one is made at once.
                Some(Ok(_)) => {}
                Some(Err(error)) if error.is_ban() => {
                    self.view.notice(&error.to_string());
                    return Ok(None);
                }
                Some(Err(ConnectError::Login(answer))) => {
                    let cause = match Reply::parse(&answer) {
                        Some(Reply::UserNameExist) => {
                            "your name is taken, perhaps by your lost connection".to_owned()
                        }
                        _ => format!("login refused: {answer}"),
                    };
                    why = format!("{cause}; /rename NAME takes another name");
                }
                Some(Err(error)) => why = error.cause(),
            }
        }
    }

    /// Lets time pass, for ever where the user has stopped the attempts, until the user leaves or wants
    /// one at once.
    fn pause(&mut self, delay: Duration) {
        let deadline = Instant::now() + delay;
        while self.presence != Presence::Leaving && !std::mem::take(&mut self.is_hurried) {
            let input = match self.presence {
                Presence::Stopped => self.inputs.recv().map_err(RecvTimeoutError::from),
                _ => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    self.inputs.recv_timeout(left)
                }
            };
            match input {
                Ok(input) => self.meanwhile(input),
                Err(RecvTimeoutError::Disconnected) => self.presence = Presence::Leaving,
                Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }

    /// Tries each server once. `None` when the user leaves before it is known what comes of it.
    fn attempt(&mut self) -> Result<Option<Attempted>, Failure> {
        if self.presence == Presence::Leaving {
            return Ok(None);
        }
        let mailbox = self.mailbox.clone();
        let report = move |attempted| {
            // It fails when nobody waits for it any more.
            let _ = mailbox.send(SessionMessage::Attempted(attempted));
        };
        let patience = self.timing.attempt;
        let thread = {
            let location = self.state.location();
            attempt::start(&self.servers, location.name(), location.secret(), patience, report)?
        };
        while self.presence != Presence::Leaving {
            match self.inputs.recv() {
                Ok(SessionMessage::Attempted(attempted)) => {
                    thread::join(thread);
                    return Ok(Some(attempted));
                }
                Ok(input) => self.meanwhile(input),
                Err(_) => self.presence = Presence::Leaving,
            }
        }
        Ok(None)
    }

    /// Deals with what comes while there is no connection.
    pub(super) fn meanwhile(&mut self, input: SessionMessage) {
        match input {
            SessionMessage::Request(line) => {
                self.count += 1;
                self.keep(&line);
            }
            SessionMessage::Block(lines) => {
                self.count += 1;
                lines.iter().for_each(|line| self.keep(line));
            }
            SessionMessage::Resend | SessionMessage::Grep(_) => {
                self.view.notice("not connected yet")
            }
            SessionMessage::Ignore(name) => self.view.turn_ignored(name.as_deref()),
            SessionMessage::Quiet => self.view.turn_quiet(),
            SessionMessage::Stop => {
                self.presence = Presence::Stopped;
                let text = "stopped; /reconnect or /rename NAME goes on, Ctrl-C again leaves";
                self.view.notice(text);
            }
            SessionMessage::Reconnect => self.hurry(),
            SessionMessage::Quit => self.presence = Presence::Leaving,
            SessionMessage::Server(_) | SessionMessage::Attempted(_) => {}
        }
    }

    /// The next attempt is made at once.
    fn hurry(&mut self) {
        (self.presence, self.is_hurried) = (Presence::Away, true);
    }

    fn keep(&mut self, line: &str) {
        if let Ok(Some(Request::Rename(claim))) = Request::parse(line) {
            let name = claim.name();
            match self.state.rename(name, claim.secret().and_then(Secret::new)) {
                Ok(()) => {
                    self.view.notice(&format!("the next attempt is made as {name}"));
                    self.hurry();
                }
                Err(error) => self.view.notice(&format!("UserName Invalid! {error}")),
            }
            return self.publish();
        }
        let is_kept = self.state.unconfirmed_mut().keep(line);
        let what = if is_kept { "kept for later" } else { "not sent" };
        let shown = without_secret(&as_typed(line));
        self.view.notice(&format!("not connected; {what}: {shown}"));
        self.publish();
    }
}
