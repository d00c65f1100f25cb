//! Several servers that are one chat: all changes go through one ordered log, and each server applies
//! them to its own world.
//!
//! Two threads of the crate `ordered-log` append and follow; the follower calls [`follower`]. A third one,
//! [`pulse`], does what takes time or has its hours: it says that this server lives, says which ones do
//! not, tells clients when the engine is away, and begins anew when the log is lost.
//!
//! Nothing in here knows a socket or a session.

mod agreement;
mod follower;
mod note;
mod pulse;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use ordered_log::Options;

use self::note::Note;
use self::pulse::Pulse;
use crate::chat::Chat;
use crate::config::SharedLog;
use crate::files;

/// Notes that wait for the pulse. More than these are dropped, and the server's log says so.
const NOTES: usize = 1024;

/// A chat's share in a log, until it is stopped.
#[derive(Debug)]
pub struct Cluster {
    notes: SyncSender<Note>,
    pulse: JoinHandle<()>,
}

impl Cluster {
    /// Connects, brings the chat to where the others are, and follows from there.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the engine, or with the file of the authorities, and what to do.
    pub fn start(chat: Arc<Chat>, config: &SharedLog) -> io::Result<Self> {
        let mut options = Options::new(config.address.clone());
        if let Some(path) = &config.password {
            let password = files::read_text(path)?;
            options.address = options.address.with_password(password.trim_end().to_owned());
        }
        if let Some(path) = &config.authorities {
            options.authorities = Some(files::read_text(path)?.into_bytes());
        }
        let (notes, received) = sync_channel(NOTES);
        let mut pulse = Pulse::new(chat, options, notes.clone(), received, config.pulse);
        pulse.start().map_err(|error| io::Error::other(error.to_string()))?;
        let thread = thread::Builder::new().name("cluster-pulse".to_owned());
        let pulse = thread.spawn(move || pulse.run()).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start a thread: {error}; see `ulimit -u`"))
        })?;
        Ok(Self { notes, pulse })
    }

    /// Says that this server goes, appends what is left if the engine answers until `deadline`, and joins
    /// the threads.
    pub fn stop(self, deadline: Instant) {
        // It fails when the pulse has ended by a panic, which was told.
        let _ = self.notes.send(Note::Stop(deadline));
        let _ = self.pulse.join();
    }
}
