//! What users say beside what their sessions append to the room's log: topics, announcements, and
//! private messages.

use jiff::Timestamp;
use protocol::{Event, Reply, UserName};

use super::{Effects, Room, World};
use crate::chat::change::Member;

impl World {
    /// A muted user gets a refusal for each line.
    pub(super) fn say(&self, who: Member, lines: &str, now: Timestamp) {
        let Some(user) = self.users.get(&who) else { return };
        let Some(presence) = &user.presence else { return };
        if let Some(minutes) = self.verdicts.muted(&user.name, now) {
            return lines.lines().for_each(|_| user.reply(Reply::Muted(minutes)));
        }
        presence.seat.log.lock().append(lines.as_bytes(), now);
    }

    /// Sets the topic of the user's room.
    pub(super) fn set_topic(&mut self, who: Member, text: &str, now: Timestamp) {
        let Some((name, seat)) = self.name_and_seat(who) else { return };
        let (name, room) = (name.clone(), seat.log.room.clone());
        if let Some(room) = self.rooms.get_mut(&room) {
            room.set_topic(&name, text, now);
        }
    }

    /// Says something in all rooms, in the name of the server.
    pub(super) fn announce(&self, text: &str, now: Timestamp) {
        let line = format!("{}\n", Event::Announced { text });
        // A room without members is recorded no more, and none comes or goes meanwhile.
        for Room { log, .. } in self.rooms.values() {
            log.lock().append(line.as_bytes(), now);
        }
    }

    /// Only the receiver's server knows whether it takes one more. Where that is another one than the
    /// sender's, the sender reads that it was sent, and then that it was not taken.
    pub(super) fn message(&self, who: Member, to: &str, text: &str) -> Effects {
        let done = Effects::default();
        let Some(sender) = self.users.get(&who) else { return done };
        let Some((user, presence)) = self.user_in_room(to) else {
            sender.reply(Reply::NoSuchUser(to));
            return done;
        };
        let name = user.name.as_str();
        if user.ignored.contains(&sender.name, who) {
            sender.reply(Reply::MessageRefused(name));
            return done;
        }
        if let Some(client) = &user.client {
            if !client.outbox.takes_mail_of(who.number()) {
                sender.reply(Reply::MailboxFull(name));
                let undelivered = sender.client.is_none().then(|| (who, name.to_owned()));
                return Effects { undelivered, ..done };
            }
            let from = Reply::MessageFrom { name: sender.name.as_str(), text };
            client.post_mail(presence.seat.log.lock().end(), from, who.number());
        }
        sender.reply(Reply::MessageTo { name, text });
        done
    }

    /// Begins or ends that a user gets no private messages of another one.
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
