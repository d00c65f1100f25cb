//! Names that belong to somebody: the secret that is asked for them, and how an owner gets the name back
//! from an older connection.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use protocol::{Reply, UserName};

use super::change::Change;
use super::{Chat, State};
use crate::delivery::client::Client;
use crate::moderation::Checked;
use crate::moderation::bans::Target;
use crate::moderation::door::{Asked, Claimant};

/// How long the owner of a name waits for the older connection to leave its room. It is told to, so it
/// does that at once, unless its room is flooded.
const TAKE_BACK: Duration = Duration::from_secs(5);

impl Chat {
    /// The secret that is asked of a client that logs in under this name.
    #[must_use]
    pub fn asked_at_login(&self, name: &UserName) -> Asked<'_> {
        self.local.moderation.as_ref().map_or(Asked::Nothing, |it| it.door().asked_at_login(name))
    }

    /// The secret that is asked of a user who wants to be renamed to this.
    #[must_use]
    pub fn asked_for_name(&self, name: &UserName) -> Asked<'_> {
        self.local.moderation.as_ref().map_or(Asked::Nothing, |it| it.door().asked_for_name(name))
    }

    /// Whether this is what was asked. It may take a while.
    #[must_use]
    pub fn check_asked(&self, secret: &str, asked: Asked<'_>, from: IpAddr) -> Checked {
        self.local
            .moderation
            .as_ref()
            .map_or(Checked::Right, |it| it.check_asked(secret, asked, from))
    }

    /// Makes sure that the client can have a name: that nobody else has it, or that the client has proved to
    /// be its owner, and the older connection has left its room.
    ///
    /// A server that is a chat by itself tells that connection to leave, and waits for that. What it is owed
    /// may be on its way for long after that, which holds up nobody.
    ///
    /// # Errors
    ///
    /// Gives the refusal.
    pub(super) fn clear_name(
        &self,
        state: &mut MutexGuard<'_, State>,
        client: &Client,
        name: &UserName,
        claimant: Claimant,
    ) -> Result<(), Reply<'static>> {
        if self.shared.is_some() {
            // Another client may have taken the name, and this server does not know it yet: when the change
            // is applied the name is refused, or its holder has to go.
            return Ok(());
        }
        let deadline = Instant::now() + TAKE_BACK;
        let who = self.member(client);
        let mut told = None;
        loop {
            let (holder, is_present) = match state.world.holder(name) {
                Some((holder, is_present)) if holder != who => (holder, is_present),
                _ => return Ok(()),
            };
            if claimant == Claimant::Anybody {
                return Err(Reply::UserNameExist);
            }
            if !is_present {
                return Ok(());
            }
            if told.replace(holder) != Some(holder) {
                // The lock is given up meanwhile, so the holder may have gone.
                self.commit(state, &Change::TakeBack { holder });
                continue;
            }
            // Two who take each other's names would wait for each other.
            let is_over = state.is_stopping || client.outbox.is_removed();
            if is_over || self.gone.wait_until(state, deadline).timed_out() {
                return Err(Reply::UserNameExist);
            }
            // It may have come while nobody held the lock.
            self.check_ban(&Target::Name(name.clone()))?;
        }
    }
}
