//! The lines of a connection, from the bytes that it brings.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::SyncSender;

use protocol::{LineDecoder, LineError};

use super::halves::Receiver;

/// Bytes in a line from a server. Lines of `history` are longer than any line that is sent.
pub const LINE_BYTES: usize = 64 * 1024;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// One line from a server, without its end, or what stood in its place.
pub type Line = Result<String, LineError>;

/// Makes lines of what a connection receives, without a copy of them.
#[derive(Debug)]
pub struct LineReader {
    receiver: Receiver,
    decoder: LineDecoder,
    chunk: Box<[u8]>,
    /// What of the chunk is not yet decoded.
    start: usize,
    end: usize,
}

/// What a reader thread reports.
#[derive(Debug)]
pub enum Incoming {
    /// Lines, in their order.
    Lines(Vec<Line>),
    /// Nothing follows. The error is there when the connection broke.
    Closed(Option<io::Error>),
}

impl LineReader {
    /// Reads lines of `receiver`.
    #[must_use]
    pub fn new(receiver: Receiver) -> Self {
        // The decoder holds no more than one line, so a stream without newlines needs no end.
        let decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        Self { receiver, decoder, chunk: vec![0; CHUNK_BYTES].into(), start: 0, end: 0 }
    }

    /// Whether bytes are here that no `poll` of the socket tells of.
    #[must_use]
    pub fn has_buffered(&self) -> bool {
        self.receiver.has_buffered()
    }

    /// Waits for bytes and reads them. False when the server has closed, and nothing follows. The
    /// lines before must have been taken, or they are lost.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub fn read(&mut self) -> io::Result<bool> {
        (self.start, self.end) = (0, 0);
        match self.receiver.read(&mut self.chunk) {
            // With TLS, bytes may bring nothing yet.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            read => {
                self.end = read?;
                Ok(self.end > 0)
            }
        }
    }

    /// Gives each line that has come already to `take`, until it breaks off. The lines after that
    /// one are there next time.
    pub fn each<T>(
        &mut self,
        mut take: impl FnMut(Result<&str, LineError>) -> ControlFlow<T>,
    ) -> Option<T> {
        let mut rest = &self.chunk[self.start..self.end];
        while let Some(line) = self.decoder.next(&mut rest) {
            self.start = self.end - rest.len();
            if let ControlFlow::Break(answer) = take(line) {
                return Some(answer);
            }
        }
        self.start = self.end;
        None
    }

    /// The lines that the next bytes complete: perhaps none, perhaps thousands. `None` at the end.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub fn next_batch(&mut self) -> io::Result<Option<Vec<Line>>> {
        let mut lines = Vec::new();
        if !self.read()? {
            lines.extend(self.decoder.finish().map(|line| line.map(str::to_owned)));
            return Ok((!lines.is_empty()).then_some(lines));
        }
        self.each(|line| {
            lines.push(line.map(str::to_owned));
            ControlFlow::<()>::Continue(())
        });
        Ok(Some(lines))
    }

    /// Feeds a bounded channel until the server closes. This is the body of a reader thread; it
    /// also ends when nobody listens to the channel any more.
    pub fn feed<T: From<Incoming>>(mut self, channel: &SyncSender<T>) {
        loop {
            let (incoming, is_end) = match self.next_batch() {
                Ok(Some(lines)) => (Incoming::Lines(lines), false),
                Ok(None) => (Incoming::Closed(None), true),
                Err(error) => (Incoming::Closed(Some(error)), true),
            };
            if channel.send(incoming.into()).is_err() || is_end {
                return;
            }
        }
    }
}

/// To wait for bytes.
impl AsFd for LineReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}
