//! How many bytes the items of one outbox take, and on whose account.
//!
//! This module knows no item, only its size.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::delivery::inbox::ClientId;

/// Counts of bytes, of one client.
#[derive(Debug, Default)]
pub struct ItemBytes {
    /// What the items take that the client has asked for.
    pub own: usize,
    /// What the private messages take, all together and of each sender.
    mail: usize,
    pub(super) senders: HashMap<ClientId, usize>,
    /// What the texts took that the courier has taken last, and may not have sent yet.
    pub taken: usize,
}

impl ItemBytes {
    /// An item of so many bytes waits now. It has a sender when it is a private message.
    pub fn add(&mut self, bytes: usize, sender: Option<ClientId>) {
        let Some(sender) = sender else {
            self.own += bytes;
            return;
        };
        self.mail += bytes;
        *self.senders.entry(sender).or_default() += bytes;
    }

    /// It waits no more.
    pub fn remove(&mut self, bytes: usize, sender: Option<ClientId>) {
        let Some(sender) = sender else {
            self.own -= bytes;
            return;
        };
        self.mail -= bytes;
        if let Entry::Occupied(mut of_sender) = self.senders.entry(sender) {
            *of_sender.get_mut() -= bytes;
            if *of_sender.get() == 0 {
                of_sender.remove();
            }
        }
    }

    /// Whether a message of this sender can wait where all of them have `most` bytes. A sender may
    /// have as much waiting as all of them leave free: so however many there are, something is left
    /// for one more.
    #[must_use]
    pub fn has_space_for(&self, sender: ClientId, most: usize) -> bool {
        let free = most.saturating_sub(self.mail);
        let waiting = self.senders.get(&sender).copied().unwrap_or(0);
        waiting < free
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> usize {
        self.own + self.mail + self.taken
    }
}
