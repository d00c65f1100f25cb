//! Wakes sessions that wait for their clients, when one of them is to end.
//!
//! Closing a socket's reading side would wake its session too; but then whatever the client still
//! sends is answered by a reset of the connection, and that destroys what the client is owed. So
//! where sessions can be dismissed, each waits for its socket and for the bell. It is rung for all
//! of them, which costs them a look each; but operators ring it, and that is seldom.

use std::io::{self, PipeReader, PipeWriter};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use parking_lot::Mutex;

/// A pipe whose writing end is closed to ring, and then replaced.
#[derive(Debug)]
pub struct Bell(Mutex<(Ear, PipeWriter)>);

/// By this the next ring is heard, and no later one.
pub type Ear = Arc<PipeReader>;

impl Bell {
    /// # Errors
    ///
    /// When the system has no pipe to give.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self(Mutex::new((Arc::new(reader), writer))))
    }

    /// What hears the next ring.
    #[must_use]
    pub fn ear(&self) -> Ear {
        Arc::clone(&self.0.lock().0)
    }

    /// Wakes all who wait.
    ///
    /// # Errors
    ///
    /// When the system has no other pipe to give. Nobody is woken then.
    pub fn ring(&self) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        let rung = std::mem::replace(&mut *self.0.lock(), (Arc::new(reader), writer));
        drop(rung);
        Ok(())
    }
}

/// Waits until there is something to read, the bell rings or the time is over. `true` in the
/// first case.
///
/// # Errors
///
/// When the system cannot wait.
pub fn wait_for_input(stream: &TcpStream, ear: &Ear, time: Option<Duration>) -> io::Result<bool> {
    let time = time
        .map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    let mut awaited = [
        PollFd::new(stream.as_fd(), PollFlags::POLLIN),
        PollFd::new(ear.as_fd(), PollFlags::empty()),
    ];
    match poll(&mut awaited, time) {
        Ok(_) | Err(Errno::EINTR) => Ok(awaited[0].any().unwrap_or(false)),
        Err(error) => Err(error.into()),
    }
}
