//! Where the delivery to one client stands, and its next step.
//!
//! The bytes a client gets are one stream: lines of its room and mail, in the order of positions.
//! A delivery owns the reading end of that stream. It alone writes to the client's socket, and
//! never waits there.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memchr;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use protocol::Reply;

use crate::client::Client;
use crate::outbox::{Mail, Next};
use crate::ring::{Batch, Position};
use crate::room_log::{Reader, Reading};
use crate::trace;

/// A blocked client keeps up as long as it takes [`KEEPS_UP_BYTES`] within this time. Who writes
/// to a room waits for those who do, so that a moment without the processor costs nobody a line;
/// and a client that only pretends to read slows a flood down to this rate, but nothing slower.
pub const PATIENCE: Duration = Duration::from_millis(250);
const KEEPS_UP_BYTES: u64 = 64 * 1024;

/// What came of a step.
#[derive(Debug)]
pub enum Progress {
    /// The client was sent all that there is for now.
    Current {
        /// Whether the socket took no more when it was last tried.
        was_blocked: bool,
    },
    /// The socket takes no more for now.
    Blocked,
    /// The client reads another log now. It read the one of this number before, if any.
    Entered {
        /// The log that it reads no more.
        left: Option<u64>,
    },
    /// Everything was sent, and nothing will follow.
    Closed,
    /// The connection is gone.
    Broken,
}

/// See the module's page.
#[derive(Debug)]
pub struct Delivery {
    /// To whom.
    pub client: Arc<Client>,
    /// Whether the outbox may have something.
    pub has_mail: bool,
    /// Whether the socket took no more when it was last tried.
    pub is_blocked: bool,
    /// When the client last took a byte, or when bytes began to wait for it.
    last_progress: Instant,
    /// When the client last was seen to keep up, and how far it had got by then.
    kept_up: (Instant, u64),
    /// Whether the last step sent anything.
    has_sent: bool,
    /// What the client reads, and up to where it was sent. `None` in the login room.
    place: Option<(Reader, Position)>,
    /// Whether it has to be brought up to its log's end on its own, since passes over the room
    /// may have gone by without it.
    is_behind: bool,
    /// Bytes taken from log or outbox of which the socket has not taken all. They never end
    /// within a line, so nothing that is put behind them cuts one.
    unsent: Vec<u8>,
    /// How many of those the socket took.
    sent: usize,
}

