//! What users do in a room: they talk, ask what there is, and change their names or the topic.

use jiff::Timestamp;
use protocol::limits::HISTORY_MOST_LINES;
use protocol::rows::RoomRow;
use protocol::{Reply, RoomName, UserName};

use super::change::Change;
use super::{ANNOUNCEMENT_BYTES, Chat, Membership, Seat};
use crate::delivery::client::Client;
use crate::delivery::item::Item;
use crate::log::room_log::LogGuard;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;

impl Seat {
    /// Owes the client a reply, at the present end of its room's log.
    pub fn reply(&self, client: &Client, reply: Reply<'_>) {
        client.reply(self.log.lock().end(), reply);
    }

    /// Owes the client a list that [`Client::list`] has made, likewise.
    pub fn reply_list(&self, client: &Client, list: Vec<u8>) {
        client.post_text(self.log.lock().end(), list, false);
    }

    /// Answers `history` with the last `count` lines of the room. Only the positions are posted: the
    /// courier reads the lines while it sends them, so neither memory nor a lock is held for them.
    pub fn history(&self, client: &Client, count: usize) {
        let log = self.log.lock();
        let from = log.start_of_last(count.min(HISTORY_MOST_LINES));
        drop(client.post(log.end(), Item::History { from, end: log.end() }));
    }
}

impl Chat {
    /// Appends `lines` of a member, each with its newline, to the log of its room. Waits while the log is
    /// too far ahead of its readers. Gives the log, still locked, when it has the lines.
    ///
    /// A user that was muted or removed since the lines were read says nothing: an operator that has read
    /// the answer to `mute`, `kick` or `ban` sees no later line of that user. So both are asked under the
    /// log's lock.
    pub fn say<'a>(
        &self,
        client: &Client,
        membership: &'a Membership,
        lines: &str,
    ) -> Option<LogGuard<'a>> {
        if let Some(shared) = &self.shared {
            self.submit(shared, client, membership, lines);
            return None;
        }
        let mut log = membership.seat.log.lock_when_read(lines.len());
        if client.outbox.is_removed() {
            return None;
        }
        if let Some(minutes) = self.muted(&membership.name) {
            drop(log);
            refuse_muted(client, membership, lines, minutes);
            return None;
        }
        log.append(lines.as_bytes(), Timestamp::now());
        Some(log)
    }

    /// Answers `look` with the members of the room. `false` when all clients together are owed so much
    /// that no list can be made now.
    #[must_use]
    pub fn look(&self, client: &Client, seat: &Seat) -> bool {
        let state = self.state.lock();
        // Under the lock, so that no two sessions make the list that is one too many.
        if client.outbox.owed.is_over() {
            return false;
        }
        // Names change under the chat's lock only: so the list is right at the position that the log
        // has when it is posted, although it is written without the log's lock, which talkers need.
        if let Some(room) = state.world.room(seat) {
            let list = client.list(Reply::OnlineUsers, room.names());
            seat.reply_list(client, list);
        }
        true
    }

    /// Answers `rooms` with all rooms, by name. `false` as for [`Chat::look`].
    #[must_use]
    pub fn rooms(&self, client: &Client, seat: &Seat) -> bool {
        let state = self.state.lock();
        if client.outbox.owed.is_over() {
            return false;
        }
        let mut rows: Vec<_> = state
            .world
            .rooms()
            // A room that has only watchers is empty for users.
            .filter(|room| room.names().len() > 0 || *room.name() == RoomName::main())
            .map(|room| RoomRow { name: room.name().as_str(), users: room.names().len() })
            .collect();
        rows.sort_unstable_by_key(|row| row.name);
        let list = client.list(Reply::Rooms, rows.iter());
        seat.reply_list(client, list);
        true
    }

    /// Sends a private message, and tells the sender what became of it.
    pub fn message(&self, client: &Client, to: &str, text: &str) {
        self.commit(
            &mut self.state.lock(),
            &Change::Message { who: self.member(client), to, text },
        );
    }

    /// Has the client get no private messages of the user of this name any more, whether there is one now
    /// or later; or has it get them again.
    pub fn ignore(&self, client: &Client, name: &UserName, is_ignored: bool) {
        let change = Change::Ignore { who: self.member(client), name: name.clone(), is_ignored };
        self.commit(&mut self.state.lock(), &change);
    }

    /// Gives a member another name, or a refusal.
    pub fn rename(
        &self,
        client: &Client,
        membership: &mut Membership,
        name: UserName,
        claimant: Claimant,
    ) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        if let Err(refusal) = self.check_ban(&Target::Name(name.clone())) {
            return membership.seat.reply(client, refusal);
        }
        if let Err(refusal) = self.clear_name(&mut state, client, &name, claimant) {
            return membership.seat.reply(client, refusal);
        }
        if state.is_stopping {
            return;
        }
        let who = self.member(client);
        self.commit(&mut state, &Change::Rename { who, name, claimant });
        if let Some((name, _)) = state.world.name_and_seat(who) {
            membership.name = name.clone();
        }
    }

    /// Answers `topic`.
    pub fn topic(&self, client: &Client, seat: &Seat) {
        let state = self.state.lock();
        if let Some(room) = state.world.room(seat) {
            seat.reply(client, Reply::Topic(&room.topic));
        }
    }

    /// Sets the topic of the room that the client is in.
    pub fn set_topic(&self, client: &Client, membership: &Membership, text: &str) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES + text.len());
        let change = Change::SetTopic { who: self.member(client), text };
        self.commit(&mut self.state.lock(), &change);
    }
}

/// Owes a muted user one refusal for each of its `lines`.
pub(super) fn refuse_muted(client: &Client, membership: &Membership, lines: &str, minutes: u64) {
    let refusal = Reply::Muted(minutes);
    let others = lines.lines().skip(1).map(|_| refusal);
    membership.seat.reply_list(client, client.list(refusal, others));
}
