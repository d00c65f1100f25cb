//! Signals that end a mode which has something to put in order first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::exit::{Exit, Failure};

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
