//! The way to stdout: whole lines at once, quiet when nobody reads them.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use crate::exit::{Exit, Failure};
use crate::sanitize::Sanitized;
use crate::sys::poll::write_all;
use crate::sys::stdout::{Audience, print, unbuffered};

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
        let is_terminal = io::stdout().is_terminal();
        Ok(Self { stdout: unbuffered()?, gathered: Vec::new(), is_terminal })
    }

    /// Adds a line. A terminal is shown controls as marks; a pipe gets the line as it is.
    pub fn line(&mut self, line: &str) {
        if self.is_terminal {
            self.gathered.extend_from_slice(Sanitized::new(line).as_bytes());
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
    pub fn flush(&mut self) -> Result<Audience, Failure> {
        let printed = print(&mut self.stdout, &self.gathered);
        self.gathered.clear();
        printed
    }
}

/// Tells the reader of this file descriptor, where there is one, that from now on no line is missed.
///
/// # Errors
///
/// When it cannot be written.
pub fn tell_ready(descriptor: Option<u32>) -> Result<(), Failure> {
    let Some(descriptor) = descriptor else { return Ok(()) };
    let file = OpenOptions::new().write(true).open(format!("/dev/fd/{descriptor}"));
    file.and_then(|mut file| write_all(&mut file, b"ready\n", None)).map_err(|error| {
        let reason = format!("cannot write to file descriptor {descriptor}: {error}");
        Failure::new(Exit::Local, reason)
    })
}

/// To watch whether somebody reads.
impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdout.as_fd()
    }
}
