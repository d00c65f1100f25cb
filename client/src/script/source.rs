//! The lines of a connection, one at a time, without a copy of them.
//!
//! One thread is enough to wait for lines, a deadline and a reader of our output that goes away.
//! This module sends nothing, and prints nothing but remarks.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use protocol::{LineDecoder, Reply};

use crate::connection::{LINE_BYTES, Receiver};
use crate::exit::Failure;
use crate::poll::{self, Wanted};
use crate::stderr::remark;

const CHUNK_BYTES: usize = 64 * 1024;

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
    /// The lines of what `receiver` receives.
    #[must_use]
    pub fn new(receiver: Receiver) -> Self {
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
            let receiver = (self.receiver.as_fd(), Wanted::Read);
            let ready = match output {
                Some(output) => poll::wait([receiver, (output, Wanted::End)], deadline),
                None => poll::wait([receiver], deadline).map(|[received]| [received, false]),
            };
            match ready.map_err(Failure::local)? {
                [_, true] => return Ok(Woken::OutputClosed),
                [true, _] => {}
                [false, false] => return Ok(Woken::TimedOut),
            }
        }
        match self.receiver.read(&mut self.chunk) {
            Ok(0) => Ok(Woken::Ended),
            Ok(length) => {
                (self.start, self.end) = (0, length);
                Ok(Woken::Received)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Woken::Received),
            Err(error) => Err(Failure::lost(error)),
        }
    }

    /// Why there is no connection any more.
    #[must_use]
    pub fn ended(&self) -> Failure {
        Failure::lost(self.farewell.as_deref().unwrap_or("the server closed it"))
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
