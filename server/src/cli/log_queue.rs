//! The way of the log to stderr. Nobody waits for it: a terminal that was stopped by Ctrl-S or a full
//! pipe must not hold up the chat.
//!
//! Lines wait in a queue of a bounded number of bytes, and a thread of its own writes them. What comes
//! while the queue is full is dropped, and a line says how much that was as soon as one can be written.
//! A logger can ask first ([`LogQueue::count_dropped`]), since to make a line takes far longer than to
//! count it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Bytes of lines that wait at most: some ten thousand lines.
const BYTES: usize = 1024 * 1024;

/// A queue of finished lines. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled when there is something to write, and when all is written.
    changed: Condvar,
    /// Lines that were dropped after those that wait. It leaves 0, and comes back to it, with the state
    /// locked alone; anybody may count on from there.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    is_writing: bool,
}

impl LogQueue {
    /// Starts the thread that writes to `output`. It is never joined, for it may wait for ever.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn spawn(&self, output: impl Write + Send + 'static) -> io::Result<()> {
        let queue = self.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.run(output)).map(drop)
    }

    /// Counts a line as dropped, if it would be dropped. `false` when it may still be taken, and then it
    /// is not counted. This takes no lock.
    pub fn count_dropped(&self) -> bool {
        let count_on = |dropped| (dropped > 0).then_some(dropped + 1);
        self.0.dropped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count_on).is_ok()
    }

    /// Waits until everything is written, but not longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.0.state.lock();
        while state.is_writing || self.0.has_some(&state) {
            if self.0.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    fn run(&self, mut output: impl Write) {
        let mut state = self.0.state.lock();
        loop {
            while !self.0.has_some(&state) {
                self.0.changed.wait(&mut state);
            }
            let lines = self.0.take(&mut state);
            state.is_writing = true;
            drop(state);
            // Where it fails nobody reads, and there is nobody to tell.
            let _ = output.write_all(&lines).and_then(|()| output.flush());
            state = self.0.state.lock();
            state.is_writing = false;
            self.0.changed.notify_all();
        }
    }
}

impl Shared {
    /// Whether there is anything to write.
    fn has_some(&self, state: &State) -> bool {
        !state.waiting.is_empty() || self.dropped.load(Ordering::Relaxed) > 0
    }

    /// What is to be written next.
    fn take(&self, state: &mut State) -> Vec<u8> {
        let mut lines = std::mem::take(&mut state.waiting);
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let mut note = String::new();
            // Writing to memory does not fail.
            let _ =
                writeln!(note, "{dropped} lines of the log are missing here, for nobody took them");
            lines.extend_from_slice(note.as_bytes());
        }
        lines
    }
}

/// Takes whole lines, one a call. It never waits and never fails.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        // Once one was dropped the others follow it, so that the number stands where they are missing.
        if !self.count_dropped() {
            if state.waiting.len() + line.len() > BYTES {
                self.0.dropped.store(1, Ordering::Relaxed);
            } else {
                state.waiting.extend_from_slice(line);
            }
        }
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(queue: &LogQueue) -> Vec<u8> {
        queue.0.take(&mut queue.0.state.lock())
    }

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let mut queue = LogQueue::default();
        let line = [b'x'; 1024];
        for _ in 0..BYTES / 1024 + 5 {
            queue.write_all(&line).unwrap();
        }
        queue.write_all(b"short\n").unwrap();
        let lines = take(&queue);
        assert_eq!(lines[..BYTES], [b'x'; BYTES]);
        assert_eq!(
            str::from_utf8(&lines[BYTES..]).unwrap(),
            "6 lines of the log are missing here, for nobody took them\n"
        );
        queue.write_all(b"again\n").unwrap();
        assert_eq!(take(&queue), b"again\n");
    }

    #[test]
    fn nobody_waits_for_a_reader_that_does_not_read() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut queue = LogQueue::default();
        queue.spawn(writer).unwrap();
        queue.write_all(&[b'x'; 512 * 1024]).unwrap();
        queue.flush(Duration::ZERO);
        queue.write_all(b"\n").unwrap();
        let mut text = vec![0; 512 * 1024 + 1];
        io::Read::read_exact(&mut reader, &mut text).unwrap();
        queue.flush(Duration::from_secs(60));
        assert!(text.ends_with(b"x\n"));
    }
}
