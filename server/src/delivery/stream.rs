//! The stream of bytes that one client gets, and its next step.
//!
//! The stream is made of lines of the client's room and of items of its outbox, in the order of
//! positions. A courier takes it forward step by step; a step never waits. What the client's socket does
//! not take is kept, up to the end of a line, and goes first in the next step.
//!
//! This module knows no socket but by [`Sink`], no thread and no clock, so a test can drive it.

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
use crate::log::position::Position;
use crate::log::ring::Batch;
use crate::log::room_log::Reader;
use crate::log::state::Reading;

/// Sends that one client gets in a step. Then others have their turn.
pub const STEP_SENDS: u32 = 16;

/// What came of a step.
#[derive(Debug)]
pub enum Progress {
    /// The client was sent all that there is for now.
    Current,
    /// There is more, but others shall have their turn first.
    Queued,
    /// The socket takes no more for now.
    Blocked,
    /// The client reads another log now. It read the one of this number before, if any.
    Switched {
        /// The log that it reads no more.
        left: Option<u64>,
    },
    /// Everything was sent, and nothing will follow.
    Closed,
    /// The connection is gone.
    Broken,
}

/// The stream to one client.
#[derive(Debug)]
pub struct Stream {
    framing: Framing,
    /// Whether the outbox may have something.
    pub has_items: bool,
    /// What the next step waits for.
    pub pace: Pace,
    /// The log that the client reads, and up to where it was sent. `None` in the login room.
    reading: Option<(Reader, Position)>,
    /// Whether it has to be brought up to its log's end on its own, since passes over the room
    /// may have gone by without it.
    is_behind: bool,
    /// Lines of the log that are being sent as rows.
    history: Option<History>,
    /// Writes to the socket, and keeps what that does not take.
    writer: PieceWriter,
    /// Whether nothing follows what is unsent.
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
            is_behind: false,
            history: None,
            writer: PieceWriter::new(transport),
            is_last: false,
        }
    }

    /// The number of the log that the client reads.
    #[must_use]
    pub fn log(&self) -> Option<u64> {
        self.reading.as_ref().map(|(reader, _)| reader.log.id)
    }

    /// Up to where in its log the client was sent everything.
    #[must_use]
    pub fn position(&self) -> Position {
        self.reading.as_ref().map_or(Position::default(), |(_, at)| *at)
    }

    /// Bytes that the client is owed, without its outbox.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        let behind = self.reading.as_ref().map_or(0, |(reader, at)| reader.log.bytes_after(*at));
        let history = self.history.map_or(0, |history| history.bytes());
        self.writer.unsent() as u64 + behind + history
    }

    /// Notes that the socket took no more at `now`, for the first time in a row or again.
    pub fn note_blocked(&mut self, now: Instant) {
        self.pace.note_blocked(self.writer.taken(), now);
    }

    /// Sends what there is, as far as `sink` takes it, up to the first thing that the courier has
    /// to know of, and at most `sends` times.
    ///
    /// `carried` is what the courier carries to everyone in some room right now; `scratch` is for
    /// what this client needs beside that.
    pub fn advance(
        &mut self,
        sink: &impl Sink,
        outbox: &Outbox,
        carried: Option<&Batch>,
        scratch: &mut Batch,
        sends: &mut u32,
    ) -> Progress {
        loop {
            match self.writer.flush(sink) {
                Ok(true) => {}
                Ok(false) => return self.fall_behind(Progress::Blocked),
                Err(_) => return Progress::Broken,
            }
            if self.is_last {
                if sink.finish() {
                    continue;
                }
                return Progress::Closed;
            }
            if *sends == 0 {
                return self.fall_behind(Progress::Queued);
            }
            *sends -= 1;
            if let (Some(history), Some((reader, _))) = (self.history, &self.reading) {
                let (rows, rest) = history.next(&reader.log, self.framing, scratch);
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
            match self.send_lines(sink, outbox, limit, carried, scratch) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return self.fall_behind(Progress::Blocked),
                Ok(None) => return Progress::Current,
                Err(_) => return Progress::Broken,
            }
        }
    }

    /// Lets the client be brought up to its log's end by a step of its own.
    fn fall_behind(&mut self, progress: Progress) -> Progress {
        self.is_behind = true;
        progress
    }

    /// The item that is due: the client has got its log up to there, and all of that is published.
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

    /// Takes over an item that is due. Gives what the courier has to know of, if anything.
    fn take_item(&mut self, item: Item, outbox: &Outbox) -> Option<Progress> {
        match item {
            Item::Text { bytes, .. } => self.writer.put(bytes),
            Item::Http { bytes, is_upgrade } => self.writer.put_answer(bytes, is_upgrade),
            Item::History { from, end } => {
                self.writer.put(Reply::History.to_bytes(self.framing));
                self.history = Some(History { from, end });
            }
            Item::Switch(reader, from) => {
                self.is_behind = true;
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

    /// Sends lines of the log, none after `limit`. `None` when there are none, else whether the
    /// socket took all of them.
    fn send_lines(
        &mut self,
        sink: &impl Sink,
        outbox: &Outbox,
        limit: Option<Position>,
        carried: Option<&Batch>,
        scratch: &mut Batch,
    ) -> io::Result<Option<bool>> {
        let Some((reader, at)) = &mut self.reading else { return Ok(None) };
        let (log, from) = (&reader.log, *at);
        let carried = carried.filter(|batch| batch.log == log.id);
        if limit.is_none() && !self.is_behind && carried.is_none_or(|batch| batch.end <= from) {
            return Ok(None);
        }
        if let Some(batch) = carried {
            let end = limit.unwrap_or(Position::MAX).min(batch.end);
            if let Some(lines) = batch.lines(from, end) {
                return self.send_from(sink, from, lines, end).map(Some);
            }
        }
        let guard = log.lock();
        // Asked while nobody can append, so it sees every item that belongs before the last line.
        let limit = outbox.next_position();
        let reading = guard.read(from, limit, scratch);
        drop(guard);
        match reading {
            Reading::Lines => self.send_from(sink, from, &scratch.bytes, scratch.end).map(Some),
            Reading::Nothing => {
                // An item that came just now may stand before lines which others have got already:
                // after it the client has still to catch up.
                self.is_behind = limit != Position::MAX;
                Ok(None)
            }
            Reading::Gone { limit, .. } => {
                // The client is so far behind that it goes on at the present.
                *at = limit;
                self.writer.put(Reply::Missed(limit.line - from.line).to_bytes(self.framing));
                self.writer.flush(sink).map(Some)
            }
        }
    }

    /// Sends `lines`, which lie between `from` and `end`. Whether the socket took all of them.
    fn send_from(
        &mut self,
        sink: &impl Sink,
        from: Position,
        lines: &[u8],
        end: Position,
    ) -> io::Result<bool> {
        let written = self.writer.write(sink, lines)?;
        let is_done = written.bytes == lines.len();
        if let Some((_, at)) = &mut self.reading {
            *at = if is_done { end } else { from.after(&lines[..written.bytes]) };
        }
        Ok(written.is_whole)
    }
}

#[cfg(test)]
mod simulator;
