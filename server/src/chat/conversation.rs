//! What users do in a room: talk, ask, and change what it or they are called.

use std::fmt::Display;

use jiff::Timestamp;
use memchr::memchr_iter;
use protocol::rows::{HistoryRow, RoomRow};
use protocol::{Reply, UserName};

use super::{ANNOUNCEMENT_BYTES, Chat, Seat, wait_for_readers};
use crate::bans::Target;
use crate::client::Client;

impl Chat {
    /// Lets everyone in the room see finished lines. Waits when they come faster than they go.
    ///
    /// What an operator has silenced since it was read is not said: whoever has seen the answer to
    /// `mute`, `kick` or `ban` hears nothing more of that user.
    pub fn say(&self, client: &Client, seat: &Seat, lines: &[u8]) {
        let mut log = seat.log.write_when_read(lines.len());
        if client.outbox.dismissal().is_some() {
            return;
        }
        if let Some(minutes) = self.muted(&seat.name) {
            let refusal = Reply::Muted(minutes);
            let others = memchr_iter(b'\n', lines).skip(1).map(|_| refusal);
            return client.reply_list(log.end(), refusal, others);
        }
        log.append(lines, Timestamp::now());
        let news = log.finish();
        self.tell(&seat.log, news);
    }

    /// Owes a user a reply, at this point of its room's order.
    pub fn reply(&self, client: &Client, seat: &Seat, reply: Reply<'_>) {
        client.reply(seat.log.write().end(), reply);
    }

    /// The same for a list.
    pub fn reply_list(
        &self,
        client: &Client,
        seat: &Seat,
        heading: Reply<'_>,
        rows: impl Iterator<Item = impl Display>,
    ) {
        let log = seat.log.write();
        client.reply_list(log.end(), heading, rows);
    }

    /// Answers `look`.
    pub fn look(&self, client: &Client, seat: &Seat) {
        let state = self.state.lock();
        if let Some(room) = state.rooms.get(&seat.room) {
            self.reply_list(client, seat, Reply::OnlineUsers, room.names());
        }
    }

    /// Answers `rooms`.
    pub fn rooms(&self, client: &Client, seat: &Seat) {
        let state = self.state.lock();
        let mut rows: Vec<_> = state
            .rooms
            .values()
            .map(|room| RoomRow { name: room.name().as_str(), users: room.names().len() })
            .collect();
        rows.sort_unstable_by_key(|row| row.name);
        self.reply_list(client, seat, Reply::Rooms, rows.iter());
    }

    /// Sends a private message.
    pub fn message(&self, client: &Client, seat: &Seat, to: &str, text: &str) {
        let state = self.state.lock();
        let Some((name, target, log)) = state.present(to) else {
            return self.reply(client, seat, Reply::NoSuchUser(to));
        };
        if target.outbox.is_full() {
            return self.reply(client, seat, Reply::MailboxFull(name.as_str()));
        }
        let from = Reply::MessageFrom { name: seat.name.as_str(), text };
        let writer = log.write();
        target.reply(writer.end(), from);
        drop(writer);
        self.reply(client, seat, Reply::MessageTo { name: name.as_str(), text });
    }

    /// Gives a user another name.
    pub fn rename(&self, client: &Client, seat: &mut Seat, name: UserName) {
        wait_for_readers(&seat.log);
        let mut state = self.state.lock();
        if let Err(refusal) = self.admit(&Target::Name(name.clone())) {
            return self.reply(client, seat, refusal);
        }
        if seat.name != name && state.users.contains_key(&name) {
            return self.reply(client, seat, Reply::UserNameExist);
        }
        if let Some(user) = state.users.remove(&seat.name) {
            state.users.insert(name.clone(), user);
        }
        seat.name = name.clone();
        if let Some(room) = state.rooms.get_mut(&seat.room) {
            let answer = |at| client.reply(at, Reply::RenameSuccess);
            let news = room.rename(seat.number, name, answer);
            self.tell(&seat.log, news);
        }
    }

    /// Answers `topic`.
    pub fn topic(&self, client: &Client, seat: &Seat) {
        let state = self.state.lock();
        if let Some(room) = state.rooms.get(&seat.room) {
            self.reply(client, seat, Reply::Topic(&room.topic));
        }
    }

    /// Sets the topic of a user's room.
    pub fn set_topic(&self, seat: &Seat, text: &str) {
        drop(seat.log.write_when_read(ANNOUNCEMENT_BYTES + text.len()));
        let mut state = self.state.lock();
        if let Some(room) = state.rooms.get_mut(&seat.room) {
            let news = room.set_topic(&seat.name, text);
            self.tell(&seat.log, news);
        }
    }

    /// Answers `history` with the last `count` lines of the room.
    pub fn history(&self, client: &Client, seat: &Seat, count: usize) {
        let log = seat.log.write();
        let lines = log.last_lines(count);
        let rows = lines
            .iter()
            .map(|(time, line)| HistoryRow { time: &format!("{time:.3}"), line }.to_string());
        client.reply_list(log.end(), Reply::History, rows);
    }
}
