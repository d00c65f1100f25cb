//! What a session does for operators, and for those who want to become one.

use std::time::Duration;

use protocol::{Reply, Request, UserName};

use super::Session;
use crate::moderation::bans::Target;

/// What a wrong password costs its giver, in time.
const WRONG_PASSWORD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Makes the user an operator, if this is the password of its name, or a name and the password of
    /// that. Whoever has that name instead is sent away.
    pub(super) fn become_operator(&mut self, secret: &str) {
        self.flush();
        let Some(membership) = &self.membership else { return };
        let (address, own) = (self.client.address, &membership.name);
        if self.chat.is_operator(self.client, own, secret) {
            log::info!("{address} ({own}) is an operator now");
            self.is_operator = true;
            return self.reply(Reply::OperatorSuccess);
        }
        if let Some((name, password)) = self.operator_named(secret)
            && self.chat.is_operator(self.client, &name, password)
        {
            log::info!("{address} ({own}) is an operator now, as {name}");
            self.is_operator = true;
            self.chat.free_name(self.client, &name);
            return self.reply(Reply::OperatorSuccess);
        }
        log::warn!("{address} ({own}) gave a wrong password for `op`");
        self.client.outbox.penalty(WRONG_PASSWORD);
        self.reply(Reply::PasswordWrong);
    }

    /// `NAME PASSWORD`, where that is an operator's name.
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
                self.in_room(|chat, client, user| chat.ban(client, user, &target, minutes));
            }
            Err(error) => self.refuse_name(error),
        }
    }
}
