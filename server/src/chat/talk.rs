//! What users do in a room: talk, ask, and change what it or they are called.

use jiff::Timestamp;
use protocol::limits::HISTORY_MOST_LINES;
use protocol::rows::RoomRow;
use protocol::{Reply, RoomName, UserName};

use super::change::Change;
use super::shared::Shared;
use super::{ANNOUNCEMENT_BYTES, Chat, Membership, Seat};
use crate::delivery::client::Client;
use crate::delivery::item::Item;
use crate::log::room_log::LogGuard;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;

impl Seat {
    /// Owes the reader a reply, at this point of its room's order.
    pub fn reply(&self, client: &Client, reply: Reply<'_>) {
        client.reply(self.log.lock().end(), reply);
    }

    /// The same for a list, which [`Client::list`] has made.
    pub fn reply_list(&self, client: &Client, list: Vec<u8>) {
        client.post_text(self.log.lock().end(), list, false);
    }

    /// Answers `history` with the last `count` lines of the room. The lines are read and written
    /// as rows while they are sent, so nobody waits for that.
    pub fn history(&self, client: &Client, count: usize) {
        let log = self.log.lock();
        let from = log.start_of_last(count.min(HISTORY_MOST_LINES));
        drop(client.post(log.end(), Item::History { from, end: log.end() }));
    }

    /// Answers `since`: with the present position, or with the lines after one that the room saw before
    /// the reader came in. Whoever was here got the later ones as they were said.
    pub fn since(&self, client: &Client, position: Option<protocol::Position<'_>>) {
        let log = self.log.lock();
        let end = log.end();
        let Some(position) = position else {
            let (time, lines) = log.stamp_of_end();
            let time = format!("{time:.3}");
            let position = protocol::Position { time: &time, lines }.to_string();
            return client.reply(end, Reply::Position(&position));
        };
        let oldest = log.start_of_last(HISTORY_MOST_LINES);
        let time = position.time.parse::<Timestamp>().ok();
        let place = time.and_then(|time| log.position_at(time, position.lines));
        let from = match place.filter(|place| *place >= oldest) {
            Some(place) => place,
            None => {
                client.reply(end, Reply::PositionGone(&position.to_string()));
                oldest
            }
        };
        drop(client.post(end, Item::History { from, end: from.max(self.entered) }));
    }
}

impl Chat {
    /// Lets everyone in the room see finished lines. Waits when they come faster than they go. Gives
    /// the log, still locked, when it has them.
    ///
    /// What an operator has silenced since it was read is not said: whoever has seen the answer to
    /// `mute`, `kick` or `ban` hears nothing more of that user.
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

    /// The same where several servers are one chat: the lines are seen once they have come back. Before
    /// the next ones are given to the log, those of before have come back, and whoever reads the room
    /// here has taken enough: the readers of other servers are not waited for.
    fn submit(&self, shared: &Shared, client: &Client, membership: &Membership, lines: &str) {
        let who = self.member(client);
        shared.wait(membership.said.get(), || self.remind(who));
        membership.seat.log.wait_for_readers(lines.len());
        if client.outbox.is_removed() {
            return;
        }
        if let Some(minutes) = self.muted(&membership.name) {
            return refuse_muted(client, membership, lines, minutes);
        }
        let change = Change::Say { who, lines };
        if let Some(ticket) = shared.submit(&change.to_record()) {
            membership.said.set(ticket);
        }
    }

    /// Waits until what a user has said is seen: so the answer to what it asks next comes after that.
    pub fn settle(&self, client: &Client, membership: &Membership) {
        if let Some(shared) = &self.shared {
            let who = self.member(client);
            shared.wait(membership.said.get(), || self.remind(who));
        }
    }

    /// Answers `look`. `false` when clients are owed so much that no list can be made now.
    #[must_use]
    pub fn look(&self, client: &Client, seat: &Seat) -> bool {
        let state = self.state.lock();
        // Asked under the lock, so that no two lists go beyond the bound.
        if client.outbox.owed().is_over() {
            return false;
        }
        // The names change under the chat's lock only, so the list is right at whatever position
        // of the log it is posted; and nobody who talks waits until it is written.
        if let Some(room) = state.world.room(seat) {
            let list = client.list(Reply::OnlineUsers, room.names());
            seat.reply_list(client, list);
        }
        true
    }

    /// Answers `rooms`. `false` when clients are owed so much that no list can be made now.
    #[must_use]
    pub fn rooms(&self, client: &Client, seat: &Seat) -> bool {
        let state = self.state.lock();
        // As above.
        if client.outbox.owed().is_over() {
            return false;
        }
        let mut rows: Vec<_> = state
            .world
            .rooms()
            // Where somebody only watches, nobody is.
            .filter(|room| room.names().len() > 0 || *room.name() == RoomName::main())
            .map(|room| RoomRow { name: room.name().as_str(), users: room.names().len() })
            .collect();
        rows.sort_unstable_by_key(|row| row.name);
        let list = client.list(Reply::Rooms, rows.iter());
        seat.reply_list(client, list);
        true
    }

    /// Sends a private message.
    pub fn message(&self, client: &Client, to: &str, text: &str) {
        self.commit(
            &mut self.state.lock(),
            &Change::Message { who: self.member(client), to, text },
        );
    }

    /// Lets a user get no private messages of whoever has this name, whether somebody has it or not; or
    /// lets it get them again.
    pub fn ignore(&self, client: &Client, name: &UserName, is_ignored: bool) {
        let change = Change::Ignore { who: self.member(client), name: name.clone(), is_ignored };
        self.commit(&mut self.state.lock(), &change);
    }

    /// Gives a user another name.
    pub fn rename(
        &self,
        client: &Client,
        membership: &mut Membership,
        name: UserName,
        claimant: Claimant,
    ) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        if let Err(refusal) = self.admit(&Target::Name(name.clone())) {
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
        if let Some((name, _)) = state.world.whereabouts(who) {
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

    /// Sets the topic of a user's room.
    pub fn set_topic(&self, client: &Client, membership: &Membership, text: &str) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES + text.len());
        let change = Change::SetTopic { who: self.member(client), text };
        self.commit(&mut self.state.lock(), &change);
    }
}

/// Refuses each of the lines.
fn refuse_muted(client: &Client, membership: &Membership, lines: &str, minutes: u64) {
    let refusal = Reply::Muted(minutes);
    let others = lines.lines().skip(1).map(|_| refusal);
    membership.seat.reply_list(client, client.list(refusal, others));
}
