//! Applies the records of all servers to the chat, in their one order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use jiff::Timestamp;
use ordered_log::{Apply, Entry, Restored, Status};

use super::agreement::differences;
use super::note::Note;
use crate::chat::Chat;
use crate::chat::change::Change;
use crate::chat::world::Saved;

/// A server that has said nothing while this one has said so often that it lives is silent.
const BEATS: u32 = 5;

/// What the follower's thread has.
pub struct Follower {
    chat: Arc<Chat>,
    notes: SyncSender<Note>,
    own: u64,
    /// How often this server has said that it lives since something was heard of another one. Only this
    /// server counts so; what comes of it goes into the log.
    beats: HashMap<u64, u32>,
    /// What the servers have to be told alike, as this one was told it.
    settings: String,
    /// Servers whose settings were compared with these, this one once it has heard itself: what came before
    /// that is of the past, and may be of servers that are gone.
    compared: HashSet<u64>,
    /// Whether there was a record that this version does not know.
    has_unknown: bool,
}

impl Follower {
    /// The follower of this run of a server.
    #[must_use]
    pub fn new(chat: Arc<Chat>, notes: SyncSender<Note>, own: u64) -> Self {
        let settings = chat.settings();
        Self {
            chat,
            notes,
            own,
            beats: HashMap::new(),
            settings,
            compared: HashSet::new(),
            has_unknown: false,
        }
    }

    /// Says it once when another server was told something else than this one.
    fn compare(&mut self, from: u64, settings: &str) {
        let is_past = from != self.own && !self.compared.contains(&self.own);
        if is_past || !self.compared.insert(from) {
            return;
        }
        let other = differences(&self.settings, settings);
        if !other.is_empty() {
            let options = other.join(", ");
            log::warn!("server {from:016x} has another {options}: give all servers the same");
        }
    }

    fn note(&self, note: Note) {
        if let Err(error) = self.notes.try_send(note) {
            log::warn!("left undone, for too much is to be done for other servers: {error}");
        }
    }

    /// Counts what was heard, and notes who is silent.
    fn listen(&mut self, from: u64, is_beat: bool) {
        if from != self.own {
            self.beats.insert(from, 0);
        } else if is_beat {
            for server in self.chat.servers().into_iter().filter(|server| *server != self.own) {
                let beats = self.beats.entry(server).or_default();
                *beats += 1;
                if beats.is_multiple_of(BEATS) {
                    self.note(Note::Silent(server));
                }
            }
        }
    }
}

/// The time as all servers keep it, also those that have it from the saved state. The engine's clock has
/// years that a timestamp has too.
fn whole_microseconds(time: SystemTime) -> Timestamp {
    let time = Timestamp::try_from(time).unwrap_or_default();
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or_default()
}

impl Apply for Follower {
    fn apply(&mut self, entry: &Entry<'_>) {
        let from = entry.origin.0;
        let now = whole_microseconds(entry.time);
        match Change::from_record(entry.record, from) {
            Ok(change) => {
                if let Some((sender, receiver)) = self.chat.follow(from, &change, now) {
                    self.note(Note::Undelivered(sender, receiver));
                }
                self.listen(from, matches!(change, Change::Alive { .. }));
                match change {
                    Change::Alive { settings } => self.compare(from, settings),
                    Change::Gone { server } => {
                        self.beats.remove(&server);
                        log::info!("server {server:016x} is gone, with its users");
                    }
                    _ => {}
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_unknown, true) {
                    log::error!("{error}; this server may show something else than others do");
                }
            }
        }
        if from == self.own {
            self.chat.applied(entry.sequence);
        }
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.chat.saved().to_bytes()
    }

    fn restore(&mut self, restored: &Restored<'_>) -> Result<(), String> {
        let saved = Saved::from_bytes(restored.state).map_err(|error| error.to_string())?;
        let now = whole_microseconds(restored.time);
        self.chat.restore(saved, now).map_err(|error| error.to_string())?;
        self.beats.clear();
        self.chat.applied(restored.own);
        Ok(())
    }

    fn status(&mut self, status: &Status) {
        // The pulse waits for the queue of the log at most, which is not in the follower's hands.
        let _ = self.notes.send(Note::Status(status.clone()));
    }
}
