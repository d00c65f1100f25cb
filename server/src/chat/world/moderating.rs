//! What operators do to users. Nobody leaves a room from here: who has to go is told, and its own
//! session does the rest.

use std::sync::Arc;

use protocol::Reply;

use super::World;
use crate::chat::change::Member;
use crate::delivery::client::Client;
use crate::delivery::phase::Removal;

impl World {
    pub(super) fn kick(&self, who: Member, name: &str, reason: &str) -> Option<Arc<Client>> {
        let Some((target, _)) = self.present(name) else {
            self.answer(who, Reply::NoSuchUser(name));
            return None;
        };
        let reason = if reason.is_empty() { "no reason given" } else { reason };
        let removed = target.client.as_ref().map(|client| remove(client, reason));
        self.answer(who, Reply::KickSuccess);
        removed
    }

    pub(super) fn take_back(&self, holder: Member) -> Option<Arc<Client>> {
        let client = self.users.get(&holder)?.client.as_ref()?;
        Some(remove(client, "you came from elsewhere"))
    }

    pub(super) fn mute(&self, who: Member, name: &str, minutes: u32) {
        let (Some((target, _)), Some(moderation)) = (self.present(name), &self.here.moderation)
        else {
            return self.answer(who, Reply::NoSuchUser(name));
        };
        moderation.mute(target.name.clone(), minutes);
        target.reply(Reply::Muted(minutes.into()));
        self.answer(who, Reply::MuteSuccess);
    }
}

fn remove(client: &Arc<Client>, why: &str) -> Arc<Client> {
    client.outbox.remove(Removal::Kicked(why.to_owned()));
    Arc::clone(client)
}
