//! What a session does for operators, and for those who want to become one.

use std::time::Duration;

use protocol::{Reply, Request};

use super::Session;
use crate::moderation::bans::Target;

/// What a wrong password costs its giver, in time.
const WRONG_PASSWORD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Makes the user an operator, if this is the password.
    pub(super) fn become_operator(&mut self, password: &str) {
        self.flush();
        let Some(membership) = &self.membership else { return };
        let (address, name) = (self.client.address, &membership.name);
        if self.chat.is_operator(name, password) {
            log::info!("{address} ({name}) is an operator now");
            self.is_operator = true;
            return self.reply(Reply::OperatorSuccess);
        }
        log::warn!("{address} ({name}) gave a wrong password for `op`");
        self.client.outbox.penalty(WRONG_PASSWORD);
        self.reply(Reply::PasswordWrong);
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
