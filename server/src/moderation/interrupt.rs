//! The interrupt: it ends the wait of all sessions for their clients, when one of them has to end.
//!
//! To close a socket's reading side would wake its session too. But then the system answers what the client
//! still sends by a reset, which destroys what the client has not received yet. So where sessions can be
//! removed, each waits for its socket and for the interrupt. It wakes all of them, which costs each a look;
//! but only operators raise it, and they do so seldom.

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

/// Becomes readable (end of file) when the interrupt is raised. After that take a new one.
pub type InterruptWatch = Arc<PipeReader>;

impl Interrupt {
    /// # Errors
    ///
    /// When the system has no pipe to give.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self(Mutex::new((Arc::new(reader), writer))))
    }

    /// What becomes readable at the next interrupt.
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

/// Waits until there is something to read, the interrupt is raised, or the time is over. `true` when there
/// is something to read.
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
