//! What is done with the changes of all servers, in their one order. One thread calls in here, and waits
//! for nobody.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use protocol::Reply;

use super::change::{Change, Member};
use super::shared::{Log, Shared, Ticket};
use super::world::{Effects, Saved, Unreadable};
use super::{Chat, State};
use crate::delivery::client::Client;
use crate::delivery::phase::Removal;
use crate::moderation::bans::Target;

impl Chat {
    /// The order that this chat shares with others. `None` of a server alone.
    #[must_use]
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// What all servers of one chat have to be told alike, as words `--OPTION=VALUE`. No secret can be
    /// guessed from it.
    #[must_use]
    pub fn settings(&self) -> String {
        let door =
            self.local.moderation.as_ref().map(|it| it.door().settings()).unwrap_or_default();
        format!("{door}--max-rooms={}", self.max_rooms)
    }

    /// From now on this run of the server has that number, and no client.
    pub fn set_server(&self, server: u64) {
        self.server.store(server, Ordering::Relaxed);
    }

    /// From now on what sessions decide goes into this log.
    pub fn begin(&self, log: Arc<dyn Log>) {
        if let Some(shared) = &self.shared {
            shared.begin(log);
        }
    }

    /// All records of this server up to this one were applied.
    pub fn applied(&self, number: u64) {
        if let Some(shared) = &self.shared {
            shared.applied(number);
        }
    }

    /// Whether one was, or never will be.
    #[must_use]
    pub fn is_applied(&self, ticket: Ticket) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.is_applied(ticket))
    }

    /// Applies a change of the server `from`, and says what the sender of a message has to be told.
    pub fn follow(
        &self,
        from: u64,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Option<(Member, String)> {
        self.set_time(now);
        let mut state = self.state.lock();
        state.world.note_server(from);
        if state.world.silences(change, now) {
            return None;
        }
        let mut effects = self.apply(&mut state, change, now);
        effects.removed.extend(self.remove_late(&state, change));
        drop(state);
        if !effects.removed.is_empty() {
            self.wake(&effects.removed);
        }
        effects.undelivered
    }

    /// Tells the moderation the time of the order.
    fn set_time(&self, now: Timestamp) {
        if let Some(moderation) = &self.local.moderation {
            moderation.set_time(now);
        }
    }

    /// Removes a client that came in while the ban of its address was on its way here. Only the client's own
    /// server knows the address.
    fn remove_late(&self, state: &State, change: &Change<'_>) -> Option<Arc<Client>> {
        let Change::Enter { who, name, .. } = change else { return None };
        let client = state.world.client_of(name).filter(|client| self.member(client) == *who)?;
        let admitted = self.check_ban(&Target::address(client.address.ip()));
        let Err(Reply::Banned(minutes)) = admitted else { return None };
        client.outbox.remove(Removal::Banned(minutes));
        Some(Arc::clone(client))
    }

    /// All that servers have in common, to be written down while nothing is locked.
    #[must_use]
    pub fn saved(&self) -> Saved {
        self.state.lock().world.saved()
    }

    /// Takes this in place of all that, as it was at that time. Clients stay where they are, but for those that the others took
    /// for gone.
    ///
    /// # Errors
    ///
    /// When another version has written it.
    pub fn restore(&self, saved: Saved, now: Timestamp) -> Result<(), Unreadable> {
        self.set_time(now);
        let mut state = self.state.lock();
        let State { world, connections, .. } = &mut *state;
        let effects =
            world.restore(saved, self.server(), |client| connections.get(client).cloned())?;
        drop(state);
        self.dismiss(&effects);
        Ok(())
    }

    /// The log cannot be followed any more: all users are dismissed, and the chat begins anew.
    pub fn reset(&self) {
        if let Some(shared) = &self.shared {
            shared.end();
        }
        let mut state = self.state.lock();
        let (main, effects) = state.world.reset(self.server(), Timestamp::now());
        *self.main.write() = main;
        drop(state);
        self.dismiss(&effects);
    }

    /// Lets those go on their way who were told to.
    fn dismiss(&self, effects: &Effects) {
        self.gone.notify_all();
        if !effects.removed.is_empty() {
            self.wake(&effects.removed);
        }
    }

    /// The servers of which something was heard.
    #[must_use]
    pub fn servers(&self) -> Vec<u64> {
        self.state.lock().world.servers().collect()
    }

    /// Tells everybody who reads a room at this server. Not who is about to come in: it would take this for
    /// the answer to its login.
    pub fn tell_all(&self, reply: Reply<'_>) {
        for (client, _, seat) in self.state.lock().world.readers() {
            seat.reply(client, reply);
        }
    }

    /// Tells a user that what it wants waits for other servers: so its client does not take this one for
    /// dead.
    pub(super) fn remind(&self, who: Member) {
        self.state.lock().world.answer(who, Reply::LinesWaiting);
    }
}
