//! SIGHUP opens the transcripts anew, as tools that rotate logs expect.
//!
//! The crate `ctrlc` takes SIGHUP for a wish to end. While all threads block the signal, that
//! handler is never called, and one thread waits for the signal instead.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use chat_server::Recorder;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

/// The signal, blocked.
#[derive(Debug)]
pub struct Hangups(SigSet);

impl Hangups {
    /// Blocks the signal in this thread and in all that it makes from now on.
    pub fn block() -> nix::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGHUP);
        signals.thread_block()?;
        Ok(Self(signals))
    }

    /// Reopens the recorder's files at each signal.
    pub fn serve(self, recorder: Arc<Recorder>) -> io::Result<Reopener> {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen_over = Arc::clone(&is_over);
        let wait = move || {
            while self.0.wait().is_ok() && !seen_over.load(Ordering::Acquire) {
                log::info!("the transcripts are opened anew");
                recorder.reopen();
            }
        };
        let thread = thread::Builder::new().name("hangups".to_owned()).spawn(wait)?;
        Ok(Reopener { is_over, thread })
    }
}

/// The thread that waits for the signal.
#[derive(Debug)]
pub struct Reopener {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Reopener {
    /// Ends the thread, by the one thing that it waits for.
    pub fn end(self) {
        self.is_over.store(true, Ordering::Release);
        if kill(Pid::this(), Signal::SIGHUP).is_ok() && self.thread.join().is_err() {
            log::error!("the thread that waits for SIGHUP panicked");
        }
    }
}
