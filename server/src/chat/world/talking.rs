//! What users say beside what their sessions append to the room's log: topics, announcements, and
//! private messages.

use jiff::Timestamp;
use protocol::{Event, Reply, UserName};

use super::{Room, World};
use crate::chat::change::Member;

impl World {
    pub(super) fn set_topic(&mut self, who: Member, text: &str, now: Timestamp) {
        let Some((name, seat)) = self.whereabouts(who) else { return };
        let (name, room) = (name.clone(), seat.log.room.clone());
        if let Some(room) = self.rooms.get_mut(&room) {
            room.set_topic(&name, text, now);
        }
    }

    pub(super) fn announce(&self, text: &str, now: Timestamp) {
        let line = format!("{}\n", Event::Announced { text });
        // A room without members is recorded no more, and none comes or goes meanwhile.
        for Room { log, .. } in self.rooms.values() {
            log.lock().append(line.as_bytes(), now);
        }
    }

    pub(super) fn message(&self, who: Member, to: &str, text: &str) {
        let Some(sender) = self.users.get(&who) else { return };
        let Some((user, place)) = self.present(to) else {
            return sender.reply(Reply::NoSuchUser(to));
        };
        let name = user.name.as_str();
        if user.ignored.contains(&sender.name, who) {
            return sender.reply(Reply::MessageRefused(name));
        }
        if let Some(client) = &user.client {
            if !client.outbox.takes_mail_of(who.client) {
                return sender.reply(Reply::MailboxFull(name));
            }
            let from = Reply::MessageFrom { name: sender.name.as_str(), text };
            client.post_mail(place.seat.log.lock().end(), from, who.client);
        }
        sender.reply(Reply::MessageTo { name, text });
    }

    pub(super) fn ignore(&mut self, who: Member, name: &UserName, is_ignored: bool) {
        let other = self.names.get(name).copied();
        let Some(user) = self.users.get_mut(&who) else { return };
        let answer = match is_ignored {
            true if user.ignored.add(name, other) => Reply::IgnoreSuccess,
            true => Reply::TooManyIgnored,
            false => {
                user.ignored.remove(name, other);
                Reply::UnignoreSuccess
            }
        };
        user.reply(answer);
    }
}
