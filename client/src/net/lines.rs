//! The lines of a connection, from the bytes that it brings.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::SyncSender;

use protocol::{LineDecoder, LineError};

use super::halves::Receiver;

/// Bytes in a line from a server. Lines of `history` are longer than any line that is sent.
pub const LINE_BYTES: usize = 64 * 1024;

/// Bytes without the end of a line, after which no end is waited for any more: whoever sends them is no chat
/// server, and each of them would count as a sign of life.
const UNTERMINATED_BYTES: usize = 16 * LINE_BYTES;

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
    /// How many bytes have come since the last end of a line.
    unterminated: usize,
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
        // The decoder holds no more than one line. A stream without newlines is ended by `read`.
        let decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        let chunk = vec![0; CHUNK_BYTES].into();
        Self { receiver, decoder, chunk, start: 0, end: 0, unterminated: 0 }
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
    /// When the connection broke, or brings a line without an end.
    pub fn read(&mut self) -> io::Result<bool> {
        (self.start, self.end) = (0, 0);
        match self.receiver.read(&mut self.chunk) {
            // With TLS, bytes may bring nothing yet.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            read => {
                let length = read?;
                let newline = self.chunk[..length].iter().rposition(|&byte| byte == b'\n');
                self.unterminated =
                    newline.map_or(self.unterminated + length, |newline| length - newline - 1);
                if self.unterminated > UNTERMINATED_BYTES {
                    let what = "the server sends a line without an end";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                self.end = length;
                Ok(length > 0)
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
