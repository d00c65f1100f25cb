//! The lines of a connection, one at a time, without a copy of them.
//!
//! One thread is enough to wait for lines, a deadline and a reader of our output that goes away.
//! This module sends nothing, and prints nothing but remarks.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::{LineDecoder, Reply};

use crate::connection::{LINE_BYTES, Receiver};
use crate::exit::Failure;
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
            let woken = self.poll(deadline, output).map_err(Failure::local)?;
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
            Err(error) => Err(Failure::lost(error)),
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

/// What `poll` takes. It counts in milliseconds, and waits a little longer rather than shorter.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    i32::try_from(left.saturating_add(1))
        .ok()
        .and_then(|left| PollTimeout::try_from(left).ok())
        .unwrap_or(PollTimeout::MAX)
}
