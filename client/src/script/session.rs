//! A connection that is logged in and in its room, with fences and refusals.
//!
//! This module knows no mode and prints nothing.

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use protocol::{Event, Reply, RoomName};

use super::lines::{ScriptLines, Woken};
use crate::exit::Failure;
use crate::model::fence;
use crate::model::liveness::{Doubt, Liveness};
use crate::net::{Connection, PATIENCE, Sender};

/// Silence after which the server is asked whether it is alive, and how long it may take to answer.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long the server may take to let go of the name when the user's time has passed.
const GRACE: Duration = Duration::from_millis(200);

/// Whether `line` is the server's answer to something that it does not do.
#[must_use]
pub fn is_refusal(line: &str) -> bool {
    match Reply::parse(line) {
        Some(Reply::UnknownCommand(command)) => command != "ping",
        Some(reply) => matches!(
            reply,
            Reply::RoomNameEmpty
                | Reply::RoomNameInvalid(_)
                | Reply::TooManyRooms
                | Reply::NoSuchUser(_)
                | Reply::MailboxFull(_)
                | Reply::PasswordRequired
                | Reply::PasswordWrong
                | Reply::PasswordQueueFull
                | Reply::MessageRefused(_)
                | Reply::TooManyIgnored
                | Reply::Muted(_)
                | Reply::Usage(_)
                | Reply::LineTooLong(_)
                | Reply::InvalidUtf8
                | Reply::ControlCharacter
        ),
        None => false,
    }
}

/// The connection of a script command: logged in, and in its room.
#[derive(Debug)]
pub struct ScriptSession {
    /// The half that sends.
    pub sender: Sender,
    /// The half that receives.
    pub lines: ScriptLines,
    /// The user's name.
    pub name: String,
    /// The room.
    pub room: String,
    /// When all must be done, if the user has said so.
    pub deadline: Option<Instant>,
    liveness: Liveness,
}

impl ScriptSession {
    /// The session of a connection that is logged in under this name, and so in the first room.
    ///
    /// # Errors
    ///
    /// When the system has no file descriptor left.
    pub fn new(
        connection: Connection,
        name: String,
        deadline: Option<Instant>,
    ) -> Result<Self, Failure> {
        let (sender, receiver) = connection.split().map_err(Failure::local)?;
        Ok(Self {
            sender,
            lines: ScriptLines::new(receiver),
            name,
            room: RoomName::main().as_str().to_owned(),
            deadline,
            liveness: liveness(),
        })
    }

    /// Goes to another room. No line of the one before is left over.
    ///
    /// # Errors
    ///
    /// Says why the user is not there.
    pub fn join(&mut self, room: &str) -> Result<(), Failure> {
        self.send(&format!("join {room}\n{}", fence::request("join")))?;
        let mut why = String::new();
        self.until(|line| {
            if line == Reply::JoinSuccess.to_string() {
                return ControlFlow::Break(true);
            }
            if fence::answered(line).is_some() {
                return ControlFlow::Break(false);
            }
            // The last answer before the fence is the answer to the request.
            if Event::parse(line).is_none() {
                line.clone_into(&mut why);
            }
            ControlFlow::Continue(())
        })?
        .then(|| room.clone_into(&mut self.room))
        .ok_or_else(|| Failure::refused(&why))
    }

    /// Sends requests.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, requests: &str) -> Result<(), Failure> {
        self.sender.send(requests.as_bytes()).map_err(Failure::lost)
    }

    /// Gives lines to `take` until it has what the server owes it.
    ///
    /// # Errors
    ///
    /// When the server owes it for too long, or the connection is lost.
    pub fn until<T>(&mut self, mut take: impl FnMut(&str) -> ControlFlow<T>) -> Result<T, Failure> {
        let patience = Instant::now() + SILENCE;
        let deadline = self.deadline.map_or(patience, |deadline| deadline.min(patience));
        loop {
            if let Some(answer) = self.lines.each(&mut take) {
                return Ok(answer);
            }
            match self.lines.wait(Some(deadline), None)? {
                Woken::Received => {}
                Woken::TimedOut if deadline < patience => return Err(Failure::out_of_time()),
                Woken::TimedOut | Woken::OutputClosed => return Err(silent()),
                Woken::Ended => return Err(self.lines.ended()),
            }
        }
    }

    /// Waits for bytes, however long the room is silent, and sees to it that the server is alive.
    ///
    /// # Errors
    ///
    /// When it is not, or the connection is lost, or the user's time has passed.
    pub fn wait(&mut self, output: Option<BorrowedFd<'_>>) -> Result<Woken, Failure> {
        let Self { sender, lines, liveness, deadline, .. } = self;
        let send = |ping: &str| sender.send(ping.as_bytes()).map_err(Failure::lost);
        match wait(lines, liveness, *deadline, output, send)? {
            Woken::TimedOut => Err(Failure::out_of_time()),
            woken => Ok(woken),
        }
    }

    /// As [`ScriptSession::wait`], until `pause` at the latest, and where somebody else sends.
    ///
    /// # Errors
    ///
    /// As there, and what `send` fails with.
    pub fn wait_with(
        &mut self,
        pause: Option<Instant>,
        send: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<Woken, Failure> {
        let earlier = pause.into_iter().chain(self.deadline).min();
        match wait(&mut self.lines, &mut self.liveness, earlier, None, send)? {
            Woken::TimedOut if earlier != pause => Err(Failure::out_of_time()),
            woken => Ok(woken),
        }
    }

    /// Leaves, and waits until the server has let go of the name: the next command of a script may
    /// use it again. What the server still sends is of no interest.
    pub fn leave(mut self) {
        let now = Instant::now();
        // A server that is well needs no longer than the grace, and the user waits no longer for one
        // that is not.
        let deadline = self
            .deadline
            .map_or(now + PATIENCE, |deadline| deadline.max(now + GRACE).min(now + PATIENCE));
        // Both fail when the connection is gone, which is as good.
        let _ = self.sender.send(b"logout\n");
        let _ = self.sender.finish();
        while Instant::now() < deadline
            && matches!(self.lines.wait(Some(deadline), None), Ok(Woken::Received))
        {}
    }
}

/// A server that is heard now.
#[must_use]
pub fn liveness() -> Liveness {
    Liveness::new(SILENCE, SILENCE, Instant::now())
}

fn wait(
    lines: &mut ScriptLines,
    liveness: &mut Liveness,
    deadline: Option<Instant>,
    output: Option<BorrowedFd<'_>>,
    mut send: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Woken, Failure> {
    loop {
        // In a room that never pauses, bytes are always there.
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(Woken::TimedOut);
        }
        let doubt = liveness.deadline();
        let earlier = deadline.map_or(doubt, |deadline| deadline.min(doubt));
        match lines.wait(Some(earlier), output)? {
            Woken::TimedOut if deadline == Some(earlier) => return Ok(Woken::TimedOut),
            Woken::TimedOut => match liveness.expired(Instant::now()) {
                Doubt::Ask => send(&fence::request("alive"))?,
                Doubt::Dead => return Err(silent()),
            },
            Woken::Received => {
                liveness.heard(Instant::now());
                return Ok(Woken::Received);
            }
            woken => return Ok(woken),
        }
    }
}

/// The server is there and says nothing.
#[must_use]
pub fn silent() -> Failure {
    Failure::lost("the server does not answer")
}
