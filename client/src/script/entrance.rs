//! The way in: connect, log in and go to the room, and try again where the user wants that.
//!
//! The time that the user gave counts from the beginning, and holds for all of it.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::session::ScriptSession;
use crate::args::limits::Visit;
use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::net::{Attempted, ConnectError, PATIENCE, Target, attempt};
use crate::sys::stderr::warn;
use crate::sys::thread;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An attempt gives up by itself when its time is over, and says why; only a name server that hangs
/// cannot be hurried. So much longer it is waited for.
const SLACK: Duration = Duration::from_millis(250);

/// The way in for one user, as often as it takes.
#[derive(Debug)]
pub struct Entrance<'a> {
    visit: &'a Visit,
    name: String,
    deadline: Option<Instant>,
    /// How often it may still be tried again.
    left: u32,
    backoff: Backoff,
    /// When the user was let in.
    entered: Instant,
}

impl<'a> Entrance<'a> {
    /// The way in under this name. From now on the time counts.
    #[must_use]
    pub fn new(visit: &'a Visit, name: String) -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let Visit { limits, .. } = visit;
        Self {
            visit,
            name,
            deadline: limits.deadline(),
            left: limits.retry,
            backoff,
            entered: Instant::now(),
        }
    }

    /// Goes in.
    ///
    /// # Errors
    ///
    /// Says why the user is not in, in spite of all attempts.
    pub fn enter(&mut self) -> Result<ScriptSession, Failure> {
        loop {
            match self.enter_once() {
                Err(failure) => self.pause_after(failure)?,
                entered => return entered,
            }
        }
    }

    /// Goes in again after the connection was lost, as often as it takes.
    ///
    /// # Errors
    ///
    /// Says why it is no use, or that the time has run out.
    pub fn enter_again(&mut self, mut failure: Failure) -> Result<ScriptSession, Failure> {
        self.backoff.lasted(self.entered.elapsed());
        while failure.exit.is_worth_another_try() {
            let pause = self.backoff.wait_about(fastrand::f64());
            self.pause(&failure, pause)?;
            match self.enter_once() {
                Err(another) => failure = another,
                entered => return entered,
            }
        }
        Err(failure)
    }

    /// Waits for a while, after which the same may succeed.
    ///
    /// # Errors
    ///
    /// Gives the failure back when it is no matter of time, or was tried often enough.
    pub fn pause_after(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.left == 0 || !failure.exit.is_worth_another_try() {
            return Err(failure);
        }
        self.left -= 1;
        let pause = self.backoff.wait();
        self.pause(&failure, pause)
    }

    fn pause(&self, failure: &Failure, pause: Duration) -> Result<(), Failure> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now() + pause) {
            let reason = format!("the time of --timeout ran out; the last attempt: {failure}");
            return Err(Failure::new(Exit::TimedOut, reason));
        }
        warn(format_args!("{failure}; trying again in {:.0} s", pause.as_secs_f64().ceil()));
        std::thread::sleep(pause);
        Ok(())
    }

    fn enter_once(&mut self) -> Result<ScriptSession, Failure> {
        let Visit { server, limits } = self.visit;
        let patience = limits.connect_patience(PATIENCE);
        let (report, reported) = sync_channel::<Attempted>(1);
        let thread =
            attempt::start(&Target::of(server)?, &self.name, patience, move |attempted| {
                // Nobody may wait for it any more.
                let _ = report.send(attempted);
            })?;
        let longest = patience + SLACK;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let attempted = match reported.recv_timeout(left.map_or(longest, |left| left.min(longest)))
        {
            Ok(attempted) => attempted,
            Err(RecvTimeoutError::Timeout) if left.is_some_and(|left| left < longest) => {
                return Err(Failure::out_of_time());
            }
            Err(RecvTimeoutError::Timeout) => {
                let error = std::io::Error::other("the name server does not answer");
                return Err(ConnectError::Address { server: server.server.clone(), error }.into());
            }
            // It has panicked.
            Err(RecvTimeoutError::Disconnected) => {
                thread::join(thread);
                return Err(Failure::lost("the attempt to connect has failed"));
            }
        };
        thread::join(thread);
        let mut session = ScriptSession::new(attempted?, self.name.clone(), self.deadline)?;
        if let Some(room) = server.room() {
            session.join(room)?;
        }
        self.entered = Instant::now();
        Ok(session)
    }
}
