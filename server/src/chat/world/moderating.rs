//! What operators do to users. Nobody leaves a room from here: who has to go is told, and its own
//! session does the rest.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::Reply;

use super::{Effects, World};
use crate::chat::change::{Change, Member};
use crate::delivery::client::Client;
use crate::delivery::phase::Removal;
use crate::moderation::after;
use crate::moderation::bans::Target;

impl World {
    /// Whether nothing comes of a change, because an operator was before it in the order of several servers:
    /// an operator that has read the answer to `mute`, `kick` or `ban` sees nothing more of that user but that
    /// it leaves. A muted user is told why.
    pub fn silences(&self, change: &Change<'_>, now: Timestamp) -> bool {
        let Some(user) = change.who().and_then(|who| self.users.get(&who)) else { return false };
        match change {
            Change::Leave { .. } | Change::Free { .. } => false,
            _ if user.is_removed => true,
            Change::Message { .. } | Change::Rename { .. } | Change::SetTopic { .. } => {
                let minutes = self.verdicts.muted(&user.name, now);
                minutes.inspect(|minutes| user.reply(Reply::Muted(*minutes))).is_some()
            }
            _ => false,
        }
    }

    /// Removes the user with this name.
    pub(super) fn kick(&mut self, who: Member, name: &str, reason: &str) -> Effects {
        let Some(target) =
            self.user_in_room(name).and_then(|(user, _)| self.names.get(&user.name).copied())
        else {
            self.answer(who, Reply::NoSuchUser(name));
            return Effects::default();
        };
        let reason = if reason.is_empty() { "no reason given" } else { reason };
        let effects = self.remove(target, reason);
        self.answer(who, Reply::KickSuccess);
        effects
    }

    /// Removes the holder of a name whose owner has come with its secret.
    pub(super) fn take_back(&mut self, holder: Member) -> Effects {
        self.remove(holder, "you came from elsewhere")
    }

    /// From here on nothing more is heard of this user. Its session lets it leave.
    fn remove(&mut self, who: Member, why: &str) -> Effects {
        let Some(user) = self.users.get_mut(&who) else { return Effects::default() };
        user.is_removed = true;
        let removed = user.client.iter().map(|client| remove(client, why)).collect();
        Effects { removed, ..Effects::default() }
    }

    /// Silences the user with this name for so many minutes. Zero lets it speak again.
    pub(super) fn mute(&mut self, who: Member, name: &str, minutes: u32, now: Timestamp) {
        let Some((target, _)) = self.user_in_room(name) else {
            return self.answer(who, Reply::NoSuchUser(name));
        };
        let (name, until) = (target.name.clone(), after(now, minutes));
        if let Some(moderation) = &self.local.moderation {
            moderation.mute(name.clone(), until);
        }
        target.reply(Reply::Muted(minutes.into()));
        self.verdicts.mute(name, until, now);
        self.answer(who, Reply::MuteSuccess);
    }

    /// Those of an address are known to their servers alone, which have removed them.
    pub(super) fn ban(&mut self, who: Member, target: &Target, minutes: u32, now: Timestamp) {
        self.verdicts.ban(target.clone(), after(now, minutes), now);
        if minutes > 0
            && let Target::Name(name) = target
            && let Some(user) = self.names.get(name).filter(|it| **it != who)
            && let Some(user) = self.users.get_mut(user)
        {
            user.is_removed = true;
        }
        self.answer(who, Reply::BanSuccess);
    }
}

fn remove(client: &Arc<Client>, why: &str) -> Arc<Client> {
    client.outbox.remove(Removal::Kicked(why.to_owned()));
    Arc::clone(client)
}
