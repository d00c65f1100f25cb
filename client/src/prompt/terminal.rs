//! The terminal's modes, and its signals: however the program ends, it leaves a sane terminal.
//!
//! rustyline sets the modes it needs while it reads a line. Between two lines this module keeps the
//! terminal from echoing what is typed ahead and from turning a Ctrl-C into a signal.

use std::io;
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::Pid;
use parking_lot::Mutex;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, RepeatCount};

use crate::exit::{Exit, Failure};
use crate::sys::stdout::{print, unbuffered};
use crate::view::display_queue::DisplayQueue;

/// Has the terminal remember the title of its window, and take it back (xterm's control sequences).
const KEEP_TITLE: &str = "\x1b[22;2t";
const TAKE_TITLE_BACK: &str = "\x1b[23;2t";

/// The terminal as it was found. Dropping it brings that state back.
pub struct Terminal {
    found: Termios,
}

impl Terminal {
    /// Takes the terminal at standard input.
    ///
    /// # Errors
    ///
    /// When that is no terminal.
    pub fn take() -> Result<Self, Failure> {
        let failed = |errno| Failure::new(Exit::Local, format!("cannot use the terminal: {errno}"));
        let found = tcgetattr(io::stdin()).map_err(failed)?;
        let mut quiet = found.clone();
        quiet.local_flags &= !(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &quiet).map_err(failed)?;
        write(KEEP_TITLE);
        Ok(Self { found })
    }

    /// Writes whole lines.
    pub fn write(&self, text: &str) {
        write(text);
    }

    /// Lets Ctrl-C end the program, as a signal, until what is returned is dropped.
    pub fn interruptible(&self) -> Interruptible {
        let quiet = tcgetattr(io::stdin()).ok();
        if let Some(quiet) = &quiet {
            let mut modes = quiet.clone();
            modes.local_flags |= LocalFlags::ISIG;
            for key in [SpecialCharacterIndices::VQUIT, SpecialCharacterIndices::VSUSP] {
                modes.control_chars[key as usize] = nix::libc::_POSIX_VDISABLE;
            }
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &modes);
        }
        Interruptible { quiet }
    }

    /// What to bind to Ctrl-Z.
    #[must_use]
    pub fn suspend(&self, queue: Arc<DisplayQueue>) -> Suspend {
        Suspend { found: Mutex::new(self.found.clone()), queue }
    }
}

/// A time in which Ctrl-C ends the program.
pub struct Interruptible {
    quiet: Option<Termios>,
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        if let Some(quiet) = &self.quiet {
            // Nothing can be done for a terminal that is gone.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, quiet);
        }
    }
}

/// Ctrl-Z: the shell gets the terminal as it left it, and gives it back with `fg`.
pub struct Suspend {
    /// Locked only because rustyline wants what it calls to be fit for many threads.
    found: Mutex<Termios>,
    queue: Arc<DisplayQueue>,
}

impl ConditionalEventHandler for Suspend {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        let editing = tcgetattr(io::stdin()).ok()?;
        let found = self.found.lock().clone();
        write(&format!("{TAKE_TITLE_BACK}\x1b[?2004l\n"));
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &found);
        // The whole job, as the terminal itself does it. It returns when the job goes on.
        let _ = kill(Pid::from_raw(0), Signal::SIGTSTP);
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &editing);
        write(&format!("\x1b[?2004h{KEEP_TITLE}"));
        self.queue.overdrawn();
        Some(Cmd::Repaint)
    }
}

/// A terminal that is gone makes itself heard by SIGHUP.
fn write(text: &str) {
    let _ = unbuffered().map(|mut stdout| print(&mut stdout, text.as_bytes()));
}

impl Drop for Terminal {
    fn drop(&mut self) {
        write(TAKE_TITLE_BACK);
        // Nothing can be done for a terminal that is gone.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.found);
    }
}

/// Makes SIGTERM and SIGHUP end the program the usual way.
///
/// # Errors
///
/// When the system refuses.
pub fn leave_on_signals(queue: Arc<DisplayQueue>) -> Result<(), Failure> {
    ctrlc::set_handler(move || leave(&queue, Exit::Signal))
        .map_err(|error| Failure::new(Exit::Local, format!("cannot wait for signals: {error}")))
}

/// Ends the program, from any thread. The thread that reads the keys does it.
pub fn leave(queue: &DisplayQueue, exit: Exit) {
    if queue.leave(exit) {
        // The one way to get a thread out of rustyline. While rustyline is not yet, or no longer,
        // prepared for it, the handler of `leave_on_signals` takes it and comes here again.
        let _ = kill(Pid::this(), Signal::SIGINT);
    }
}
