//! Whose a name is: what is asked of who wants it, and how its owner gets it back from a connection
//! that is still there.

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
    /// What is asked of who comes in under this name.
    #[must_use]
    pub fn asked_at_login(&self, name: &UserName) -> Asked<'_> {
        self.moderation.as_ref().map_or(Asked::Nothing, |it| it.door().asked_at_login(name))
    }

    /// What is asked of who is in and wants this name.
    #[must_use]
    pub fn asked_for_name(&self, name: &UserName) -> Asked<'_> {
        self.moderation.as_ref().map_or(Asked::Nothing, |it| it.door().asked_for_name(name))
    }

    /// Whether this is what was asked. It may take a while.
    #[must_use]
    pub fn check_asked(&self, secret: &str, asked: Asked<'_>, from: IpAddr) -> Checked {
        self.moderation.as_ref().map_or(Checked::Right, |it| it.check_asked(secret, asked, from))
    }

    /// The refusal of a name that is kept out, before anybody is asked for its secret. Whoever is given
    /// the name is looked at once more: a ban may come meanwhile.
    ///
    /// # Errors
    ///
    /// Gives that refusal.
    pub fn check_ban(&self, name: &UserName) -> Result<(), Reply<'static>> {
        self.admit(&Target::Name(name.clone()))
    }

    /// Makes sure that nobody has a name whom the client would have to leave it to.
    ///
    /// On a server alone an older connection of the owner is told to end, and waited for until it has left its room. What
    /// it is owed may be on its way for long after that, and holds up nobody.
    pub(super) fn clear_name(
        &self,
        state: &mut MutexGuard<'_, State>,
        client: &Client,
        name: &UserName,
        claimant: Claimant,
    ) -> Result<(), Reply<'static>> {
        if self.shared.is_some() {
            // Others may be before the client in the order, and it is not known here yet: whoever applies
            // it refuses the name, or puts its holder out.
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
            self.check_ban(name)?;
        }
    }
}
