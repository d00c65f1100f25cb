//! Gets sessions out of the wait for their clients, when one of them is to end.
//!
//! Closing a socket's reading side would wake its session too; but then whatever the client still
//! sends is answered by a reset of the connection, and that destroys what the client is owed. So
//! where sessions can be removed, each waits for its socket and for the interrupt. It is raised
//! for all of them, which costs each a look; but operators raise it, and that is seldom.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use parking_lot::Mutex;

/// A pipe whose writing end is closed to raise the interrupt. Then another pipe takes its place.
#[derive(Debug)]
pub struct Interrupt(Mutex<(InterruptWatch, PipeWriter)>);

/// Readable (end of file) once the interrupt was raised. Take a new one after that.
pub type InterruptWatch = Arc<PipeReader>;

impl Interrupt {
    /// # Errors
    ///
    /// When the system has no pipe to give.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self(Mutex::new((Arc::new(reader), writer))))
    }

    /// What tells of the next interrupt.
    #[must_use]
    pub fn watch(&self) -> InterruptWatch {
        Arc::clone(&self.0.lock().0)
    }

    /// Wakes all who wait.
    ///
    /// # Errors
    ///
    /// When the system has no other pipe to give. Nobody is woken then.
    pub fn raise(&self) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        let raised = std::mem::replace(&mut *self.0.lock(), (Arc::new(reader), writer));
        drop(raised);
        Ok(())
    }
}

/// Waits until there is something to read, the interrupt is raised or the time is over. `true` in
/// the first case.
///
/// # Errors
///
/// When the system cannot wait.
pub fn wait_for_input(
    socket: &impl AsFd,
    interrupt: &InterruptWatch,
    time: Option<Duration>,
) -> io::Result<bool> {
    let time = time
        .map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    let mut awaited = [
        PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        PollFd::new(interrupt.as_fd(), PollFlags::empty()),
    ];
    match poll(&mut awaited, time) {
        Ok(_) | Err(Errno::EINTR) => Ok(awaited[0].any().unwrap_or(false)),
        Err(error) => Err(error.into()),
    }
}
