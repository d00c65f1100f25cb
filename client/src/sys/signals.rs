//! Signals that end a mode which has something to put in order first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::exit::{Exit, Failure};

/// Leaves alone those signals that the parent process wants to be ignored, as `nohup` does, and a shell for what runs in the background of a script: a handler of ours would take them again. To be called
/// before any thread is made, for threads inherit which signals are held back.
///
/// Linux tells which they are (proc(5), `SigIgn`). Where the system does not, all are taken.
pub fn leave_ignored() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let ours = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    // The bits count from one, as the signals do.
    let held: SigSet =
        ours.into_iter().filter(|&signal| ignored >> (signal as i32 - 1) & 1 == 1).collect();
    // It fails for no set of signals that exist.
    let _ = held.thread_block();
}

/// Whether a signal has come.
#[derive(Debug)]
pub struct Signals(Arc<AtomicBool>);

impl Signals {
    /// From now on SIGINT, SIGTERM and SIGHUP call `end`. A second one ends the process at once:
    /// what is to be put in order may wait for somebody who reads no more.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn call(mut end: impl FnMut() + Send + 'static) -> Result<Self, Failure> {
        let has_come = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&has_come);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::AcqRel) {
                // `exit` here would skip what `main` puts in order just the same, and SIGTERM comes to
                // this handler.
                let _ = kill(Pid::this(), Signal::SIGKILL);
            }
            end();
        })
        .map_err(|error| Failure::new(Exit::Local, format!("cannot wait for signals: {error}")))?;
        Ok(Self(has_come))
    }

    /// Whether one has come, and is the reason why all has ended.
    #[must_use]
    pub fn have_come(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
