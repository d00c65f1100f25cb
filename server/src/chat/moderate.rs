//! What operators do to the chat. Whether somebody is an operator is known to its session.
//!
//! Nobody leaves a room from here: who has to go is told, and its own session does the rest.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::rows::BanRow;
use protocol::{Reply, UserName};

use super::change::{Change, Member};
use super::{ANNOUNCEMENT_BYTES, Chat, Seat, State};
use crate::delivery::client::Client;
use crate::delivery::phase::Removal;
use crate::moderation::bans::Target;
use crate::moderation::interrupt::Interrupt;
use crate::moderation::{Checked, after};

impl Chat {
    /// Whether the chat has operators.
    #[must_use]
    pub fn has_operators(&self) -> bool {
        self.local.moderation.as_ref().is_some_and(|it| it.door().has_operators())
    }

    /// Whether there is an operator of this name.
    #[must_use]
    pub fn is_operators_name(&self, name: &UserName) -> bool {
        self.local.moderation.as_ref().is_some_and(|it| it.door().operator(name).is_some())
    }

    /// Whether this is the password of the operator of this name. It takes a while.
    #[must_use]
    pub fn check_operator(&self, client: &Client, name: &UserName, password: &str) -> Checked {
        let from = client.address.ip();
        self.local
            .moderation
            .as_ref()
            .map_or(Checked::Wrong, |it| it.check_operator(name, password, from))
    }

    /// For how many minutes a user is to say nothing. `None` when it may speak.
    #[must_use]
    pub fn muted(&self, name: &UserName) -> Option<u64> {
        self.local.moderation.as_ref()?.muted(name)
    }

    /// Checks that a name or an address is not banned. A session asks before it asks for a secret, and
    /// [`Chat::login`] asks again while the chat is locked, since a ban may come meanwhile.
    ///
    /// # Errors
    ///
    /// Gives the refusal when it is banned.
    pub fn check_ban(&self, who: &Target) -> Result<(), Reply<'static>> {
        match self.local.moderation.as_ref().and_then(|moderation| moderation.banned(who)) {
            Some(minutes) => Err(Reply::Banned(minutes)),
            None => Ok(()),
        }
    }

    /// Ends the connection of a user.
    pub fn kick(&self, client: &Client, name: &str, reason: &str) {
        let change = Change::Kick { who: self.member(client), name, reason };
        self.commit(&mut self.state.lock(), &change);
    }

    /// Lets a user say nothing for so many minutes, and tells it.
    pub fn mute(&self, client: &Client, name: &str, minutes: u32) {
        let change = Change::Mute { who: self.member(client), name, minutes };
        self.commit(&mut self.state.lock(), &change);
    }

    /// Keeps somebody out for so many minutes, and ends the connections of those it concerns, but
    /// not the caller's own.
    pub fn ban(&self, client: &Client, target: &Target, minutes: u32) {
        if let Some(moderation) = self.local.moderation.as_ref().filter(|_| self.shared.is_none()) {
            moderation.ban(target.clone(), minutes);
        }
        let change = Change::Ban { who: self.member(client), target: target.clone(), minutes };
        self.commit(&mut self.state.lock(), &change);
    }

    /// Has those clients of this server go whom a ban concerns. They may be in no room.
    pub(super) fn remove_banned(
        &self,
        state: &State,
        who: Member,
        target: &Target,
        minutes: u32,
        now: Timestamp,
    ) -> Vec<Arc<Client>> {
        if let Some(moderation) = self.local.moderation.as_ref().filter(|_| self.shared.is_some()) {
            moderation.ban_until(target.clone(), after(now, minutes));
        }
        if minutes == 0 {
            return Vec::new();
        }
        let mut concerned: Vec<_> = match target {
            Target::Name(name) => state.world.client_of(name).into_iter().cloned().collect(),
            Target::Network(network) => {
                let comes_from = |client: &&Arc<Client>| network.contains(client.address.ip());
                state.connections.iter().filter(comes_from).cloned().collect()
            }
        };
        concerned.retain(|other| self.member(other) != who);
        for other in &concerned {
            other.outbox.remove(Removal::Banned(minutes.into()));
        }
        concerned
    }

    /// Answers `bans`. `false` when clients are owed so much that no list can be made now.
    #[must_use]
    pub fn bans(&self, client: &Client, seat: &Seat) -> bool {
        let Some(moderation) = &self.local.moderation else { return true };
        if client.outbox.owed.is_over() {
            return false;
        }
        let bans = moderation.bans();
        let rows = bans.iter().map(|(target, minutes)| BanRow { target, minutes: *minutes });
        seat.reply_list(client, client.list(Reply::BanList, rows));
        true
    }

    /// Lets sessions that are removed find out, wherever they wait.
    pub(super) fn wake(&self, clients: &[Arc<Client>]) {
        self.gone.notify_all();
        if let Err(error) = self.interrupt().map_or(Ok(()), Interrupt::raise) {
            // That may cost them the last bytes they are owed, but they have to go.
            log::warn!("a removal is forced, for sessions cannot be interrupted: {error}");
            clients.iter().for_each(|client| client.shut_read());
        }
    }

    /// What wakes sessions that are removed. `None` when nobody could remove them.
    #[must_use]
    pub fn interrupt(&self) -> Option<&Interrupt> {
        self.local.moderation.as_ref().map(|moderation| &moderation.interrupt)
    }

    /// Lets everyone in every room see a text.
    pub fn announce(&self, text: &str) {
        let logs: Vec<_> =
            self.state.lock().world.rooms().map(|room| Arc::clone(&room.log)).collect();
        for log in logs {
            log.wait_for_readers(ANNOUNCEMENT_BYTES + text.len());
        }
        self.commit(&mut self.state.lock(), &Change::Announce { text });
    }
}
