//! The stream of bytes that one client is sent: where it stands, and its next step.
//!
//! A stream consists of the lines of the client's room and the items of its outbox, in the order of their
//! positions. The client's courier advances it step by step, and a step never waits: when the socket takes
//! no more, what it has left of a line or another piece is kept, and is sent first in the next step.
//!
//! This module knows no thread, no clock, and no socket but as a [`Sink`]: so a test can drive it.

use std::io;
use std::time::Instant;

use protocol::{Framing, Reply};

use crate::config::Transport;
use crate::delivery::history::{HISTORY_SENDS, History};
use crate::delivery::item::Item;
use crate::delivery::outbox::{Next, Outbox};
use crate::delivery::pace::Pace;
use crate::delivery::piece_writer::PieceWriter;
use crate::delivery::socket::Sink;
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::room_log::Reader;
use crate::log::state::Reading;

/// How many sends a step may take. Then the other clients have their turn.
pub const STEP_SENDS: u32 = 16;

/// What came of a step.
#[derive(Debug)]
pub enum Progress {
    /// The client was sent all that there is for now.
    Current,
    /// There is more to send, but the step has used up its sends.
    Queued,
    /// There is more to send, but the socket takes no more for now.
    Blocked,
    /// The client reads the log of another room now.
    Switched {
        /// The number of the log that it read before. `None` when it comes from the login room.
        left: Option<u64>,
    },
    /// Everything was sent, and nothing will follow.
    Closed,
    /// The connection is gone.
    Broken,
}

/// What came of sending lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// There were no lines to send.
    Nothing,
    /// The socket took all of them.
    All,
    /// The socket took a part of them.
    Part,
}

/// The stream to one client.
#[derive(Debug)]
pub struct Stream {
    framing: Framing,
    /// Whether the outbox may have something: it is asked only then.
    pub has_items: bool,
    /// What the next step waits for.
    pub pace: Pace,
    /// The log that the client reads, and up to where it was sent. `None` in the login room.
    reading: Option<(Reader, Position)>,
    /// Whether the next step reads the log itself, because the courier may have passed over the room
    /// without this client since.
    must_catch_up: bool,
    /// The rest of a history that is being sent.
    history: Option<History>,
    /// Writes to the socket, and keeps what that does not take.
    writer: PieceWriter,
    /// Whether nothing follows what the writer keeps.
    is_last: bool,
}

impl Stream {
    /// The stream to a client that has just come.
    #[must_use]
    pub fn new(framing: Framing, transport: Transport) -> Self {
        Self {
            framing,
            has_items: false,
            pace: Pace::Current,
            reading: None,
            must_catch_up: false,
            history: None,
            writer: PieceWriter::new(transport),
            is_last: false,
        }
    }

    /// The number of the log that the client reads. `None` in the login room.
    #[must_use]
    pub fn log(&self) -> Option<u64> {
        self.reading.as_ref().map(|(reader, _)| reader.log.id)
    }

