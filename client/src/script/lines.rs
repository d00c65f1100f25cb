//! The lines of a script's connection, and why there are no more.
//!
//! One thread is enough to wait for lines, a deadline and a reader of our output that goes away.
//! This module sends nothing, and prints nothing but remarks.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use protocol::Reply;

use crate::exit::Failure;
use crate::net::{LineReader, Receiver};
use crate::sys::poll::{self, Interest};
use crate::sys::stderr::warn;

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

/// The lines that a script's connection brings, and a wait for more of them.
#[derive(Debug)]
pub struct ScriptLines {
    reader: LineReader,
    /// What the server said before it closed.
    farewell: Option<String>,
}

impl ScriptLines {
    /// The lines of what `receiver` receives.
    #[must_use]
    pub fn new(receiver: Receiver) -> Self {
        Self { reader: LineReader::new(receiver), farewell: None }
    }

    /// Gives each line that has come already to `take`, until it breaks off. The lines after that
    /// one are there next time.
    pub fn each<T>(&mut self, mut take: impl FnMut(&str) -> ControlFlow<T>) -> Option<T> {
        let Self { reader, farewell } = self;
        reader.each(|line| match line {
            Ok(line) => {
                if is_farewell(line) {
                    *farewell = Some(line.to_owned());
                }
                take(line)
            }
            Err(error) => {
                warn(format_args!("{error}; it was left out"));
                ControlFlow::Continue(())
            }
        })
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
        if !self.reader.has_buffered() {
            let received = (self.reader.as_fd(), Interest::Read);
            let ready = match output {
                Some(output) => poll::wait([received, (output, Interest::End)], deadline),
                None => poll::wait([received], deadline).map(|[received]| [received, false]),
            };
            match ready.map_err(Failure::local)? {
                [_, true] => return Ok(Woken::OutputClosed),
                [true, _] => {}
                [false, false] => return Ok(Woken::TimedOut),
            }
        }
        match self.reader.read() {
            Ok(true) => Ok(Woken::Received),
            Ok(false) => Ok(Woken::Ended),
            Err(error) => Err(Failure::lost(error)),
        }
    }

    /// Why there is no connection any more.
    #[must_use]
    pub fn ended(&self) -> Failure {
        match &self.farewell {
            Some(farewell) => Failure::dismissed(farewell),
            None => Failure::lost("the server closed it"),
        }
    }
}

fn is_farewell(line: &str) -> bool {
    // Nearly every line is something else.
    line.starts_with(['S', 'K', 'B'])
        && matches!(
            Reply::parse(line),
            Some(Reply::ServerShutdown | Reply::ServerCutOff | Reply::Kicked(_) | Reply::Banned(_))
        )
}
