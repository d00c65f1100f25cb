//! Waiting for several file descriptors at once, and for a time: the one call of poll(2), and
//! writing to what may have to be waited for.

use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What is waited for at a file descriptor. Its end, or an error of it, counts as well.
#[derive(Debug, Clone, Copy)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// Nothing but the end.
    End,
}

/// Waits until at least one of these is ready, or until the deadline. Which are ready stands in their
/// places: none of them when the deadline came first. A signal does not end it.
///
/// # Errors
///
/// When the system cannot watch them.
pub fn wait<const N: usize>(
    watched: [(BorrowedFd<'_>, Interest); N],
    deadline: Option<Instant>,
) -> io::Result<[bool; N]> {
    let mut watched = watched.map(|(file, interest)| PollFd::new(file, flags(interest)));
    loop {
        match poll(&mut watched, timeout(deadline)) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(0) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
            // A state that the library has no name for is none to wait in.
            Ok(_) => return Ok(watched.map(|file| file.any().unwrap_or(true))),
        }
    }
}

/// Waits until `file` is ready. False when the other end of `woken` is closed, and there is nothing to
/// wait for any more.
///
/// # Errors
///
/// When the system cannot watch it.
pub fn wait_unless(file: &impl AsFd, interest: Interest, woken: &impl AsFd) -> io::Result<bool> {
    let [_, is_woken] = wait([(file.as_fd(), interest), (woken.as_fd(), Interest::Read)], None)?;
    Ok(!is_woken)
}

/// Writes all of these bytes, also to a file that is in non-blocking mode: another process that shares it
/// may have set that. Gives up when the other end of `woken` is closed.
///
/// # Errors
///
/// When they cannot be written.
pub fn write_all(
    file: &mut (impl Write + AsFd),
    bytes: &[u8],
    woken: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        match file.write(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => left = &left[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => match woken {
                None => wait([(file.as_fd(), Interest::Write)], None).map(drop)?,
                Some(woken) if wait_unless(file, Interest::Write, &woken)? => {}
                Some(_) => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn flags(interest: Interest) -> PollFlags {
    match interest {
        Interest::Read => PollFlags::POLLIN,
        Interest::Write => PollFlags::POLLOUT,
        Interest::End => PollFlags::empty(),
    }
}

/// What `poll` takes. It counts in milliseconds, and waits a little longer rather than shorter.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}
