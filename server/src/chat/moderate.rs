//! What operators do to the chat. Whether somebody is an operator is known to its session.
//!
//! Nobody leaves a room from here: who has to go is told, and its own session does the rest.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::rows::BanRow;
use protocol::{Event, Reply, UserName};

use super::{ANNOUNCEMENT_BYTES, Chat, Membership, Seat};
use crate::delivery::client::Client;
use crate::delivery::phase::Removal;
use crate::moderation::Checked;
use crate::moderation::bans::Target;
use crate::moderation::interrupt::Interrupt;

impl Chat {
    /// Whether the chat has operators.
    #[must_use]
    pub fn has_operators(&self) -> bool {
        self.moderation.as_ref().is_some_and(|it| it.door().has_operators())
    }

    /// Whether there is an operator of this name.
    #[must_use]
    pub fn is_operators_name(&self, name: &UserName) -> bool {
        self.moderation.as_ref().is_some_and(|it| it.door().operator(name).is_some())
    }

    /// Whether this is the password of the operator of this name. It takes a while.
    #[must_use]
    pub fn check_operator(&self, client: &Client, name: &UserName, password: &str) -> Checked {
        let from = client.address.ip();
        self.moderation
            .as_ref()
            .map_or(Checked::Wrong, |it| it.check_operator(name, password, from))
    }

    /// For how many minutes a user is to say nothing. `None` when it may speak.
    #[must_use]
    pub fn muted(&self, name: &UserName) -> Option<u64> {
        self.moderation.as_ref()?.muted(name)
    }

    /// Gives the refusal when a name or an address is kept out. To be asked while the chat is
    /// locked: then nobody slips in while others of that name are told to go.
    pub(super) fn admit(&self, who: &Target) -> Result<(), Reply<'static>> {
        match self.moderation.as_ref().and_then(|moderation| moderation.banned(who)) {
            Some(minutes) => Err(Reply::Banned(minutes)),
            None => Ok(()),
        }
    }

    /// Ends the connection of a user.
    pub fn kick(&self, client: &Client, membership: &Membership, name: &str, reason: &str) {
        let state = self.state.lock();
        let Some((_, target, _)) = state.present(name) else {
            return membership.seat.reply(client, Reply::NoSuchUser(name));
        };
        let reason = if reason.is_empty() { "no reason given" } else { reason };
        let target = Arc::clone(target);
        target.outbox.remove(Removal::Kicked(reason.to_owned()));
        membership.seat.reply(client, Reply::KickSuccess);
        drop(state);
        self.wake(&[target]);
    }

    /// Lets a user say nothing for so many minutes, and tells it.
    pub fn mute(&self, client: &Client, membership: &Membership, name: &str, minutes: u32) {
        let state = self.state.lock();
        let (Some((name, target, log)), Some(moderation)) = (state.present(name), &self.moderation)
        else {
            return membership.seat.reply(client, Reply::NoSuchUser(name));
        };
        moderation.mute(name.clone(), minutes);
        target.reply(log.lock().end(), Reply::Muted(minutes.into()));
        membership.seat.reply(client, Reply::MuteSuccess);
    }

    /// Keeps somebody out for so many minutes, and ends the connections of those it concerns, but
    /// not the caller's own.
    pub fn ban(&self, client: &Client, membership: &Membership, target: &Target, minutes: u32) {
        let Some(moderation) = &self.moderation else { return };
        moderation.ban(target.clone(), minutes);
        if minutes == 0 {
            return membership.seat.reply(client, Reply::BanSuccess);
        }
        let state = self.state.lock();
        let mut concerned: Vec<_> = match target {
            Target::Name(name) => {
                state.users.get(name).map(|user| Arc::clone(&user.client)).into_iter().collect()
            }
            Target::Network(network) => {
                let comes_from = |client: &&Arc<Client>| network.contains(client.address.ip());
                state.connections.iter().filter(comes_from).map(Arc::clone).collect()
            }
        };
        concerned.retain(|other| other.id != client.id);
        for other in &concerned {
            other.outbox.remove(Removal::Banned(minutes.into()));
        }
        membership.seat.reply(client, Reply::BanSuccess);
        drop(state);
        self.wake(&concerned);
    }

    /// Answers `bans`. `false` when clients are owed so much that no list can be made now.
    #[must_use]
    pub fn bans(&self, client: &Client, seat: &Seat) -> bool {
        let Some(moderation) = &self.moderation else { return true };
        if client.outbox.owed().is_over() {
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
        self.moderation.as_ref().map(|moderation| &moderation.interrupt)
    }

    /// Lets everyone in every room see a text.
    pub fn announce(&self, text: &str) {
        let logs: Vec<_> =
            self.state.lock().rooms.values().map(|room| Arc::clone(&room.log)).collect();
        for log in logs {
            log.wait_for_readers(ANNOUNCEMENT_BYTES + text.len());
        }
        let line = format!("{}\n", Event::Announced { text });
        // All at once under the lock, for a room without members is recorded no more.
        let state = self.state.lock();
        for room in state.rooms.values() {
            room.log.lock().append(line.as_bytes(), Timestamp::now());
        }
    }
}
