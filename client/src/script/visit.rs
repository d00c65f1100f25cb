//! A connection that is logged in and in its room, and the lines that come over it.
//!
//! One thread is enough to wait for lines, a deadline and a reader of our output that goes away.
//! This module knows no mode and prints only remarks.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::{Event, LineDecoder, Reply, RoomName};

use super::args::Place;
use super::{local, lost, remark};
use crate::connection::{Connection, LINE_BYTES, PATIENCE, Receiver, Sender};
use crate::exit::{Exit, Failure};

/// Silence after which the server is asked whether it is alive, and how long it may take to answer.
pub const SILENCE: Duration = Duration::from_secs(30);

const CHUNK_BYTES: usize = 64 * 1024;

/// How tokens of our own pings begin. Nobody is shown their answers.
const TOKEN: &str = "chat-client-";

/// The request whose answer marks a place in what the server sends.
#[must_use]
pub fn fence(mark: impl std::fmt::Display) -> String {
    format!("ping {TOKEN}{mark}\n")
}

/// The mark of the fence that `line` answers. A server that knows no `ping` says so, in the right
/// place: that is a fence without a mark.
#[must_use]
pub fn fence_answered(line: &str) -> Option<&str> {
    // Nearly every line is something else, and a follower of a flood asks this of all of them.
    if !line.starts_with(['p', 'U']) {
        return None;
    }
    match Reply::parse(line)? {
        Reply::Pong(token) => token.strip_prefix(TOKEN),
        Reply::UnknownCommand("ping") => Some(""),
        _ => None,
    }
}

/// Whether `line` is the server's answer to something that it does not do.
#[must_use]
pub fn is_refusal(line: &str) -> bool {
    match Reply::parse(line) {
        Some(Reply::UnknownCommand(command)) => command != "ping",
        Some(reply) => matches!(
            reply,
            Reply::RoomNameEmpty
                | Reply::RoomNameInvalid(_)
                | Reply::NoSuchUser(_)
                | Reply::MailboxFull(_)
                | Reply::Muted(_)
                | Reply::Usage(_)
                | Reply::LineTooLong(_)
                | Reply::InvalidUtf8
                | Reply::ControlCharacter
        ),
        None => false,
    }
}

/// The failure that a refusal is.
#[must_use]
pub fn refused(answer: &str) -> Failure {
    Failure::new(Exit::Refused, format!("refused: {answer}; change it and try again"))
}

/// What ended a wait for lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Bytes came: perhaps they complete lines.
    Received,
    /// The deadline passed.
    TimedOut,
    /// Nobody reads what this program prints.
    OutputClosed,
    /// The server closed the connection. No bytes follow.
    Ended,
}

/// The lines of a connection, one at a time, without a copy.
#[derive(Debug)]
pub struct Source {
    receiver: Receiver,
    decoder: LineDecoder,
    chunk: Box<[u8]>,
    /// What of the chunk is not yet decoded.
    start: usize,
    end: usize,
    /// What the server said before it closed.
    farewell: Option<String>,
}

impl Source {
    fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            decoder: LineDecoder::new(LINE_BYTES, usize::MAX),
            chunk: vec![0; CHUNK_BYTES].into(),
            start: 0,
            end: 0,
            farewell: None,
        }
    }

    /// Gives each line that has come already to `take`, until it breaks off. The lines after that
    /// one are there next time.
    pub fn each<T>(&mut self, mut take: impl FnMut(&str) -> ControlFlow<T>) -> Option<T> {
        let mut rest = &self.chunk[self.start..self.end];
        while let Some(line) = self.decoder.next(&mut rest) {
            self.start = self.end - rest.len();
            match line {
                Ok(line) => {
                    if is_farewell(line) {
                        self.farewell = Some(line.to_owned());
                    }
                    if let ControlFlow::Break(answer) = take(line) {
                        return Some(answer);
                    }
                }
                Err(error) => remark(format_args!("{error}; it was left out")),
            }
        }
        self.start = self.end;
        None
    }

    /// Waits for bytes.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub fn wait(
        &mut self,
        deadline: Option<Instant>,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, Failure> {
        if !self.receiver.has_buffered() {
            let woken = self.poll(deadline, output).map_err(local)?;
            if woken != Woken::Received {
                return Ok(woken);
            }
        }
        match self.receiver.read(&mut self.chunk) {
            Ok(0) => Ok(Woken::Ended),
            Ok(length) => {
                (self.start, self.end) = (0, length);
                Ok(Woken::Received)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Woken::Received),
            Err(error) => Err(lost(error)),
        }
    }

    fn poll(
        &self,
        deadline: Option<Instant>,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, Errno> {
        let mut watched = vec![PollFd::new(self.receiver.as_fd(), PollFlags::POLLIN)];
        watched.extend(output.map(|output| PollFd::new(output, PollFlags::empty())));
        loop {
            match poll(&mut watched, timeout(deadline)) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
                Ok(0) if deadline.is_some_and(|deadline| Instant::now() < deadline) => {}
                Ok(0) => return Ok(Woken::TimedOut),
                Ok(_) => break,
            }
        }
        let is_closed = watched.get(1).is_some_and(|output| output.any().unwrap_or(true));
        Ok(if is_closed { Woken::OutputClosed } else { Woken::Received })
    }

    /// Why there is no connection any more.
    #[must_use]
    pub fn ended(&self) -> Failure {
        lost(self.farewell.as_deref().unwrap_or("the server closed it"))
    }
}

