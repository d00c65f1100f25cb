//! What a client asks for, from a line and back.

mod written;

use thiserror::Error;

use crate::claim::Claim;
use crate::command::Command;
use crate::limits::HISTORY_LINES;
use crate::position::Position;
use crate::{has_control, is_blank, split};

/// One request of a client. Its argument is trimmed; names in it are not checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Enter the chat: a name, and perhaps the secret that belongs to it.
    Login(Claim<'a>),
    /// Read this room without a name. An empty text stands for `main`.
    Watch(&'a str),
    /// Say a text, which may be empty, to the room.
    Say(&'a str),
    /// List who is in the room.
    Look,
    /// End the connection.
    Logout,
    /// Go to this room.
    Join(&'a str),
    /// List the rooms.
    Rooms,
    /// Say a text to one user.
    Message {
        /// The user's name.
        to: &'a str,
        /// What to say.
        text: &'a str,
    },
    /// Take no private messages of the user of this name.
    Ignore(&'a str),
    /// Take the private messages of that user again.
    Unignore(&'a str),
    /// Tell the room what the user does.
    Me(&'a str),
    /// Take another name: that name, and perhaps the secret that belongs to it.
    Rename(Claim<'a>),
    /// Set the topic to [`topic_of`] this text. An empty text asks for the topic.
    Topic(&'a str),
    /// List this many lines of the room, its latest ones.
    History(usize),
    /// List the lines between this position and the user's entry. `None` asks for the present position.
    Since(Option<Position<'a>>),
    /// Become an operator. The text is a password, or an operator's name and a password.
    Operator(&'a str),
    /// End a user's connection.
    Kick {
        /// The user's name.
        name: &'a str,
        /// What the user is told. It may be empty.
        reason: &'a str,
    },
    /// Forbid a user to speak.
    Mute {
        /// The user's name.
        name: &'a str,
        /// For how long. 0 allows it again.
        minutes: u32,
    },
    /// Keep a user or an address out.
    Ban {
        /// A user's name, or an IP address.
        target: &'a str,
        /// For how long. 0 lets them in again.
        minutes: u32,
    },
    /// List the connections.
    Who,
    /// List the bans.
    Bans,
    /// Tell every room a text.
    Announce(&'a str),
    /// Answer with this token once everything is sent that the client was owed before.
    Ping(&'a str),
    /// List the commands, or tell what this one does.
    Help(&'a str),
    /// The argument of this command does not have the form of its usage.
    Malformed(Command),
    /// There is no command of this name.
    Unknown(&'a str),
}

/// Why a line is refused: it has a control character other than tab. Such a line is shown to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a line has a control character")]
pub struct ControlCharacter;

impl<'a> Request<'a> {
    /// Reads a line without its newline. `None` when it is blank: a server ignores such a line.
    ///
    /// # Errors
    ///
    /// Refuses a line with a control character. White space at its ends is trimmed before, so a stray CR
    /// there does no harm.
    pub fn parse(line: &'a str) -> Result<Option<Self>, ControlCharacter> {
        if line.chars().all(is_blank) {
            return Ok(None);
        }
        let (name, argument) = split(line);
        if has_control(name) || has_control(argument) {
            return Err(ControlCharacter);
        }
        Ok(Some(match Command::find(name) {
            Some(command) => read(command, argument).unwrap_or(Request::Malformed(command)),
            None => Request::Unknown(name),
        }))
    }

    /// The command of this request. `None` when it is unknown.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        Some(match *self {
            Request::Login(_) => Command::Login,
            Request::Watch(_) => Command::Watch,
            Request::Say(_) => Command::Say,
            Request::Look => Command::Look,
            Request::Logout => Command::Logout,
            Request::Join(_) => Command::Join,
            Request::Rooms => Command::Rooms,
            Request::Message { .. } => Command::Message,
            Request::Ignore(_) => Command::Ignore,
            Request::Unignore(_) => Command::Unignore,
            Request::Me(_) => Command::Me,
            Request::Rename(_) => Command::Rename,
            Request::Topic(_) => Command::Topic,
            Request::History(_) => Command::History,
            Request::Since(_) => Command::Since,
            Request::Operator(_) => Command::Operator,
            Request::Kick { .. } => Command::Kick,
            Request::Mute { .. } => Command::Mute,
            Request::Ban { .. } => Command::Ban,
            Request::Who => Command::Who,
            Request::Bans => Command::Bans,
            Request::Announce(_) => Command::Announce,
            Request::Ping(_) => Command::Ping,
            Request::Help(_) => Command::Help,
            Request::Malformed(command) => command,
            Request::Unknown(_) => return None,
        })
    }

    /// The first word of this request on the wire.
    #[must_use]
    pub fn word(&self) -> &'a str {
        match *self {
            Request::Unknown(word) => word,
            _ => self.command().map_or("", |command| command.spec().name),
        }
    }
}

/// Makes a request of a command and its trimmed argument. `None` when the argument does not have the
/// form of the command's usage.
fn read(command: Command, argument: &str) -> Option<Request<'_>> {
    Some(match command {
        Command::Login => Request::Login(Claim::new(argument)),
        Command::Watch => Request::Watch(argument),
        Command::Say => Request::Say(argument),
        Command::Look => Request::Look,
        Command::Logout => Request::Logout,
        Command::Join => Request::Join(argument),
        Command::Rooms => Request::Rooms,
        Command::Message => {
            let (to, text) = split(argument);
            Request::Message { to, text }
        }
        Command::Ignore => Request::Ignore(nonempty(argument)?),
        Command::Unignore => Request::Unignore(nonempty(argument)?),
        Command::Me => Request::Me(argument),
        Command::Rename => Request::Rename(Claim::new(argument)),
        Command::Topic => Request::Topic(argument),
        Command::History if argument.is_empty() => Request::History(HISTORY_LINES),
        // A number that is too large stands for all lines, as the largest one does.
        Command::History if is_number(argument) => {
            Request::History(argument.parse().unwrap_or(usize::MAX))
        }
        Command::History => return None,
        Command::Since if argument.is_empty() => Request::Since(None),
        Command::Since => Request::Since(Some(Position::parse(argument)?)),
        Command::Operator => Request::Operator(nonempty(argument)?),
        Command::Kick => {
            let (name, reason) = split(argument);
            Request::Kick { name: nonempty(name)?, reason }
        }
        Command::Mute => {
            let (name, minutes) = split(argument);
            Request::Mute { name: nonempty(name)?, minutes: number(minutes)? }
        }
        Command::Ban => {
            let (target, minutes) = split(argument);
            Request::Ban { target: nonempty(target)?, minutes: number(minutes)? }
        }
        Command::Who => Request::Who,
        Command::Bans => Request::Bans,
        Command::Announce => Request::Announce(nonempty(argument)?),
        Command::Ping => Request::Ping(argument),
        Command::Help => Request::Help(argument),
    })
}

/// The topic that `topic TEXT` sets. `-` stands for none, because `topic` without a text only asks.
#[must_use]
pub fn topic_of(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// The argument. `None` when it is empty.
fn nonempty(argument: &str) -> Option<&str> {
    (!argument.is_empty()).then_some(argument)
}

/// Whether a text is made of decimal digits alone. [`str::parse`] would take a sign too: `+5`.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number that decimal digits stand for. `None` when they are no digits, or the number is too large.
fn number(digits: &str) -> Option<u32> {
    is_number(digits).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests;
