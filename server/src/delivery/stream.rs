//! The stream of bytes that one client gets, and its next step.
//!
//! The stream is made of lines of the client's room and of items of its outbox, in the order of
//! positions. A courier takes it forward step by step; a step never waits.
//!
//! What must not be cut is a *piece*: when the socket takes a part of one, the rest of it is sent
//! before anything else. Over TCP a piece is a line, over a WebSocket a frame of many lines.
//!
//! This module knows no socket but by [`Sink`], no thread and no clock, so a test can drive it.

use std::io;
use std::time::Instant;

use memchr::memchr;
use protocol::{Framing, Reply};

use crate::config::Transport;
use crate::delivery::history::{HISTORY_BYTES, HISTORY_SENDS, history_rows};
use crate::delivery::outbox::{Item, Next, Outbox};
use crate::delivery::pace::Pace;
use crate::delivery::socket::Sink;
use crate::log::position::Position;
use crate::log::ring::Batch;
use crate::log::room_log::Reader;
use crate::log::state::Reading;
use crate::web::websocket::{self, Header};

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

/// What the bytes of a stream are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Lines.
    Lines,
    /// The answer to an HTTP request, and nothing else. A line has no place there.
    Http,
    /// Frames of a WebSocket, each with lines.
    Frames,
}

/// The stream to one client.
#[derive(Debug)]
pub struct Stream {
    framing: Framing,
    format: Format,
    /// Whether the outbox may have something.
    pub has_items: bool,
    /// What the next step waits for.
    pub pace: Pace,
    /// Bytes that the socket took, in all.
    taken: u64,
    /// The log that the client reads, and up to where it was sent. `None` in the login room.
    reading: Option<(Reader, Position)>,
    /// Whether it has to be brought up to its log's end on its own, since passes over the room
    /// may have gone by without it.
    is_behind: bool,
    /// Lines of the log that are being sent as a history: from here, up to there.
    history: Option<(Position, Position)>,
    /// The rest of a piece, and of texts, of which the socket has not taken all: what stands in
    /// front, and lines. They end with a whole piece, so whatever is put behind them cuts none.
    unsent_head: Header,
    unsent: Vec<u8>,
    /// Whether those are records already, where the sink seals.
    is_sealed: bool,
    /// How many bytes of those the socket took.
    sent: usize,
    /// Whether nothing follows what is unsent.
    is_last: bool,
}

