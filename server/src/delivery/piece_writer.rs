//! How the bytes of one client leave: as pieces in the form of its transport, of which a socket may
//! take a part only.
//!
//! What must not be cut is a *piece*. When the socket takes a part of one, the rest of it is kept, and
//! is sent before anything else. Over TCP a piece is a line, over a WebSocket a frame of many lines,
//! and with TLS some records.
//!
//! This module knows no socket but by [`Sink`], and no log.

use std::io;

use memchr::memchr;

use crate::config::Transport;
use crate::delivery::socket::Sink;
use crate::web::websocket::{self, Header};

/// What the bytes of a client are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Lines.
    Lines,
    /// The answer to an HTTP request, and nothing else. A line has no place there.
    Http,
    /// Frames of a WebSocket, each with lines.
    Frames,
}

/// How much of some lines is done with: it was sent, or is kept as the rest of its piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the lines, which end with a whole line.
    pub bytes: usize,
    /// Whether the socket took all that there was.
    pub is_whole: bool,
}

/// Writes pieces, and keeps the rest of the last one.
#[derive(Debug)]
pub struct PieceWriter {
    format: Format,
    /// The rest of a piece, and of texts, of which the socket has not taken all: what stands in
    /// front, and lines. They end with a whole piece, so whatever is put behind them cuts none.
    head: Header,
    lines: Vec<u8>,
    /// Whether those are records already, where the sink seals.
    is_sealed: bool,
    /// How many bytes of those the socket took.
    sent: usize,
    /// Bytes that the socket took, in all.
    taken: u64,
}

impl PieceWriter {
    /// For a client that has just come.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        let format = match transport {
            Transport::Tcp => Format::Lines,
            Transport::Web => Format::Http,
        };
        Self {
            format,
            head: Header::default(),
            lines: Vec::new(),
            is_sealed: false,
            sent: 0,
            taken: 0,
        }
    }

    /// Bytes that the socket took, in all.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.head.as_bytes().len() + self.lines.len() - self.sent
    }

    /// Keeps lines to be sent, while nothing else is kept. In front of them stands what the
    /// transport needs.
    pub fn put(&mut self, lines: Vec<u8>) {
        if self.format != Format::Http {
            self.head = self.head(lines.len());
            self.lines = lines;
        }
    }

    /// The same for whole frames.
    pub fn put_frames(&mut self, frames: Vec<u8>) {
        self.lines = frames;
    }

    /// The same for the answer to an HTTP request. Frames follow it where it `is_upgrade`.
    pub fn put_answer(&mut self, answer: Vec<u8>, is_upgrade: bool) {
        self.lines = answer;
        if is_upgrade {
            self.format = Format::Frames;
        }
    }

    /// The same for the end, which a WebSocket tells by a frame with this code.
    pub fn put_end(&mut self, code: Option<u16>) {
        if self.format == Format::Frames {
            self.lines = websocket::close_frame(code.unwrap_or(websocket::NORMAL)).to_vec();
        }
    }

    /// What stands in front of a piece with so many bytes of lines.
    fn head(&self, lines: usize) -> Header {
        match self.format {
            Format::Frames if lines > 0 => Header::of_text(lines),
            _ => Header::default(),
        }
    }

    /// Sends what is kept. `true` when nothing of it is left.
    ///
    /// # Errors
    ///
    /// When nothing can be sent any more.
    pub fn flush(&mut self, sink: &impl Sink) -> io::Result<bool> {
        if !self.is_sealed
            && let Some(records) = sink.seal(self.head.as_bytes(), &self.lines)?
        {
            self.put_records(records);
        }
        if self.lines.is_empty() {
            return Ok(true);
        }
        let sent = sink.send(self.head.as_bytes(), &self.lines, self.sent)?;
        self.taken += sent as u64;
        self.sent += sent;
        let is_whole = self.unsent() == 0;
        if is_whole {
            self.head = Header::default();
            self.lines = Vec::new();
            self.is_sealed = false;
            self.sent = 0;
        }
        Ok(is_whole)
    }

    /// Sends whole lines, while nothing is kept. When the socket takes a part, the rest of the piece
    /// that it ends in is kept.
    ///
    /// # Errors
    ///
    /// As for [`PieceWriter::flush`].
    pub fn write(&mut self, sink: &impl Sink, lines: &[u8]) -> io::Result<Written> {
        let head = self.head(lines.len());
        if let Some(records) = sink.seal(head.as_bytes(), lines)? {
            self.put_records(records);
            return Ok(Written { bytes: lines.len(), is_whole: self.flush(sink)? });
        }
        let head_bytes = head.as_bytes().len();
        let sent = sink.send(head.as_bytes(), lines, 0)?;
        self.taken += sent as u64;
        if sent == head_bytes + lines.len() {
            return Ok(Written { bytes: lines.len(), is_whole: true });
        }
        if sent == 0 {
            return Ok(Written { bytes: 0, is_whole: false });
        }
        let end = match self.format {
            Format::Frames => lines.len(),
            Format::Lines | Format::Http => end_of_line(lines, sent),
        };
        match sent.checked_sub(head_bytes) {
            Some(sent) => self.lines = lines[sent..end].to_vec(),
            None => {
                (self.head, self.sent) = (head, sent);
                self.lines = lines.to_vec();
            }
        }
        Ok(Written { bytes: end, is_whole: false })
    }

    /// Keeps records in place of a piece. During a handshake there may be none yet.
    fn put_records(&mut self, records: Vec<u8>) {
        self.head = Header::default();
        self.is_sealed = !records.is_empty();
        self.lines = records;
    }
}

/// Where the line ends that the last byte sent belongs to. `sent` is not 0.
fn end_of_line(lines: &[u8], sent: usize) -> usize {
    // From the last byte sent, for that may be the newline.
    memchr(b'\n', &lines[sent - 1..]).map_or(lines.len(), |at| sent + at)
}
