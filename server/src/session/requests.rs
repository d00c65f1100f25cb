//! What a session does for each request.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use protocol::rows::HelpRow;
use protocol::{
    Command, Context, Event, NameError, Place, Reply, Request, RoomName, Scope, UserName, topic_of,
};

use super::{Session, SessionEnd, Step};
use crate::chat::{Chat, Membership, Seat};
use crate::delivery::client::Client;
use crate::delivery::outbox::Readiness;

/// Bytes of lines that go to the room's log together, give or take one. Many lines share the cost
/// of the lock; and they are few beside what the log holds.
const PENDING_BYTES: usize = 16 * 1024;

/// How long a list that cannot be made now waits before the next try.
const LIST_PAUSE: Duration = Duration::from_millis(100);

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
        if self.watching.is_some() && speaks(&request) {
            // Of a command that asks or tells, only the one half is known without a name.
            return self.answer(Reply::UnknownCommand(request.word()));
        }
        if speaks(&request)
            && let Some(minutes) =
                self.membership.as_ref().and_then(|membership| self.chat.muted(&membership.name))
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
            Request::Logout => return Err(SessionEnd::LoggedOut),
            Request::Ping(token) => self.reply(Reply::Pong(token)),
            Request::Help(command) => self.help(command),
            Request::Login(claim) => self.login(claim),
            Request::Say(text) => self.say(text, |name, text| Event::Said { name, text }),
            Request::Me(text) => self.say(text, |name, text| Event::Did { name, text }),
            Request::Watch(room) => self.watch(room),
            Request::Look => return self.list(Chat::look),
            Request::Rooms => return self.list(Chat::rooms),
            Request::Message { to, text } => {
                self.in_room(|chat, client, _| chat.message(client, to, text));
            }
            Request::Ignore(name) => self.ignore(name, true),
            Request::Unignore(name) => self.ignore(name, false),
            Request::Topic("") => self.at_seat(|chat, client, seat| chat.topic(client, seat)),
            Request::Topic(text) => {
                self.in_room(|chat, client, user| chat.set_topic(client, user, topic_of(text)));
            }
            Request::History(count) => {
                self.at_seat(|_, client, seat| seat.history(client, count));
            }
            Request::Since(position) => {
                self.at_seat(|_, client, seat| seat.since(client, position));
            }
            Request::Join(room) => match RoomName::parse(room) {
                Ok(room) => {
                    // It may have to be read from the disk.
                    self.chat.deliver(self.client);
                    self.in_room(|chat, client, user| chat.join(client, user, &room));
                }
                Err(NameError::Empty) => self.reply(Reply::RoomNameEmpty),
                Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
            },
            Request::Rename(claim) => self.rename(claim),
            Request::Operator(password) => self.become_operator(password),
            Request::Kick { name, reason } => {
                self.in_room(|chat, client, _| chat.kick(client, name, reason));
            }
            Request::Mute { name, minutes } => {
                self.in_room(|chat, client, _| chat.mute(client, name, minutes));
            }
            Request::Ban { target, minutes } => self.ban(target, minutes),
            Request::Who => return self.list(Chat::who),
            Request::Bans => return self.list(Chat::bans),
            Request::Announce(text) => self.in_room(|chat, _, _| chat.announce(text)),
            // Both were answered before.
            Request::Malformed(_) | Request::Unknown(_) => {}
        }
        Ok(())
    }

    /// Does something as a user in a room, after what the user said before it. The table of
    /// commands lets nobody else ask for it.
    pub(super) fn in_room(&mut self, act: impl FnOnce(&Chat, &Arc<Client>, &mut Membership)) {
        self.flush();
        if let Some(membership) = &mut self.membership {
            act(self.chat, self.client, membership);
        }
    }

    /// The same for whoever reads a room, as its user or without a name.
    fn at_seat(&mut self, act: impl FnOnce(&Chat, &Client, &Seat)) {
        self.flush();
        if let Some(seat) = self.seat() {
            act(self.chat, self.client, seat);
        }
    }

    /// Asks for a list that may be long, as soon as clients are owed little enough for it.
    fn list(&mut self, ask: fn(&Chat, &Client, &Seat) -> bool) -> Step {
        self.flush();
        let Some(seat) = self.seat() else { return Ok(()) };
        while !ask(self.chat, self.client, seat) {
            if let Some(text) = self.client.outbox.owed().news() {
                log::warn!("{text}");
            }
            self.chat.deliver(self.client);
            self.client.outbox.delay(LIST_PAUSE);
            match self.client.outbox.readiness() {
                Readiness::Ready => {}
                Readiness::Wait => {
                    self.client.outbox.wait_for_space(None).map_err(SessionEnd::Removed)?;
                }
                Readiness::Over => return Ok(()),
            }
        }
        Ok(())
    }

    /// Adds a line to those that the room is to see next.
    fn say(&mut self, text: &str, event: for<'e> fn(&'e str, &'e str) -> Event<'e>) {
        let Some(membership) = &self.membership else { return };
        // Writing to memory does not fail.
        let _ = write!(self.pending_lines, "{}", event(membership.name.as_str(), text));
        self.pending_lines.push('\n');
        if self.pending_lines.len() >= PENDING_BYTES {
            self.flush();
        }
    }

    /// Takes no private messages of a name any more, or takes them again.
    fn ignore(&mut self, name: &str, is_ignored: bool) {
        match UserName::parse(name) {
            Ok(name) => self.in_room(|chat, client, _| chat.ignore(client, &name, is_ignored)),
            Err(error) => {
                self.refuse_name::<()>(error);
            }
        }
    }

    /// Reads a room without a name: `main` where none is said.
    fn watch(&mut self, room: &str) {
        let room = match room {
            "" => Ok(RoomName::main()),
            room => RoomName::parse(room),
        };
        match room {
            Ok(room) => {
                // It may have to be read from the disk.
                self.chat.deliver(self.client);
                self.chat.watch(self.client, &mut self.watching, &room);
                if self.watching.as_ref().is_some_and(|seat| *seat.room() == room) {
                    log::info!("{} watches {}", self.client.address, room.as_str());
                }
            }
            Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
        }
    }

    /// Whether the client can give this command here.
    fn knows(&self, command: Command) -> bool {
        let place = match (&self.membership, &self.watching) {
            (Some(_), _) => Place::ChatRoom,
            (None, Some(_)) => Place::Watching,
            (None, None) => Place::LoginRoom,
        };
        let context = Context {
            place,
            has_operators: self.chat.has_operators(),
            has_watchers: self.chat.has_watchers(),
        };
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
        self.reply_list(self.client.list(Reply::Commands, rows.iter()));
    }
}

/// Whether others see what the request says.
fn speaks(request: &Request<'_>) -> bool {
    match request {
        Request::Say(_) | Request::Me(_) | Request::Message { .. } | Request::Rename(_) => true,
        Request::Topic(text) => !text.is_empty(),
        Request::Login(_)
        | Request::Watch(_)
        | Request::Look
        | Request::Logout
        | Request::Join(_)
        | Request::Rooms
        | Request::History(_)
        | Request::Since(_)
        | Request::Operator(_)
        | Request::Kick { .. }
        | Request::Mute { .. }
        | Request::Ban { .. }
        | Request::Who
        | Request::Bans
        | Request::Announce(_)
        | Request::Ignore(_)
        | Request::Unignore(_)
        | Request::Ping(_)
        | Request::Help(_)
        | Request::Malformed(_)
        | Request::Unknown(_) => false,
    }
}