impl Stream {
    /// The stream to a client that has just come.
    #[must_use]
    pub fn new(framing: Framing, transport: Transport) -> Self {
        let format = match transport {
            Transport::Tcp => Format::Lines,
            Transport::Web => Format::Http,
        };
        Self {
            framing,
            format,
            has_items: false,
            pace: Pace::Current,
            taken: 0,
            reading: None,
            is_behind: false,
            history: None,
            unsent_head: Header::default(),
            unsent: Vec::new(),
            is_sealed: false,
            sent: 0,
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
        let history = self.history.map_or(0, |(from, end)| end.byte - from.byte);
        let unsent = self.unsent_head.as_bytes().len() + self.unsent.len() - self.sent;
        unsent as u64 + behind + history
    }

    /// Notes that the socket took no more at `now`, for the first time in a row or again.
    pub fn note_blocked(&mut self, now: Instant) {
        self.pace.note_blocked(self.taken, now);
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
            match self.flush(sink) {
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
            if self.history.is_some() {
                self.take_history(scratch);
                *sends = sends.saturating_sub(HISTORY_SENDS - 1);
                continue;
            }
            let limit = match self.next_item(outbox) {
                Next::Texts(bytes) => {
                    self.owe(bytes);
                    continue;
                }
                Next::Pongs(frames) => {
                    self.unsent = frames;
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

    /// Owes the client lines, with what stands in front of them.
    fn owe(&mut self, lines: Vec<u8>) {
        if self.format != Format::Http {
            self.unsent_head = self.head(lines.len());
            self.unsent = lines;
        }
    }

    /// Owes the client records in place of a piece. During a handshake there may be none yet.
    fn owe_records(&mut self, records: Vec<u8>) {
        self.unsent_head = Header::default();
        self.is_sealed = !records.is_empty();
        self.unsent = records;
    }

    /// What stands in front of a piece with so many bytes of lines.
    fn head(&self, lines: usize) -> Header {
        match self.format {
            Format::Frames if lines > 0 => Header::of_text(lines),
            _ => Header::default(),
        }
    }

    fn take_item(&mut self, item: Item, outbox: &Outbox) -> Option<Progress> {
        match item {
            Item::Text { bytes, .. } => self.owe(bytes),
            Item::Http { bytes, is_upgrade } => {
                self.unsent = bytes;
                if is_upgrade {
                    self.format = Format::Frames;
                }
            }
            Item::History { from, end } => {
                self.owe(Reply::History.to_bytes(self.framing));
                self.history = Some((from, end));
            }
            Item::Switch(reader, from) => {
                self.is_behind = true;
                let left = self.log();
                self.reading = Some((reader, from));
                return Some(Progress::Switched { left });
            }
            Item::Close => {
                self.is_last = true;
                if self.format == Format::Frames {
                    let code = outbox.close_code().unwrap_or(websocket::NORMAL);
                    self.unsent = websocket::close_frame(code).to_vec();
                }
            }
        }
        None
    }

    /// Makes the next rows of the history into text to send.
    fn take_history(&mut self, scratch: &mut Batch) {
        let (Some((from, end)), Some((reader, _))) = (self.history.take(), &self.reading) else {
            return;
        };
        let reading = reader.log.lock().read_stamped(from, end, HISTORY_BYTES, scratch);
        let next = match reading {
            Reading::Nothing => return,
            Reading::Gone { start, .. } => {
                self.owe(Reply::Missed(start.line - from.line).to_bytes(self.framing));
                start
            }
            Reading::Lines => {
                self.owe(history_rows(scratch));
                scratch.end
            }
        };
        self.history = (next < end).then_some((next, end));
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
                self.owe(Reply::Missed(limit.line - from.line).to_bytes(self.framing));
                self.flush(sink).map(Some)
            }
        }
    }

    /// Sends `lines`, which lie between `from` and `end`. When the socket takes a part, the rest
    /// of the piece that it ends in is kept apart.
    fn send_from(
        &mut self,
        sink: &impl Sink,
        from: Position,
        lines: &[u8],
        end: Position,
    ) -> io::Result<bool> {
        let head = self.head(lines.len());
        if let Some(records) = sink.seal(head.as_bytes(), lines)? {
            self.owe_records(records);
            if let Some((_, at)) = &mut self.reading {
                *at = end;
            }
            return self.flush(sink);
        }
        let head_bytes = head.as_bytes().len();
        let sent = sink.send(head.as_bytes(), lines, 0)?;
        self.taken += sent as u64;
        let is_whole = sent == head_bytes + lines.len();
        let position = if is_whole {
            end
        } else if sent == 0 {
            from
        } else {
            let rest = match self.format {
                Format::Frames => lines.len(),
                Format::Lines | Format::Http => end_of_line(lines, sent),
            };
            match sent.checked_sub(head_bytes) {
                Some(sent) => self.unsent = lines[sent..rest].to_vec(),
                None => {
                    (self.unsent_head, self.sent) = (head, sent);
                    self.unsent = lines.to_vec();
                }
            }
            if rest == lines.len() { end } else { from.after(&lines[..rest]) }
        };
        if let Some((_, at)) = &mut self.reading {
            *at = position;
        }
        Ok(is_whole)
    }

    /// Sends what was left over. `true` when nothing of it is left.
    fn flush(&mut self, sink: &impl Sink) -> io::Result<bool> {
        if !self.is_sealed
            && let Some(records) = sink.seal(self.unsent_head.as_bytes(), &self.unsent)?
        {
            self.owe_records(records);
        }
        if self.unsent.is_empty() {
            return Ok(true);
        }
        let sent = sink.send(self.unsent_head.as_bytes(), &self.unsent, self.sent)?;
        self.taken += sent as u64;
        self.sent += sent;
        let is_whole = self.sent == self.unsent_head.as_bytes().len() + self.unsent.len();
        if is_whole {
            self.unsent_head = Header::default();
            self.unsent = Vec::new();
            self.is_sealed = false;
            self.sent = 0;
        }
        Ok(is_whole)
    }
}

/// Where the line ends that the last byte sent belongs to. `sent` is not 0.
fn end_of_line(lines: &[u8], sent: usize) -> usize {
    // From the last byte sent, for that may be the newline.
    memchr(b'\n', &lines[sent - 1..]).map_or(lines.len(), |at| sent + at)
}

#[cfg(test)]
mod simulator;
