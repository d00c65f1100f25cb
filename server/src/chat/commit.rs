//! The way of a change, from the session that has decided it to the world that applies it. Where several
//! servers are one chat it leads through their log, and so does the way of what is said.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use parking_lot::MutexGuard;

use super::change::{Change, Member};
use super::shared::Shared;
use super::talk::refuse_muted;
use super::world::Effects;
use super::{Chat, Membership, Seat, State};
use crate::delivery::client::Client;

impl Chat {
    /// Has a change applied. A server that is a chat by itself applies it at once. One of several gives it to
    /// their log, and waits until it has come back and was applied. `false` when the server stops before.
    ///
    /// The chat is unlocked during that wait, and while removed clients are woken: so what the caller knew of
    /// the state before may have changed when this returns.
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

    /// The same for a client that comes in. Where the log is lost meanwhile, this server gets another number
    /// with the next log: then `change` makes the change anew. Gives the client as other servers know it;
    /// `None` when the server stops before.
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

    /// What [`Chat::say`] does where several servers are one chat: gives the lines to their log, from
    /// where they come back into the room's. Waits until the lines before these have come back, and the
    /// room's log is not too far ahead of its readers here; it knows nothing of other servers' readers.
    pub(super) fn submit(
        &self,
        shared: &Shared,
        client: &Client,
        membership: &Membership,
        lines: &str,
    ) {
        let who = self.member(client);
        shared.wait(membership.last_said.get(), || self.remind(who));
        membership.seat.log.wait_for_readers(lines.len());
        if client.outbox.is_removed() {
            return;
        }
        if let Some(minutes) = self.muted(&membership.name) {
            return refuse_muted(client, membership, lines, minutes);
        }
        let change = Change::Say { who, lines };
        if let Some(ticket) = shared.submit(&change.to_record()) {
            membership.last_said.set(ticket);
        }
    }

    /// Where several servers are one chat, waits until all that a user has said has come back: so the
    /// reply to its next request comes behind that.
    pub fn wait_until_seen(&self, client: &Client, membership: &Membership) {
        if let Some(shared) = &self.shared {
            let who = self.member(client);
            shared.wait(membership.last_said.get(), || self.remind(who));
        }
    }

    /// Where several servers are one chat, sees to it that the client's connection is closed, also when
    /// the change that would do so never comes back, or found the user gone. A second `Close` does
    /// nothing.
    pub(super) fn post_end(&self, client: &Client, seat: &Seat) {
        if self.shared.is_some() {
            let log = seat.log.lock();
            let refused = client.post_end(log.end());
            drop(log);
            drop(refused);
        }
    }

    /// Applies a change here.
    pub(super) fn apply(&self, state: &mut State, change: &Change<'_>, now: Timestamp) -> Effects {
        let removed = match change {
            // First: an operator who reads the answer shall hear nothing more of them.
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

    /// The number of this run of the server.
    pub(super) fn server(&self) -> u64 {
        self.server.load(Ordering::Relaxed)
    }

    /// A client of this server, as all servers know it.
    pub(super) fn member(&self, client: &Client) -> Member {
        Member { server: self.server(), client: client.id }
    }
}