fn is_farewell(line: &str) -> bool {
    // Nearly every line is something else.
    line.starts_with(['S', 'K', 'B'])
        && matches!(
            Reply::parse(line),
            Some(Reply::ServerShutdown | Reply::Kicked(_) | Reply::Banned(_))
        )
}

/// What `poll` takes. It counts in milliseconds, and waits a little longer rather than shorter.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    i32::try_from(left.saturating_add(1))
        .ok()
        .and_then(|left| PollTimeout::try_from(left).ok())
        .unwrap_or(PollTimeout::MAX)
}

/// Somebody who is logged in and in his room.
#[derive(Debug)]
pub struct Visit {
    /// The half that sends.
    pub sender: Sender,
    /// The half that receives.
    pub source: Source,
    /// The user's name.
    pub name: String,
    /// The room.
    pub room: String,
    heard: Instant,
    is_asked: bool,
}

impl Visit {
    /// Connects, logs in and goes to the room. No line of another room is left over.
    ///
    /// # Errors
    ///
    /// Says why the user is not there.
    pub fn begin(place: &Place, name: String) -> Result<Self, Failure> {
        let mut connection = Connection::open(&place.server, PATIENCE)?;
        connection.log_in(&name)?;
        let (sender, receiver) = connection.split().map_err(local)?;
        let mut visit = Self {
            sender,
            source: Source::new(receiver),
            name,
            room: RoomName::main().as_str().to_owned(),
            heard: Instant::now(),
            is_asked: false,
        };
        if let Some(room) = place.room() {
            visit.join(room)?;
        }
        Ok(visit)
    }

    fn join(&mut self, room: &str) -> Result<(), Failure> {
        self.send(&format!("join {room}\n{}", fence("join")))?;
        let mut why = String::new();
        self.until(|line| {
            if line == Reply::JoinSuccess.to_string() {
                return ControlFlow::Break(true);
            }
            if fence_answered(line).is_some() {
                return ControlFlow::Break(false);
            }
            // The last answer before the fence is the answer to the request.
            if Event::parse(line).is_none() {
                line.clone_into(&mut why);
            }
            ControlFlow::Continue(())
        })?
        .then(|| room.clone_into(&mut self.room))
        .ok_or_else(|| refused(&why))
    }

    /// Sends requests.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, requests: &str) -> Result<(), Failure> {
        self.sender.send(requests.as_bytes()).map_err(lost)
    }

    /// Gives lines to `take` until it has what the server owes it.
    ///
    /// # Errors
    ///
    /// When the server owes it for too long, or the connection is lost.
    pub fn until<T>(&mut self, mut take: impl FnMut(&str) -> ControlFlow<T>) -> Result<T, Failure> {
        let deadline = Instant::now() + SILENCE;
        loop {
            if let Some(answer) = self.source.each(&mut take) {
                return Ok(answer);
            }
            match self.source.wait(Some(deadline), None)? {
                Woken::Received => {}
                Woken::TimedOut | Woken::OutputClosed => return Err(silent()),
                Woken::Ended => return Err(self.source.ended()),
            }
        }
    }

    /// Waits for bytes, however long the room is silent, and sees to it that the server is alive.
    ///
    /// # Errors
    ///
    /// When it is not, or the connection is lost.
    pub fn wait(
        &mut self,
        deadline: Option<Instant>,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Woken, Failure> {
        let mut sender = self.sender.try_clone().map_err(local)?;
        self.wait_with(deadline, output, |ping| sender.send(ping.as_bytes()).map_err(lost))
    }

    /// As [`Visit::wait`], where somebody else sends.
    ///
    /// # Errors
    ///
    /// As there, and what `send` fails with.
    pub fn wait_with(
        &mut self,
        deadline: Option<Instant>,
        output: Option<BorrowedFd<'_>>,
        mut send: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<Woken, Failure> {
        loop {
            // In a room that never pauses, bytes are always there.
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Woken::TimedOut);
            }
            let doubt = self.heard + if self.is_asked { SILENCE * 2 } else { SILENCE };
            let earlier = deadline.map_or(doubt, |deadline| deadline.min(doubt));
            match self.source.wait(Some(earlier), output)? {
                Woken::TimedOut if deadline == Some(earlier) => return Ok(Woken::TimedOut),
                Woken::TimedOut if self.is_asked => return Err(silent()),
                Woken::TimedOut => {
                    self.is_asked = true;
                    send(&fence("alive"))?;
                }
                Woken::Received => {
                    (self.heard, self.is_asked) = (Instant::now(), false);
                    return Ok(Woken::Received);
                }
                woken => return Ok(woken),
            }
        }
    }

    /// Leaves. What the server still sends is of no interest.
    pub fn leave(mut self) {
        // It fails when the connection is gone, which is as good.
        let _ = self.sender.send(b"logout\n");
        self.sender.close();
    }
}

/// The server is there and says nothing.
#[must_use]
pub fn silent() -> Failure {
    lost("the server does not answer")
}