impl Delivery {
    /// The delivery to a client that has just come.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            has_mail: false,
            is_blocked: false,
            last_progress: Instant::now(),
            kept_up: (Instant::now(), 0),
            has_sent: false,
            place: None,
            is_behind: false,
            unsent: Vec::new(),
            sent: 0,
        }
    }

    /// The number of the log that the client reads.
    #[must_use]
    pub fn log(&self) -> Option<u64> {
        self.place.as_ref().map(|(reader, _)| reader.log.id)
    }

    /// Bytes that the client is owed, without its mail.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        let behind = self.place.as_ref().map_or(0, |(reader, at)| reader.log.bytes_after(*at));
        (self.unsent.len() - self.sent) as u64 + behind
    }

    /// Notes that the socket took no more at `now`, for the first time in a row or again.
    pub fn note_blocked(&mut self, is_first: bool, now: Instant) {
        if is_first || self.has_sent {
            self.last_progress = now;
        }
        let got = self.position().byte;
        if is_first || got >= self.kept_up.1 + KEEPS_UP_BYTES {
            self.kept_up = (now, got);
        }
    }

    /// For how long a blocked client has taken nothing.
    #[must_use]
    pub fn stalled_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_progress)
    }

    /// Whether those who write wait for a blocked client.
    #[must_use]
    pub fn keeps_up(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.kept_up.0) < PATIENCE
    }

    /// Up to where in its log the client was sent everything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.place.as_ref().map_or(Position::default(), |(_, at)| *at)
    }

    /// Sends what there is, as far as the socket takes it, up to the first thing that the courier
    /// has to know of. `batch` is what the courier carries to everyone in some room right now;
    /// `scratch` is for what this client needs beside that.
    pub fn advance(&mut self, batch: Option<&Batch>, scratch: &mut Batch) -> Progress {
        self.has_sent = false;
        loop {
            match self.flush() {
                Ok(true) => {}
                Ok(false) => return self.blocked(),
                Err(_) => return Progress::Broken,
            }
            let limit = match self.next_mail() {
                Next::Replies(bytes) => {
                    self.unsent = bytes;
                    continue;
                }
                Next::Move(Mail::Enter(reader, from)) => {
                    self.is_behind = true;
                    let left = self.log();
                    self.place = Some((reader, from));
                    return Progress::Entered { left };
                }
                Next::Move(_) => return Progress::Closed,
                Next::Later(at) => Some(at),
                Next::Nothing => None,
            };
            match self.send_lines(limit, batch, scratch) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return self.blocked(),
                Ok(None) => return Progress::Current { was_blocked: self.is_blocked },
                Err(_) => return Progress::Broken,
            }
        }
    }

    fn blocked(&mut self) -> Progress {
        self.is_behind = true;
        self.is_blocked = true;
        Progress::Blocked
    }

    /// Mail that is due: the client has got its log up to there, and all of that is recorded.
    fn next_mail(&mut self) -> Next {
        if !self.has_mail {
            return Next::Nothing;
        }
        let due = match &self.place {
            Some((reader, at)) => reader.log.visible().min(*at),
            None => Position::default(),
        };
        let next = self.client.outbox.next(due);
        self.has_mail = !matches!(next, Next::Nothing);
        next
    }

    /// Sends lines of the log, none after `limit`. `None` when there are none, else whether the
    /// socket took all of them.
    fn send_lines(
        &mut self,
        limit: Option<Position>,
        batch: Option<&Batch>,
        scratch: &mut Batch,
    ) -> io::Result<Option<bool>> {
        let Some((reader, at)) = &mut self.place else { return Ok(None) };
        let (log, from) = (&reader.log, *at);
        let carried = batch.filter(|batch| batch.log == log.id);
        if limit.is_none() && !self.is_behind && carried.is_none_or(|batch| batch.end <= from) {
            return Ok(None);
        }
        if let Some(batch) = carried {
            let end = limit.unwrap_or(Position::MAX).min(batch.end);
            if let Some(lines) = batch.lines(from, end) {
                return self.send_from(from, lines, end).map(Some);
            }
        }
        match log.read(from, || self.client.outbox.next_position(), scratch) {
            Reading::Lines => self.send_from(from, &scratch.bytes, scratch.end).map(Some),
            Reading::Nothing => {
                self.is_behind = false;
                Ok(None)
            }
            Reading::Gone(present) => {
                let missed = Reply::Missed(present.line - from.line);
                self.unsent = missed.to_bytes(self.client.framing);
                *at = present;
                self.flush().map(Some)
            }
        }
    }

    /// Sends `lines`, which lie between `from` and `end`. When the socket takes a part, the rest
    /// of the line that it ends in is kept apart.
    fn send_from(&mut self, from: Position, lines: &[u8], end: Position) -> io::Result<bool> {
        let sent = send_some(&self.client, lines, 0)?;
        self.has_sent |= sent > 0;
        let is_whole = sent == lines.len();
        let position = if is_whole {
            end
        } else if sent == 0 {
            from
        } else {
            // From the last byte sent, for that may be the newline.
            let rest = memchr(b'\n', &lines[sent - 1..]).map_or(lines.len(), |at| sent + at);
            self.unsent = lines[sent..rest].to_vec();
            from.after(&lines[..rest])
        };
        if let Some((_, at)) = &mut self.place {
            *at = position;
        }
        Ok(is_whole)
    }

    /// Sends what was left over. `true` when nothing of it is left.
    fn flush(&mut self) -> io::Result<bool> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        let sent = send_some(&self.client, &self.unsent, self.sent)?;
        self.has_sent |= sent > 0;
        self.sent += sent;
        let is_whole = self.sent == self.unsent.len();
        if is_whole {
            self.unsent = Vec::new();
            self.sent = 0;
        }
        Ok(is_whole)
    }
}

/// Sends `text` from the offset `from` on, without waiting, and says how many bytes the socket took.
fn send_some(client: &Client, text: &[u8], from: usize) -> io::Result<usize> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    match send(client.stream.as_raw_fd(), &text[from..], flags) {
        Ok(sent) => {
            trace::sent(client.address, text, from..from + sent);
            Ok(sent)
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
