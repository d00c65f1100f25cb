//! Standard output and standard error, which may be non-blocking: a pipe is shared with all who have it, and
//! the program that started this one may have set it so.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Takes all that it is given, however long the reader takes. It has no buffer, since one that is cut short
/// does not know what was written.
#[derive(Debug)]
pub struct Patient(File);

/// Standard output.
///
/// # Errors
///
/// When the system has no descriptor left.
pub fn stdout() -> io::Result<Patient> {
    Patient::new(io::stdout())
}

/// Standard error.
///
/// # Errors
///
/// The same.
pub fn stderr() -> io::Result<Patient> {
    Patient::new(io::stderr())
}

impl Patient {
    fn new(stream: impl AsFd) -> io::Result<Self> {
        Ok(Self(File::from(stream.as_fd().try_clone_to_owned()?)))
    }

    fn wait_for_space(&self) -> io::Result<()> {
        match poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_space()?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
