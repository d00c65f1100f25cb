//! Standard output, for those who print data: without a buffer, and quiet when nobody reads it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use crate::exit::{Exit, Failure};
use crate::sys::poll::write_all;

/// Whether somebody reads what this program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Audience {
    /// Somebody does, as far as one knows.
    There,
    /// Nobody does.
    Gone,
}

/// A handle without Rust's buffer, which would hold back what comes after the last newline.
///
/// # Errors
///
/// When the system has no file descriptor left.
pub fn unbuffered() -> Result<File, Failure> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned().map_err(Failure::local)?))
}

/// Writes all of these bytes.
///
/// # Errors
///
/// When they cannot be written although somebody would read them.
pub fn print(stdout: &mut File, bytes: &[u8]) -> Result<Audience, Failure> {
    match write_all(stdout, bytes, None) {
        Ok(()) => Ok(Audience::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Audience::Gone),
        Err(error) => Err(Failure::new(Exit::Local, format!("cannot write to stdout: {error}"))),
    }
}
