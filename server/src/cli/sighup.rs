//! SIGHUP opens the transcripts anew, as tools that rotate logs expect, and reads the certificate anew,
//! as tools that renew one expect.
//!
//! The crate `ctrlc` takes SIGHUP for a wish to end. While all threads block the signal, that
//! handler is never called, and one thread waits for the signal instead.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use chat_server::{Identity, Recorder};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

/// What a signal has read or opened anew.
#[derive(Debug)]
pub struct Reloads {
    /// The transcripts, where there are some.
    pub recorder: Option<Arc<Recorder>>,
    /// The certificate and its key, where there is one.
    pub identity: Option<Arc<Identity>>,
}

impl Reloads {
    fn reload(&self) {
        if let Some(recorder) = &self.recorder {
            log::info!("the transcripts are opened anew");
            recorder.reopen();
        }
        if let Some(identity) = &self.identity {
            match identity.reload() {
                Ok(()) => log::info!("the certificate is read anew; its pin is {}", identity.pin()),
                Err(error) => log::error!("the old certificate stays in use: {error}"),
            }
        }
    }
}

/// SIGHUP, blocked in all threads, until a thread waits for it.
#[derive(Debug)]
pub struct BlockedSighup(SigSet);

impl BlockedSighup {
    /// Blocks the signal in this thread and in all that it makes from now on.
    pub fn block() -> nix::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGHUP);
        signals.thread_block()?;
        Ok(Self(signals))
    }

    /// Starts the thread that reloads at each signal.
    pub fn serve(self, reloads: Reloads) -> io::Result<SighupThread> {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen_over = Arc::clone(&is_over);
        let wait = move || {
            while self.0.wait().is_ok() && !seen_over.load(Ordering::Acquire) {
                reloads.reload();
            }
        };
        let thread = thread::Builder::new().name("sighup".to_owned()).spawn(wait)?;
        Ok(SighupThread { is_over, thread })
    }
}

/// The thread that waits for the signal.
#[derive(Debug)]
pub struct SighupThread {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl SighupThread {
    /// Ends the thread, by the one thing that it waits for.
    pub fn end(self) {
        self.is_over.store(true, Ordering::Release);
        if kill(Pid::this(), Signal::SIGHUP).is_ok() && self.thread.join().is_err() {
            log::error!("the thread that waits for SIGHUP panicked");
        }
    }
}
