//! What a session does for operators, and for users who want to become one.

use std::time::Instant;

use protocol::{Reply, Request, UserName};

use super::Session;
use crate::moderation::Checked;
use crate::moderation::bans::Target;

impl Session<'_> {
    /// Makes the user an operator, if the secret is the password of its name, or an operator's name and the
    /// password of that.
    pub(super) fn become_operator(&mut self, secret: &str) {
        self.flush();
        // The check takes a while.
        self.chat.deliver(self.client);
        let Some(membership) = &self.membership else { return };
        let (address, own, begin) = (self.client.address, membership.name.clone(), Instant::now());
        let mut checked = self.chat.check_operator(self.client, &own, secret);
        let mut named = own.clone();
        if checked != Checked::Right
            && let Some((name, password)) = self.operator_named(secret)
        {
            checked = self.chat.check_operator(self.client, &name, password);
            named = name;
        }
        match checked {
            Checked::Right => {
                log::info!("{address} ({own}) is an operator now, as {named}");
                self.is_operator = true;
                self.reply(Reply::OperatorSuccess);
            }
            Checked::Wrong => {
                log::warn!("{address} ({own}) gave a wrong password for `op`");
                self.refuse_password(begin, Reply::PasswordWrong);
            }
            Checked::Unknown => self.refuse_password(begin, Reply::PasswordQueueFull),
        }
    }

    /// Reads `NAME PASSWORD`. `None` when that is no operator's name.
    fn operator_named<'s>(&self, secret: &'s str) -> Option<(UserName, &'s str)> {
        let (name, password) = secret.split_once(' ')?;
        let name = UserName::parse(name).ok().filter(|name| self.chat.is_operators_name(name))?;
        Some((name, password))
    }

    /// Writes what an operator does into the server's log.
    pub(super) fn note_operation(&self, request: &Request<'_>) {
        let Some(membership) = &self.membership else { return };
        log::info!("{} ({}) as operator: {request}", self.client.address, membership.name);
    }

    /// Keeps a name or an address out.
    pub(super) fn ban(&mut self, target: &str, minutes: u32) {
        match Target::parse(target) {
            Ok(target) => {
                self.in_room(|chat, client, _| chat.ban(client, &target, minutes));
            }
            Err(error) => {
                self.refuse_name::<()>(error);
            }
        }
    }
}
