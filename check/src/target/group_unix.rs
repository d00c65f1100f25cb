//! A process and all that it starts, as a process group. (setpgid(2), kill(2))

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The group that a child leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(Pid);

/// Lets the process lead a group of its own.
pub fn own(command: &mut Command) {
    command.process_group(0);
}

impl Group {
    /// The group of a child that was started with [`own`].
    pub fn of(child: &Child) -> Self {
        // A process id is positive and fits.
        Self(Pid::from_raw(child.id().cast_signed()))
    }

    /// Ends every process of the group at once.
    pub fn end(self) {
        // It fails when nobody is left, which is what is wanted.
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}
