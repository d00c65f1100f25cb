//! How the phase of a connection goes forward: it is removed, and its delivery ends.

use std::collections::VecDeque;

use super::Outbox;
use crate::delivery::item::Item;
use crate::delivery::phase::{DeliveryEnd, Failure, Phase, Removal};
use crate::log::position::Position;

impl Outbox {
    /// Has the session end, for this reason. Does nothing when it has another reason or ends already. A
    /// session that waits for its socket has to be interrupted too, by `Interrupt::raise`.
    pub fn remove(&self, removal: Removal) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.removal = Some(removal.clone());
            state.phase = Phase::Removed(removal);
            self.changed.notify_all();
        }
    }

    /// The phase of the connection.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.lock().phase.clone()
    }

    /// Why the session has to end though its client did not ask for it, also when the last words were posted
    /// already. `None` when it does not.
    #[must_use]
    pub fn removal(&self) -> Option<Removal> {
        self.state.lock().removal.clone()
    }

    /// Whether [`Outbox::removal`] gives a reason.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.state.lock().removal.is_some()
    }

    /// For the courier: nothing more will be sent, after a failure or because all was. `unsent` is how many
    /// bytes the client was not sent of what was taken from here, and of its log. Gives back the items that
    /// were not taken, to be dropped while no log is locked.
    pub fn end(&self, failure: Option<Failure>, unsent: u64) -> VecDeque<(Position, Item)> {
        let mut state = self.state.lock();
        let waiting: usize = state.items.iter().map(|(_, item)| item.text_bytes()).sum();
        let owed = unsent + waiting as u64;
        self.owed.remove(std::mem::take(&mut state.bytes).all());
        let end =
            failure.map_or(DeliveryEnd::Delivered, |cause| DeliveryEnd::Failed { cause, owed });
        state.phase = Phase::Ended(end);
        self.changed.notify_all();
        std::mem::take(&mut state.items)
    }
}
