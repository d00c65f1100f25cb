//! What operators do to the chat. Whether somebody is an operator is known to its session.
//!
//! Nobody is unseated from here: who has to go is told, and its own session does the rest.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Event, Reply, UserName};

use super::{ANNOUNCEMENT_BYTES, Chat, Seat};
use crate::bans::Target;
use crate::bell::Bell;
use crate::client::Client;
use crate::outbox::Dismissal;

impl Chat {
    /// Whether the chat has operators.
    #[must_use]
    pub fn has_operators(&self) -> bool {
        self.moderation.is_some()
    }

    /// Whether this password makes this user an operator. It takes a while.
    #[must_use]
    pub fn is_operator(&self, name: &UserName, password: &str) -> bool {
        self.moderation.as_ref().is_some_and(|it| it.is_operator(name, password))
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
    pub fn kick(&self, client: &Client, seat: &Seat, name: &str, reason: &str) {
        let state = self.state.lock();
        let Some((_, target, _)) = state.present(name) else {
            return self.reply(client, seat, Reply::NoSuchUser(name));
        };
        let reason = if reason.is_empty() { "no reason given" } else { reason };
        let target = Arc::clone(target);
        target.outbox.dismiss(Dismissal::Kicked(reason.to_owned()));
        self.reply(client, seat, Reply::KickSuccess);
        drop(state);
        self.wake(&[target]);
    }

    /// Lets a user say nothing for so many minutes, and tells it.
    pub fn mute(&self, client: &Client, seat: &Seat, name: &str, minutes: u32) {
        let state = self.state.lock();
        let (Some((name, target, log)), Some(moderation)) = (state.present(name), &self.moderation)
        else {
            return self.reply(client, seat, Reply::NoSuchUser(name));
        };
        moderation.mute(name.clone(), minutes);
        let writer = log.write();
        target.reply(writer.end(), Reply::Muted(minutes.into()));
        drop(writer);
        self.reply(client, seat, Reply::MuteSuccess);
    }

    /// Keeps somebody out for so many minutes, and ends the connections of those it concerns, but
    /// not the caller's own.
    pub fn ban(&self, client: &Client, seat: &Seat, target: &Target, minutes: u32) {
        let Some(moderation) = &self.moderation else { return };
        moderation.ban(target.clone(), minutes);
        if minutes == 0 {
            return self.reply(client, seat, Reply::BanSuccess);
        }
        let state = self.state.lock();
        let mut concerned: Vec<_> = match target {
            Target::Name(name) => {
                state.users.get(name).map(|user| Arc::clone(&user.client)).into_iter().collect()
            }
            Target::Address(_) => {
                let comes_from =
                    |client: &&Arc<Client>| Target::address(client.address.ip()) == *target;
                state.clients.values().filter(comes_from).map(Arc::clone).collect()
            }
        };
        concerned.retain(|other| other.id != client.id);
        for other in &concerned {
            other.outbox.dismiss(Dismissal::Banned(minutes.into()));
        }
        self.reply(client, seat, Reply::BanSuccess);
        drop(state);
        self.wake(&concerned);
    }

    /// Lets sessions that are dismissed find out, wherever they wait.
    fn wake(&self, clients: &[Arc<Client>]) {
        if let Err(error) = self.bell().map_or(Ok(()), Bell::ring) {
            // That may cost them the last bytes they are owed, but they have to go.
            log::warn!("a dismissal is forced, for the bell does not ring: {error}");
            clients.iter().for_each(|client| client.stop_reading());
        }
    }

    /// What wakes sessions that are dismissed. `None` when nobody could dismiss them.
    #[must_use]
    pub fn bell(&self) -> Option<&Bell> {
        self.moderation.as_ref().map(|moderation| &moderation.bell)
    }

    /// Lets everyone in every room see a text.
    pub fn announce(&self, text: &str) {
        let logs: Vec<_> =
            self.state.lock().rooms.values().map(|room| Arc::clone(&room.log)).collect();
        for log in logs {
            drop(log.write_when_read(ANNOUNCEMENT_BYTES + text.len()));
        }
        let line = format!("{}\n", Event::Announced { text });
        // All at once under the lock, for a room without members is recorded no more.
        let state = self.state.lock();
        for room in state.rooms.values() {
            let mut log = room.log.write();
            log.append(line.as_bytes(), Timestamp::now());
            let news = log.finish();
            self.tell(&room.log, news);
        }
    }
}
