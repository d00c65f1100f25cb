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
    /// The clients that read this log. `None` when there is none.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_nobody_reads_is_forgotten() {
        let mut audiences = Audiences::default();
        audiences.enter(7, 1, false);
        audiences.enter(7, 2, true);
        let audience = audiences.of(7).unwrap();
        assert_eq!(audience.readers, BTreeSet::from([1, 2]));
        assert_eq!(audience.behind, BTreeSet::from([2]));

        audiences.set_behind(7, 1, true);
        audiences.set_behind(7, 2, false);
        assert_eq!(audiences.of(7).unwrap().behind, BTreeSet::from([1]));

        audiences.leave(7, 1);
        let audience = audiences.of(7).unwrap();
        assert_eq!((audience.readers.len(), audience.behind.len()), (1, 0));
        audiences.leave(7, 2);
        assert!(audiences.of(7).is_none());
        // A client that has left is not taken in again by news of its pace.
        audiences.set_behind(7, 2, true);
        assert!(audiences.of(7).is_none());
    }
}
