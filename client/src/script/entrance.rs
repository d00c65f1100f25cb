//! The way in: connect, log in and go to the room, and try again where the user wants that.
//!
//! The time that the user gave counts from the beginning, and holds for all of it.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::session::ScriptSession;
use crate::args::limits::Visit;
use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::net::watch::Watched;
use crate::net::{Attempted, ConnectError, Connection, PATIENCE, Servers, attempt};
use crate::sys::poll::{self, Interest};
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
    /// Whether a name is only for servers that let nobody read without one.
    watches: bool,
    deadline: Option<Instant>,
    /// How often it may still be tried again.
    left: u32,
    backoff: Backoff,
    /// When and where the user was let in.
    entered: Instant,
    was_at: Option<(String, SocketAddr)>,
    /// Readable once all is to end, and so every wait in here.
    end: Option<UnixStream>,
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
            watches: false,
            deadline: limits.deadline(),
            left: limits.retry,
            backoff,
            entered: Instant::now(),
            was_at: None,
            end: None,
        }
    }

    /// Lets every wait in here end when this can be read.
    pub fn end_with(&mut self, end: UnixStream) {
        self.end = Some(end);
    }

    /// The way in for somebody who only reads: without a name where none is given, and with one that is
    /// made up where the server wants one. From now on the time counts.
    #[must_use]
    pub fn to_read(visit: &'a Visit) -> Self {
        let watches = visit.server.name().is_none();
        Self { watches, ..Self::new(visit, visit.server.reader()) }
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
        if let Some((server, _)) = &self.was_at
            && *server != self.visit.server.server
        {
            failure.reason = format!("{server}: {failure}");
        }
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
        let until = Instant::now() + pause;
        match &self.end {
            None => std::thread::sleep(pause),
            Some(end) => {
                let [ends] = poll::wait([(end.as_fd(), Interest::Read)], Some(until))
                    .map_err(Failure::local)?;
                if ends {
                    return Err(ended());
                }
            }
        }
        Ok(())
    }

    fn enter_once(&mut self) -> Result<ScriptSession, Failure> {
        let (connection, watched) = self.connect()?;
        self.was_at = Some((connection.server().to_owned(), connection.address()));
        let mut session = ScriptSession::new(connection, self.name.clone(), self.deadline)?;
        match self.visit.server.room() {
            Some(room) if watched == Watched::Reads => room.clone_into(&mut session.room),
            Some(room) => session.join(room)?,
            None => {}
        }
        self.entered = Instant::now();
        Ok(session)
    }

    /// Connects and logs in, or begins to watch, while it can be ended.
    fn connect(&self) -> Result<(Connection, Watched), Failure> {
        let Visit { server, limits } = self.visit;
        let patience = limits.connect_patience(PATIENCE);
        let (report, reported) = sync_channel::<Result<(Connection, Watched), ConnectError>>(1);
        let (done, is_done) = UnixStream::pair().map_err(Failure::local)?;
        let tell = move |attempted| {
            // Nobody may wait for it any more.
            drop(report.send(attempted));
            drop(done);
        };
        let to = &Servers::of(server)?.after(self.was_at.as_ref().map(|(_, address)| *address));
        let (name, secret) = (&self.name, server.secret()?);
        let thread = if self.watches {
            attempt::start_reading(to, server.room(), name, secret.as_ref(), patience, tell)
        } else {
            attempt::start(to, name, secret.as_ref(), patience, move |attempted: Attempted| {
                tell(attempted.map(|connection| (connection, Watched::Unknown)));
            })
        }?;
        let longest = patience + SLACK;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let until = Instant::now() + left.map_or(longest, |left| left.min(longest));
        let done = (is_done.as_fd(), Interest::Read);
        let ends = match &self.end {
            Some(end) => poll::wait([done, (end.as_fd(), Interest::Read)], Some(until)),
            None => poll::wait([done], Some(until)).map(|[done]| [done, false]),
        };
        if let [_, true] = ends.map_err(Failure::local)? {
            return Err(ended());
        }
        let attempted = match reported.recv_timeout(until.saturating_duration_since(Instant::now()))
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
        Ok(attempted?)
    }
}

fn ended() -> Failure {
    Failure::new(Exit::Signal, "ended by a signal")
}
