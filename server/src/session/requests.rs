//! What a session does for each request.

use std::fmt::Write;
use std::sync::Arc;

use protocol::rows::HelpRow;
use protocol::{Command, Context, Event, NameError, Reply, Request, RoomName, Scope, UserName};

use super::{Reason, Session, Step};
use crate::chat::{Chat, Seat};
use crate::client::Client;
use crate::ring::Position;

/// Bytes of lines that go to the room's log together, give or take one. Many lines share the cost
/// of the lock; and they are few beside what the log holds.
const SAID_BYTES: usize = 16 * 1024;

impl Session<'_> {
    /// Does what the client asks for, or refuses it. The order of the refusals is the protocol's.
    pub(super) fn act(&mut self, request: Request<'_>) -> Step {
        let Some(command) = request.command().filter(|command| self.knows(*command)) else {
            return self.answer(Reply::UnknownCommand(request.word()));
        };
        if let Request::Malformed(_) = request {
            return self.answer(Reply::Usage(command.spec().usage));
        }
        if command.spec().scope == Scope::Operators && !self.is_operator {
            return self.answer(Reply::OperatorsOnly(request.word()));
        }
        if speaks(&request)
            && let Some(minutes) = self.seat.as_ref().and_then(|seat| self.chat.muted(&seat.name))
        {
            return self.answer(Reply::Muted(minutes));
        }
        if command.spec().scope == Scope::Operators {
            self.note_operation(&request);
        }
        self.carry_out(request)
    }

    /// Does what the client asks for. The match has no `_`, so a command that is added to the
    /// protocol does not compile before something is done for it here.
    fn carry_out(&mut self, request: Request<'_>) -> Step {
        match request {
            Request::Logout => return Err(Reason::LoggedOut),
            Request::Ping(token) => self.reply(Reply::Pong(token)),
            Request::Help(command) => self.help(command),
            Request::Login(name) => self.login(name),
            Request::Say(text) => self.say(text, |name, text| Event::Said { name, text }),
            Request::Me(text) => self.say(text, |name, text| Event::Did { name, text }),
            Request::Look => self.in_room(|chat, client, seat| chat.look(client, seat)),
            Request::Rooms => self.in_room(|chat, client, seat| chat.rooms(client, seat)),
            Request::Message { to, text } => {
                self.in_room(|chat, client, seat| chat.message(client, seat, to, text));
            }
            Request::Topic("") => self.in_room(|chat, client, seat| chat.topic(client, seat)),
            Request::Topic(text) => self.in_room(|chat, _, seat| chat.set_topic(seat, text)),
            Request::History(count) => {
                self.in_room(|chat, client, seat| chat.history(client, seat, count));
            }
            Request::Join(room) => match RoomName::parse(room) {
                Ok(room) => self.in_room(|chat, client, seat| chat.join(client, seat, &room)),
                Err(NameError::Empty) => self.reply(Reply::RoomNameEmpty),
                Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
            },
            Request::Rename(name) => match UserName::parse(name) {
                Ok(name) => self.in_room(|chat, client, seat| chat.rename(client, seat, name)),
                Err(error) => self.refuse_name(error),
            },
            Request::Operator(password) => self.become_operator(password),
            Request::Kick { name, reason } => {
                self.in_room(|chat, client, seat| chat.kick(client, seat, name, reason));
            }
            Request::Mute { name, minutes } => {
                self.in_room(|chat, client, seat| chat.mute(client, seat, name, minutes));
            }
            Request::Ban { target, minutes } => self.ban(target, minutes),
            Request::Announce(text) => self.in_room(|chat, _, _| chat.announce(text)),
            // Both were answered before.
            Request::Malformed(_) | Request::Unknown(_) => {}
        }
        Ok(())
    }

    /// Does something as a user in a room, after what the user said before it. The table of
    /// commands lets nobody else ask for it.
    pub(super) fn in_room(&mut self, act: impl FnOnce(&Chat, &Arc<Client>, &mut Seat)) {
        self.flush();
        if let Some(seat) = &mut self.seat {
            act(self.chat, self.client, seat);
        }
    }

    /// Adds a line to those that the room is to see next.
    fn say(&mut self, text: &str, event: for<'e> fn(&'e str, &'e str) -> Event<'e>) {
        let Some(seat) = &self.seat else { return };
        // Writing to memory does not fail.
        let _ = write!(self.said, "{}", event(seat.name.as_str(), text));
        self.said.push('\n');
        if self.said.len() >= SAID_BYTES {
            self.flush();
        }
    }

    fn login(&mut self, name: &str) {
        match UserName::parse(name) {
            Ok(name) => match self.chat.login(self.client, name) {
                Ok(seat) => {
                    log::info!("{} ({}) came", self.client.address, seat.name);
                    self.seat = Some(seat);
                }
                Err(refusal) => self.reply(refusal),
            },
            Err(error) => self.refuse_name(error),
        }
    }

    pub(super) fn refuse_name(&mut self, error: NameError) {
        match error {
            NameError::Empty => self.reply(Reply::UserNameEmpty),
            error => self.reply(Reply::UserNameInvalid(&error.to_string())),
        }
    }

    /// Whether the client can give this command here.
    fn knows(&self, command: Command) -> bool {
        let context =
            Context { is_logged_in: self.seat.is_some(), has_operators: self.chat.has_operators() };
        command.spec().scope.allows(context)
    }

    fn help(&mut self, name: &str) {
        let known = Command::ALL.iter().copied().filter(|command| self.knows(*command));
        let width = known.clone().map(|command| command.spec().usage.len() + 1).max();
        let width = width.unwrap_or(0);
        let rows: Vec<_> = known
            .filter(|command| name.is_empty() || command.spec().name == name)
            .map(|command| HelpRow { command, width })
            .collect();
        if rows.is_empty() {
            return self.reply(Reply::UnknownCommand(name));
        }
        self.flush();
        match &self.seat {
            Some(seat) => self.chat.reply_list(self.client, seat, Reply::Commands, rows.iter()),
            None => self.client.reply_list(Position::default(), Reply::Commands, rows.iter()),
        }
    }
}

/// Whether others see what the request says.
fn speaks(request: &Request<'_>) -> bool {
    match request {
        Request::Say(_) | Request::Me(_) | Request::Message { .. } | Request::Rename(_) => true,
        Request::Topic(text) => !text.is_empty(),
        Request::Login(_)
        | Request::Look
        | Request::Logout
        | Request::Join(_)
        | Request::Rooms
        | Request::History(_)
        | Request::Operator(_)
        | Request::Kick { .. }
        | Request::Mute { .. }
        | Request::Ban { .. }
        | Request::Announce(_)
        | Request::Ping(_)
        | Request::Help(_)
        | Request::Malformed(_)
        | Request::Unknown(_) => false,
    }
}
