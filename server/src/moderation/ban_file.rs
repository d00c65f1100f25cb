//! The file that bans are kept in, and the one thread that writes it.
//!
//! A disk may hang. The session of an operator who bans waits for the file, but not longer than the server
//! runs. The thread waits as long as the disk hangs; when it still does at the end of a stop it is left, and
//! the server's log says so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::files;

/// How the file is written: the new text, whole or not at all.
type Write = fn(&Path, &str) -> io::Result<()>;

/// The file of bans. Its lock is taken outside the moderation's state, and with no other.
#[derive(Debug)]
pub struct BanFile {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    write: Write,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What the file shall hold, and how often that has changed.
    text: String,
    wanted: u64,
    /// The change that was written last, or could not be.
    done: u64,
    is_stopping: bool,
    has_ended: bool,
}

impl BanFile {
    /// The file at this path. Nothing is written before there is something new.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self::written_by(path, |path, text| files::replace(path, text, true))
    }

    fn written_by(path: PathBuf, write: Write) -> Self {
        let state = Mutex::new(State::default());
        let shared = Shared { path, write, state, changed: Condvar::new() };
        Self { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// Has a text written, and waits until it is, or the server stops. Texts are made one after the
    /// other, and the last one is what the file holds in the end.
    pub fn save(&self, make_text: impl FnOnce() -> String) {
        if let Err(error) = self.start() {
            log::error!("{} cannot be written: no thread: {error}", self.shared.path.display());
            return;
        }
        let mut state = self.shared.state.lock();
        state.text = make_text();
        state.wanted += 1;
        let mine = state.wanted;
        self.shared.changed.notify_all();
        while state.done < mine && !state.is_stopping {
            self.shared.changed.wait(&mut state);
        }
    }

    /// Starts the thread, unless there is one.
    fn start(&self) -> io::Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("bans".to_owned());
            *thread = Some(builder.spawn(move || shared.run())?);
        }
        Ok(())
    }

    /// Nobody waits for the file any more. What was to be written still is.
    pub fn stop_waiting(&self) {
        self.shared.state.lock().is_stopping = true;
        self.shared.changed.notify_all();
    }

    /// Ends the thread. When it still waits for its disk at the deadline it is left, and the log says
    /// so.
    pub fn end(&self, deadline: Instant) {
        self.stop_waiting();
        let Some(thread) = self.thread.lock().take() else { return };
        let mut state = self.shared.state.lock();
        while !state.has_ended && !thread.is_finished() {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        let has_ended = state.has_ended;
        drop(state);
        if !has_ended {
            log::error!(
                "the thread `bans` is left, for its disk does not answer; the last bans are not in {}",
                self.shared.path.display()
            );
        } else if thread.join().is_err() {
            log::error!("the thread `bans` panicked");
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            while state.done == state.wanted {
                if state.is_stopping {
                    state.has_ended = true;
                    self.changed.notify_all();
                    return;
                }
                self.changed.wait(&mut state);
            }
            let (text, wanted) = (state.text.clone(), state.wanted);
            drop(state);
            if let Err(error) = (self.write)(&self.path, &text) {
                let path = self.path.display();
                log::error!("{path} cannot be written, a restart forgets the last bans: {error}");
            }
            state = self.state.lock();
            state.done = wanted;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_saved_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let file = BanFile::new(path.clone());
        for text in ["one\n", "two\n"] {
            file.save(|| text.to_owned());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        file.end(Instant::now() + Duration::from_secs(60));
        assert!(file.thread.lock().is_none());
    }

    /// A write that never comes back stands for a disk that does not answer.
    #[test]
    fn a_disk_that_hangs_holds_up_no_stop() {
        let file = BanFile::written_by(PathBuf::from("bans"), |_, _| {
            loop {
                thread::park();
            }
        });
        thread::scope(|scope| {
            let saving = scope.spawn(|| file.save(String::new));
            while file.shared.state.lock().wanted == 0 {
                thread::yield_now();
            }
            file.stop_waiting();
            saving.join().unwrap();
        });
        file.end(Instant::now());
        assert!(!file.shared.state.lock().has_ended);
    }
}
