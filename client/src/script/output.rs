//! The way to stdout: whole lines at once, quiet when nobody reads them.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

use crate::exit::{Exit, Failure};
use crate::sanitize::Safe;

/// Whether somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Reader {
    /// Somebody does, as far as one knows.
    There,
    /// Nobody does.
    Gone,
}

/// Lines on their way to stdout. What was added is not seen before a [`Output::flush`].
#[derive(Debug)]
pub struct Output {
    stdout: File,
    gathered: Vec<u8>,
    is_terminal: bool,
}

impl Output {
    /// Takes stdout, without the buffer that Rust gives it.
    ///
    /// # Errors
    ///
    /// When the system has no file descriptor left.
    pub fn new() -> Result<Self, Failure> {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let stdout = File::from(stdout.as_fd().try_clone_to_owned().map_err(Failure::local)?);
        Ok(Self { stdout, gathered: Vec::new(), is_terminal })
    }

    /// Adds a line. A terminal is shown controls as marks; a pipe gets the line as it is.
    pub fn line(&mut self, line: &str) {
        if self.is_terminal {
            self.gathered.extend_from_slice(Safe::new(line).as_bytes());
        } else {
            self.gathered.extend_from_slice(line.as_bytes());
        }
        self.gathered.push(b'\n');
    }

    /// Writes what was added.
    ///
    /// # Errors
    ///
    /// When it cannot be written although somebody would read it.
    pub fn flush(&mut self) -> Result<Reader, Failure> {
        let written = self.stdout.write_all(&self.gathered);
        self.gathered.clear();
        match written {
            Ok(()) => Ok(Reader::There),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => {
                Err(Failure::new(Exit::Local, format!("cannot write to stdout: {error}")))
            }
        }
    }
}

/// To watch whether somebody reads.
impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdout.as_fd()
    }
}
