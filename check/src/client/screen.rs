//! What a client has shown so far.

use std::io::Read;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Bytes after which no more of the output is kept.
const KEPT: usize = 1024 * 1024;

/// The output of a process, which a thread reads.
#[derive(Debug)]
pub(super) struct Screen {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    shown: Mutex<Shown>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Shown {
    bytes: Vec<u8>,
    is_closed: bool,
}

impl Screen {
    /// Reads `output` until it ends.
    pub(super) fn of(mut output: Box<dyn Read + Send>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let showing = Arc::clone(&shared);
        let named = thread::Builder::new().name("client output".to_owned());
        let reader = named.spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = output.read(&mut buffer) {
                if length == 0 {
                    break;
                }
                let mut shown = showing.shown.lock();
                let room = KEPT.saturating_sub(shown.bytes.len());
                shown.bytes.extend_from_slice(&buffer[..length.min(room)]);
                showing.changed.notify_all();
            }
            showing.shown.lock().is_closed = true;
            showing.changed.notify_all();
        })?;
        Ok(Self { shared, reader: Some(reader) })
    }

    /// Waits until `is_there`, or until nothing more can come. What was shown until then.
    pub(super) fn wait(&self, patience: Duration, is_there: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + patience;
        let mut shown = self.shared.shown.lock();
        loop {
            let text = String::from_utf8_lossy(&shown.bytes).into_owned();
            if is_there(&text) || shown.is_closed {
                return text;
            }
            if self.shared.changed.wait_until(&mut shown, end).timed_out() {
                return String::from_utf8_lossy(&shown.bytes).into_owned();
            }
        }
    }

    /// Waits for the thread. The process must have ended.
    pub(super) fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            // It cannot panic.
            let _ = reader.join();
        }
    }
}