    /// Up to where in its log the client was sent everything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.reading.as_ref().map_or(Position::default(), |(_, at)| *at)
    }

    /// How many bytes the client is owed, without those in its outbox.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        let behind = self.reading.as_ref().map_or(0, |(reader, at)| reader.log.bytes_after(*at));
        let history = self.history.map_or(0, |history| history.bytes());
        self.writer.unsent() as u64 + behind + history
    }

    /// Notes that the socket took no more at the time `now`, for the first time in a row or again.
    pub fn note_blocked(&mut self, now: Instant) {
        self.pace.note_blocked(self.writer.taken(), now);
    }

    /// Makes one step: sends what there is, as far as `sink` takes it, until there is something that the
    /// courier has to know of. Takes what it uses from `sends`, and ends when that is 0.
    ///
    /// `shared` are the lines that the courier sends to everyone in some room now. `own` is a buffer for
    /// lines that are copied for this client alone.
    pub fn advance(
        &mut self,
        sink: &impl Sink,
        outbox: &Outbox,
        shared: Option<&Batch>,
        own: &mut Batch,
        sends: &mut u32,
    ) -> Progress {
        loop {
            match self.writer.flush(sink) {
                Ok(true) => {}
                Ok(false) => return self.catch_up_later(Progress::Blocked),
                Err(_) => return Progress::Broken,
            }
            if self.is_last {
                if sink.finish() {
                    continue;
                }
                return Progress::Closed;
            }
            if *sends == 0 {
                return self.catch_up_later(Progress::Queued);
            }
            *sends -= 1;
            if let (Some(history), Some((reader, _))) = (self.history, &self.reading) {
                let (rows, rest) = history.next(&reader.log, self.framing, own);
                self.writer.put(rows);
                self.history = rest;
                *sends = sends.saturating_sub(HISTORY_SENDS - 1);
                continue;
            }
            let limit = match self.next_item(outbox) {
                Next::Texts(bytes) => {
                    self.writer.put(bytes);
                    continue;
                }
                Next::Pongs(frames) => {
                    self.writer.put_frames(frames);
                    continue;
                }
                Next::Flush => continue,
                Next::Item(item) => match self.take_item(item, outbox) {
                    Some(progress) => return progress,
                    None => continue,
                },
                Next::Later(at) => Some(at),
                Next::Nothing => None,
            };
            match self.send_lines(sink, outbox, limit, shared, own) {
                Ok(Sent::All) => {}
                Ok(Sent::Part) => return self.catch_up_later(Progress::Blocked),
                Ok(Sent::Nothing) => return Progress::Current,
                Err(_) => return Progress::Broken,
            }
        }
    }

    /// Ends a step before all is sent: the next one reads the log itself.
    fn catch_up_later(&mut self, progress: Progress) -> Progress {
        self.must_catch_up = true;
        progress
    }

    /// Asks the outbox for what is due: the client was sent its log up to there, and couriers may read that
    /// far.
    fn next_item(&mut self, outbox: &Outbox) -> Next {
        if !self.has_items {
            return Next::Nothing;
        }
        let due = match &self.reading {
            Some((reader, at)) => reader.log.published().min(*at),
            None => Position::default(),
        };
        let next = outbox.next(due);
        self.has_items = !matches!(next, Next::Nothing);
        next
    }

    /// Takes an item that is due. Gives what the courier has to know of, if anything.
    fn take_item(&mut self, item: Item, outbox: &Outbox) -> Option<Progress> {
        match item {
            Item::Text { bytes, .. } => self.writer.put(bytes),
            Item::Http { bytes, is_upgrade } => self.writer.put_answer(bytes, is_upgrade),
            Item::History { from, end } => {
                self.writer.put(Reply::History.to_bytes(self.framing));
                self.history = Some(History { from, end });
            }
            Item::Switch(reader, from) => {
                self.must_catch_up = true;
                let left = self.log();
                self.reading = Some((reader, from));
                return Some(Progress::Switched { left });
            }
            Item::Close => {
                self.is_last = true;
                self.writer.put_end(outbox.close_code());
            }
        }
        None
    }

    /// Sends lines of the log up to the position of the next item, which is `limit`, or to the end where
    /// there is no item: the lines that are shared, if the client is there, else a copy of its own.
    fn send_lines(
        &mut self,
        sink: &impl Sink,
        outbox: &Outbox,
        limit: Option<Position>,
        shared: Option<&Batch>,
        own: &mut Batch,
    ) -> io::Result<Sent> {
        let Some((reader, at)) = &mut self.reading else { return Ok(Sent::Nothing) };
        let (log, from) = (&reader.log, *at);
        let shared = shared.filter(|batch| batch.log == log.id);
        if limit.is_none() && !self.must_catch_up && shared.is_none_or(|batch| batch.end <= from) {
            return Ok(Sent::Nothing);
        }
        if let Some(batch) = shared {
            let end = limit.unwrap_or(Position::MAX).min(batch.end);
            if let Some(lines) = batch.lines(from, end) {
                return self.send_from(sink, from, lines, end);
            }
        }
        let guard = log.lock();
        // While the log is locked nobody can post an item: so this is the limit for all lines in it.
        let limit = outbox.next_position();
        let reading = guard.read(from, limit, own);
        drop(guard);
        match reading {
            Reading::Lines => self.send_from(sink, from, &own.bytes, own.end),
            Reading::Nothing => {
                // Where there is an item now, others may have got lines behind it already: these are
                // still to be sent after the item.
                self.must_catch_up = limit != Position::MAX;
                Ok(Sent::Nothing)
            }
            Reading::Gone { limit, .. } => {
                // The ring has dropped lines that the client was not sent. It goes on at the present.
                *at = limit;
                self.writer.put(Reply::Missed(limit.line - from.line).to_bytes(self.framing));
                Ok(if self.writer.flush(sink)? { Sent::All } else { Sent::Part })
            }
        }
    }

    /// Sends `lines`, which lie between the positions `from` and `end`.
    fn send_from(
        &mut self,
        sink: &impl Sink,
        from: Position,
        lines: &[u8],
        end: Position,
    ) -> io::Result<Sent> {
        let written = self.writer.write(sink, lines)?;
        if let Some((_, at)) = &mut self.reading {
            let is_done = written.bytes == lines.len();
            *at = if is_done { end } else { from.after(&lines[..written.bytes]) };
        }
        Ok(if written.is_whole { Sent::All } else { Sent::Part })
    }
}

#[cfg(test)]
mod simulator;
