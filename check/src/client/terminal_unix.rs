//! A pseudo-terminal for a client that wants one. (openpty(3))

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};

/// Wide enough that no line of a check is broken.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };

/// Gives the command a terminal for its input and output. What is typed is written to the file,
/// and what is shown is read from it.
///
/// The command keeps an end of the terminal until it is dropped.
pub(super) fn attach(command: &mut Command) -> io::Result<File> {
    let pty = openpty(&SIZE, None)?;
    for end in [&pty.master, &pty.slave] {
        // A client that inherited the terminal's other end would never see it close.
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    command.stdin(Stdio::from(pty.slave.try_clone()?)).stdout(Stdio::from(pty.slave));
    command.env("TERM", "xterm");
    Ok(File::from(pty.master))
}
