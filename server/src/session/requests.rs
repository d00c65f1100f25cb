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

/// Once this many bytes of lines are pending they are appended to the room's log. So many lines share
/// the cost of its lock, and yet they are few beside the 1 MiB that the log keeps.
const PENDING_BYTES: usize = 16 * 1024;

/// The time from a list that could not be made, for clients were owed too much, to the next try.
const LIST_PAUSE: Duration = Duration::from_millis(100);

impl Session<'_> {
    /// Checks whether the client may ask for this, and does it. The refusals come in the order that
    /// `docs/protocol.md` gives.
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
            // Of `topic`, a client without a name may only ask.
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

    /// Does what the client asks for. The match has no `_`: who adds a command to the protocol is shown
    /// by the compiler that something has to be done for it here.
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
                    // The room may have to be read from the disk, which takes a while.
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
            // `act` has refused both.
            Request::Malformed(_) | Request::Unknown(_) => {}
        }
        Ok(())
    }

    /// Does something for a member of a room, behind all that it has said before. The scope of the
    /// command has made sure that the client is a member.
    pub(super) fn in_room(&mut self, act: impl FnOnce(&Chat, &Arc<Client>, &mut Membership)) {
        self.flush();
        if let Some(membership) = &mut self.membership {
            act(self.chat, self.client, membership);
        }
    }

    /// The same for a client that reads a room, as a member or without a name.
    fn at_seat(&mut self, act: impl FnOnce(&Chat, &Client, &Seat)) {
        self.flush();
        if let Some(seat) = self.seat() {
            act(self.chat, self.client, seat);
        }
    }

    /// Answers with a list that may be long. `answer` gives `false` as long as all clients together are
    /// owed so much that the list has to wait.
    fn list(&mut self, answer: fn(&Chat, &Client, &Seat) -> bool) -> Step {
        self.flush();
        while self.seat().is_some_and(|seat| !answer(self.chat, self.client, seat)) {
            self.warn_of_owed();
            self.chat.deliver(self.client);
            self.client.outbox.delay(LIST_PAUSE);
            if self.wait_for_space()? == Readiness::Over {
                break;
            }
        }
        Ok(())
    }

    /// Adds a line to the pending ones.
    fn say(&mut self, text: &str, event: for<'e> fn(&'e str, &'e str) -> Event<'e>) {
        let Some(membership) = &self.membership else { return };
        // Writing to memory does not fail.
        let _ = write!(self.pending_lines, "{}", event(membership.name.as_str(), text));
        self.pending_lines.push('\n');
        if self.pending_lines.len() >= PENDING_BYTES {
            self.flush();
        }
    }

    /// Has the client get no private messages of a user any more, or get them again.
    fn ignore(&mut self, name: &str, is_ignored: bool) {
        match UserName::parse(name) {
            Ok(name) => self.in_room(|chat, client, _| chat.ignore(client, &name, is_ignored)),
            Err(error) => {
                self.refuse_name::<()>(error);
            }
        }
    }

    /// Whether the server knows this command where the client is now.
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

    /// Lists the commands that are known here, or the one of this name.
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

/// Whether the request shows others something of the client's own words. A muted user may not. The match
/// has no `_`, for the reason that [`Session::carry_out`] gives.
fn speaks(request: &Request<'_>) -> bool {
    use Command::*;
    match request.command() {
        Some(Say | Me | Message | Rename) => true,
        Some(Topic) => *request != Request::Topic(""),
        Some(
            Login | Watch | Look | Logout | Join | Rooms | Ignore | Unignore | History | Since
            | Operator | Kick | Mute | Ban | Who | Bans | Announce | Ping | Help,
        )
        | None => false,
    }
}
