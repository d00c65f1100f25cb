//! What a session does for a client that wants a name: at the login, and later.

use std::time::{Duration, Instant};

use protocol::{Claim, NameError, Reply, UserName};

use super::Session;
use crate::moderation::Checked;
use crate::moderation::bans::Target;
use crate::moderation::door::{Asked, Claimant};

/// The time from a wrong password to its refusal, however long the check took.
const WRONG_PASSWORD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Lets the client in under the name that it claims.
    pub(super) fn login(&mut self, claim: Claim<'_>) {
        let Some((name, claimant)) = self.examine(claim) else { return };
        self.membership = self.chat.login(self.client, name, claimant);
        if let Some(membership) = &self.membership {
            log::info!("{} ({}) came", self.client.address, membership.name);
        }
    }

    /// Gives the user the name that it claims.
    pub(super) fn rename(&mut self, claim: Claim<'_>) {
        // Before the secret is looked at, which takes a while.
        self.flush();
        let Some((name, claimant)) = self.examine(claim) else { return };
        self.in_room(|chat, client, user| chat.rename(client, user, name, claimant));
    }

    /// The name that is claimed, once it is clear that the client may have it. `None` when it was
    /// refused.
    fn examine(&mut self, claim: Claim<'_>) -> Option<(UserName, Claimant)> {
        let name = match UserName::parse(claim.name()) {
            Ok(name) => name,
            Err(error) => return self.refuse_name(error),
        };
        let asked = match &self.membership {
            // The user's own name, perhaps written in another way.
            Some(membership) if membership.name == name => Asked::Nothing,
            Some(_) => self.chat.asked_for_name(&name),
            None => self.chat.asked_at_login(&name),
        };
        let claimant = match asked {
            Asked::Nothing => {
                // As in the course: all that was given is the name, and none has a space.
                return match UserName::parse(claim.whole()) {
                    Ok(name) => Some((name, Claimant::Anybody)),
                    Err(error) => self.refuse_name(error),
                };
            }
            Asked::Own(_) => Claimant::Owner,
            Asked::Common(_) | Asked::Impossible => Claimant::Anybody,
        };
        if let Err(refusal) = self.chat.check_ban(&Target::Name(name.clone())) {
            self.reply(refusal);
            return None;
        }
        let Some(secret) = claim.secret() else {
            self.reply(Reply::PasswordRequired);
            return None;
        };
        // The check takes a while.
        self.chat.deliver(self.client);
        let begin = Instant::now();
        match self.chat.check_asked(secret, asked, self.client.address.ip()) {
            Checked::Right => return Some((name, claimant)),
            Checked::Wrong => {
                log::warn!("{} gave a wrong password for {name}", self.client.address);
                self.refuse_password(begin, Reply::PasswordWrong);
            }
            Checked::Unknown => self.refuse_password(begin, Reply::PasswordQueueFull),
        }
        None
    }

    /// Refuses a password, but late, so that nobody can guess fast.
    pub(super) fn refuse_password(&mut self, begin: Instant, reply: Reply<'_>) {
        self.client.outbox.penalty(WRONG_PASSWORD.saturating_sub(begin.elapsed()));
        self.reply(reply);
    }

    /// Says what is wrong with a name. Gives `None`, which its callers return.
    pub(super) fn refuse_name<T>(&mut self, error: NameError) -> Option<T> {
        match error {
            NameError::Empty => self.reply(Reply::UserNameEmpty),
            error => self.reply(Reply::UserNameInvalid(&error.to_string())),
        }
        None
    }
}
