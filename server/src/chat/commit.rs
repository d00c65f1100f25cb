//! From a session that has decided a change to the world that applies it.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use parking_lot::MutexGuard;

use super::change::{Change, Member};
use super::world::Effects;
use super::{Chat, State};
use crate::delivery::client::Client;

impl Chat {
    /// The one way of a change. A server alone applies it at once, on the thread that has decided it. One
    /// of several gives it to their log, and waits until it has come back and was applied; where the
    /// server stops before, it was not.
    ///
    /// The chat is unlocked meanwhile, and while those are woken that have to go: so what was known
    /// before may not be so any more when this returns. Gives whether it was applied.
    pub(super) fn commit(&self, state: &mut MutexGuard<'_, State>, change: &Change<'_>) -> bool {
        if let Some(shared) = &self.shared {
            return MutexGuard::unlocked(state, || {
                shared.submit(&change.to_record()).is_some_and(|ticket| {
                    shared.wait(ticket, || change.who().into_iter().for_each(|it| self.remind(it)))
                })
            });
        }
        let removed = self.apply(state, change, Timestamp::now()).removed;
        if !removed.is_empty() {
            MutexGuard::unlocked(state, || self.wake(&removed));
        }
        true
    }

    /// The same for who comes in, and who this server is may change until then: `change` is made anew with
    /// each log that there is in the meantime. `None` when the server stops before one has it.
    pub(super) fn commit_newcomer<'c>(
        &self,
        state: &mut MutexGuard<'_, State>,
        client: &Client,
        change: impl Fn(Member) -> Change<'c>,
    ) -> Option<Member> {
        loop {
            let who = self.member(client);
            if self.commit(state, &change(who)) {
                return Some(who);
            }
            if state.is_stopping {
                return None;
            }
            if let Some(shared) = &self.shared {
                MutexGuard::unlocked(state, || shared.wait_for_log());
            }
        }
    }

    /// Applies a change here.
    pub(super) fn apply(&self, state: &mut State, change: &Change<'_>, now: Timestamp) -> Effects {
        let removed = match change {
            // First, so that whoever reads the answer hears nothing more of them.
            Change::Ban { who, target, minutes } => {
                self.remove_banned(state, *who, target, *minutes, now)
            }
            _ => Vec::new(),
        };
        let newcomer = match change {
            Change::Enter { who, .. } | Change::Watch { who, .. }
                if who.server == self.server() =>
            {
                state.connections.get(who.client).cloned()
            }
            _ => None,
        };
        let mut effects = state.world.apply(change, now, newcomer.as_ref());
        if matches!(change, Change::Leave { .. } | Change::Free { .. } | Change::Gone { .. }) {
            self.gone.notify_all();
        }
        effects.removed.extend(removed);
        effects
    }

    /// Which run of a server this is.
    pub(super) fn server(&self) -> u64 {
        self.server.load(Ordering::Relaxed)
    }

    /// Who a client of this server is.
    pub(super) fn member(&self, client: &Client) -> Member {
        Member { server: self.server(), client: client.id }
    }
}
