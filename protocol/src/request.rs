//! What a client asks for, from a line and back.

mod written;

use thiserror::Error;

use crate::claim::Claim;
use crate::command::Command;
use crate::limits::HISTORY_LINES;
use crate::position::Position;
use crate::{has_control, is_blank, split};

/// One request of a client, its argument trimmed. Names are checked by who acts on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Enter the chat under a name.
    Login(Claim<'a>),
    /// Read a room without a name: the first one, with an empty text.
    Watch(&'a str),
    /// Say a text, which may be empty.
    Say(&'a str),
    /// Who is here?
    Look,
    /// End the connection.
    Logout,
    /// Go to another room.
    Join(&'a str),
    /// Which rooms are there?
    Rooms,
    /// Say a text to one user.
    Message {
        /// The user's name.
        to: &'a str,
        /// What to say.
        text: &'a str,
    },
    /// Take no private messages of a user.
    Ignore(&'a str),
    /// Take them again.
    Unignore(&'a str),
    /// Say what one does.
    Me(&'a str),
    /// Take another name.
    Rename(Claim<'a>),
    /// Set the topic, see [`topic_of`], or ask for it with an empty text.
    Topic(&'a str),
    /// The last so many lines of the room.
    History(usize),
    /// The present position in the room, or the lines between one and the user's entry.
    Since(Option<Position<'a>>),
    /// Become an operator, by this password.
    Operator(&'a str),
    /// End a user's connection.
    Kick {
        /// The user's name.
        name: &'a str,
        /// What the user is told, or nothing.
        reason: &'a str,
    },
    /// Let a user say nothing.
    Mute {
        /// The user's name.
        name: &'a str,
        /// For how long. 0 lets the user speak again.
        minutes: u32,
    },
    /// Keep somebody out.
    Ban {
        /// A user's name, or an IP address.
        target: &'a str,
        /// For how long. 0 lets them in again.
        minutes: u32,
    },
    /// Who is connected?
    Who,
    /// Who is kept out?
    Bans,
    /// Tell every room.
    Announce(&'a str),
    /// A fence: answered once all before it is.
    Ping(&'a str),
    /// What commands are there, or what does one of them do?
    Help(&'a str),
    /// A command of the table whose argument has not the right form.
    Malformed(Command),
    /// No command of the table. This is the word that stood in its place.
    Unknown(&'a str),
}

/// The line has a control character other than tab, so nobody shall ever be shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a line has a control character")]
pub struct ControlCharacter;

impl<'a> Request<'a> {
    /// Reads a line, without its end. `None` when it is blank and to be ignored.
    ///
    /// What is trimmed is not looked at, so a stray CR at the end of a line does no harm.
    ///
    /// # Errors
    ///
    /// Refuses a line with a control character in what is left of it.
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

    /// The command that it gives. `None` when that is unknown.
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

    /// The word that it starts with on the wire.
    #[must_use]
    pub fn word(&self) -> &'a str {
        match *self {
            Request::Unknown(word) => word,
            _ => self.command().map_or("", |command| command.spec().name),
        }
    }
}

/// The request that a command makes of its trimmed argument. `None` when the argument has not the
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
        Command::Ignore => Request::Ignore(some(argument)?),
        Command::Unignore => Request::Unignore(some(argument)?),
        Command::Me => Request::Me(argument),
        Command::Rename => Request::Rename(Claim::new(argument)),
        Command::Topic => Request::Topic(argument),
        Command::History if argument.is_empty() => Request::History(HISTORY_LINES),
        // There are never more lines than the largest number, so this is all of them.
        Command::History if is_number(argument) => {
            Request::History(argument.parse().unwrap_or(usize::MAX))
        }
        Command::History => return None,
        Command::Since if argument.is_empty() => Request::Since(None),
        Command::Since => Request::Since(Some(Position::parse(argument)?)),
        Command::Operator => Request::Operator(some(argument)?),
        Command::Kick => {
            let (name, reason) = split(argument);
            Request::Kick { name: some(name)?, reason }
        }
        Command::Mute => {
            let (name, minutes) = split(argument);
            Request::Mute { name: some(name)?, minutes: number(minutes)? }
        }
        Command::Ban => {
            let (target, minutes) = split(argument);
            Request::Ban { target: some(target)?, minutes: number(minutes)? }
        }
        Command::Who => Request::Who,
        Command::Bans => Request::Bans,
        Command::Announce => Request::Announce(some(argument)?),
        Command::Ping => Request::Ping(argument),
        Command::Help => Request::Help(argument),
    })
}

/// The topic that a text after `topic` sets: `-` takes it away, for nothing at all asks for it.
#[must_use]
pub fn topic_of(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// `None` when it is empty.
fn some(argument: &str) -> Option<&str> {
    (!argument.is_empty()).then_some(argument)
}

/// Whether it is made of decimal digits alone. Rust's own reader would also take a sign: `+5`.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of decimal digits. `None` when it is none, or too large.
fn number(digits: &str) -> Option<u32> {
    is_number(digits).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests;
