//! What a session does for each request.

use std::fmt::Write;

use protocol::rows::HelpRow;
use protocol::{COMMANDS, Command, Event, NameError, Reply, Request, RoomName, UserName};

use super::{Session, SessionEnd, Step};

/// Bytes of lines that go to the room's log together, give or take one. Many lines share the cost
/// of the lock; and they are few beside what the log holds.
const PENDING_BYTES: usize = 16 * 1024;

impl Session<'_> {
    /// Does what the client asks for.
    pub(super) fn act(&mut self, request: Request<'_>) -> Step {
        let is_known = match Command::find(request.command()) {
            Some(command) => self.knows(command),
            None => false,
        };
        if !is_known {
            return self.answer(Reply::UnknownCommand(request.command()));
        }
        match request {
            Request::Logout => return Err(SessionEnd::LoggedOut),
            Request::Ping(token) => self.reply(Reply::Pong(token)),
            Request::Help(command) => self.help(command),
            Request::Malformed(command) => {
                let usage = Command::find(command).map_or(command, |command| command.usage);
                self.reply(Reply::Usage(usage));
            }
            Request::Login(name) => self.login(name),
            Request::Operator(password) => {
                self.flush();
                self.become_operator(password);
            }
            Request::Kick { .. }
            | Request::Mute { .. }
            | Request::Ban { .. }
            | Request::Announce(_) => {
                self.flush();
                self.act_as_operator(request);
            }
            request => self.act_in_room(request),
        }
        Ok(())
    }

    /// Requests of users in a room.
    fn act_in_room(&mut self, request: Request<'_>) {
        if speaks(&request)
            && let Some(minutes) =
                self.membership.as_ref().and_then(|membership| self.chat.muted(&membership.name))
        {
            return self.reply(Reply::Muted(minutes));
        }
        let Some(name) = self.membership.as_ref().map(|membership| membership.name.as_str()) else {
            return;
        };
        let event = match request {
            Request::Say(text) => Some(Event::Said { name, text }),
            Request::Me(text) => Some(Event::Did { name, text }),
            _ => None,
        };
        if let Some(event) = event {
            // Writing to memory does not fail.
            let _ = write!(self.pending_lines, "{event}");
            self.pending_lines.push('\n');
        }
        if event.is_none() || self.pending_lines.len() >= PENDING_BYTES {
            self.flush();
        }
        let (chat, client) = (self.chat, self.client);
        let Some(membership) = &mut self.membership else { return };
        match request {
            Request::Look => chat.look(client, membership),
            Request::Rooms => chat.rooms(client, membership),
            Request::Message { to, text } => chat.message(client, membership, to, text),
            Request::Topic("") => chat.topic(client, membership),
            Request::Topic(text) => chat.set_topic(membership, text),
            Request::History(count) => membership.history(client, count),
            Request::Join(room) => match RoomName::parse(room) {
                Ok(room) => chat.join(client, membership, &room),
                Err(NameError::Empty) => self.reply(Reply::RoomNameEmpty),
                Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
            },
            Request::Rename(name) => match UserName::parse(name) {
                Ok(name) => chat.rename(client, membership, name),
                Err(error) => self.refuse_name(error),
            },
            _ => {}
        }
    }

    fn login(&mut self, name: &str) {
        match UserName::parse(name) {
            Ok(name) => match self.chat.login(self.client, name) {
                Ok(membership) => {
                    log::info!("{} ({}) came", self.client.address, membership.name);
                    self.membership = Some(membership);
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
    fn knows(&self, command: &Command) -> bool {
        command.is_known(self.membership.is_some(), self.chat.has_operators())
    }

    fn help(&mut self, name: &str) {
        let known: Vec<_> = COMMANDS.iter().filter(|command| self.knows(command)).collect();
        let width = known.iter().map(|command| command.usage.len() + 1).max().unwrap_or(0);
        let rows: Vec<_> = known
            .into_iter()
            .filter(|command| name.is_empty() || command.name == name)
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
        _ => false,
    }
}
