//! Which of a courier's clients read which log, and which of those are not up to date.
//!
//! This module knows no socket, lock or thread.

use std::collections::{BTreeSet, HashMap};

use crate::delivery::inbox::ClientId;

/// The clients of one courier that read one log.
#[derive(Debug, Default)]
pub struct Audience {
    /// All of them.
    pub readers: BTreeSet<ClientId>,
    /// Those whose next step waits for space in their sockets, or for their turn.
    pub behind: BTreeSet<ClientId>,
}

/// The clients of one courier, by the number of the log that they read. Those in the login room
/// read none, and are not in here.
#[derive(Debug, Default)]
pub struct Audiences(HashMap<u64, Audience>);

impl Audiences {
    /// Who reads this log. `None` when nobody does.
    #[must_use]
    pub fn of(&self, log: u64) -> Option<&Audience> {
        self.0.get(&log)
    }

    /// The client reads this log from now on.
    pub fn enter(&mut self, log: u64, client: ClientId, is_behind: bool) {
        let audience = self.0.entry(log).or_default();
        audience.readers.insert(client);
        if is_behind {
            audience.behind.insert(client);
        }
    }

    /// The client does not read this log any more.
    pub fn leave(&mut self, log: u64, client: ClientId) {
        let Some(audience) = self.0.get_mut(&log) else { return };
        audience.readers.remove(&client);
        audience.behind.remove(&client);
        if audience.readers.is_empty() {
            self.0.remove(&log);
        }
    }

    /// Notes whether a reader of this log is up to date.
    pub fn set_behind(&mut self, log: u64, client: ClientId, is_behind: bool) {
        let Some(audience) = self.0.get_mut(&log) else { return };
        if is_behind {
            audience.behind.insert(client);
        } else {
            audience.behind.remove(&client);
        }
    }
}
