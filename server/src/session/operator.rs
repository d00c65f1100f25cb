//! What a session does for operators, and for those who want to become one.

use std::time::Duration;

use protocol::{Reply, Request};

use super::Session;
use crate::bans::Target;

/// What a wrong password costs its giver, in time.
const WRONG_PASSWORD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Makes the user an operator, if this is the password.
    pub(super) fn become_operator(&mut self, password: &str) {
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

    /// Requests of operators.
    pub(super) fn act_as_operator(&mut self, request: Request<'_>) {
        if !self.is_operator {
            return self.reply(Reply::OperatorsOnly(request.command()));
        }
        let Some(membership) = &self.membership else { return };
        log::info!("{} ({}) as operator: {request}", self.client.address, membership.name);
        let (chat, client) = (self.chat, self.client);
        match request {
            Request::Kick { name, reason } => chat.kick(client, membership, name, reason),
            Request::Mute { name, minutes } => chat.mute(client, membership, name, minutes),
            Request::Ban { target, minutes } => match Target::parse(target) {
                Ok(target) => chat.ban(client, membership, &target, minutes),
                Err(error) => self.refuse_name(error),
            },
            Request::Announce(text) => chat.announce(text),
            _ => {}
        }
    }
}
