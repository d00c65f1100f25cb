//! Which commands there are, in one table: parsing, `help`, completion and the documentation are
//! all read from it, so they cannot differ.

use crate::is_blank;
use crate::limits::HISTORY_LINES;
use crate::request::Request;

/// Where a command is known. Elsewhere it is an unknown command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before login.
    Login,
    /// In a chat room.
    Chat,
    /// In both.
    Any,
    /// In a chat room of a server that has operators.
    Moderated,
    /// There too, for operators alone.
    Operators,
}

/// One row of the command table.
#[derive(Debug)]
pub struct Command {
    /// The word that a request starts with.
    pub name: &'static str,
    /// The name and what follows it, in the usual notation: `history [N]`.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
    /// Where it is known.
    pub place: Place,
    /// Makes the request from the trimmed argument. `None` when that has not the usage's form.
    pub(crate) parse: for<'a> fn(&'a str) -> Option<Request<'a>>,
}

/// Every command, in the order in which `help` shows them.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "login",
        usage: "login NAME",
        help: "enter the chat under this name",
        place: Place::Login,
        parse: |name| Some(Request::Login(name)),
    },
    Command {
        name: "say",
        usage: "say TEXT",
        help: "say something to everyone in the room",
        place: Place::Chat,
        parse: |text| Some(Request::Say(text)),
    },
    Command {
        name: "look",
        usage: "look",
        help: "list who is in the room",
        place: Place::Chat,
        parse: |_| Some(Request::Look),
    },
    Command {
        name: "logout",
        usage: "logout",
        help: "leave the chat",
        place: Place::Any,
        parse: |_| Some(Request::Logout),
    },
    Command {
        name: "join",
        usage: "join ROOM",
        help: "go to another room",
        place: Place::Chat,
        parse: |room| Some(Request::Join(room)),
    },
    Command {
        name: "rooms",
        usage: "rooms",
        help: "list the rooms and how many are in each",
        place: Place::Chat,
        parse: |_| Some(Request::Rooms),
    },
    Command {
        name: "msg",
        usage: "msg NAME TEXT",
        help: "say something to one user alone, in whatever room",
        place: Place::Chat,
        parse: |argument| {
            let (to, text) = split(argument);
            Some(Request::Message { to, text })
        },
    },
    Command {
        name: "me",
        usage: "me TEXT",
        help: "tell the room what you do",
        place: Place::Chat,
        parse: |text| Some(Request::Me(text)),
    },
    Command {
        name: "rename",
        usage: "rename NAME",
        help: "take another name",
        place: Place::Chat,
        parse: |name| Some(Request::Rename(name)),
    },
    Command {
        name: "topic",
        usage: "topic [TEXT]",
        help: "show or set the topic of the room",
        place: Place::Chat,
        parse: |text| Some(Request::Topic(text)),
    },
    Command {
        name: "history",
        usage: "history [N]",
        help: "show the last N lines of the room (20)",
        place: Place::Chat,
        parse: |argument| match argument {
            "" => Some(Request::History(HISTORY_LINES)),
            digits => count(digits).map(Request::History),
        },
    },
    Command {
        name: "op",
        usage: "op PASSWORD",
        help: "become an operator",
        place: Place::Moderated,
        parse: |password| some(password).map(Request::Operator),
    },
    Command {
        name: "kick",
        usage: "kick NAME [REASON]",
        help: "end the connection of a user",
        place: Place::Operators,
        parse: |argument| {
            let (name, reason) = split(argument);
            Some(Request::Kick { name: some(name)?, reason })
        },
    },
    Command {
        name: "mute",
        usage: "mute NAME MINUTES",
        help: "let a user say nothing for so long; 0 ends it",
        place: Place::Operators,
        parse: |argument| {
            let (name, minutes) = split(argument);
            Some(Request::Mute { name: some(name)?, minutes: minutes.parse().ok()? })
        },
    },
    Command {
        name: "ban",
        usage: "ban NAME|ADDRESS MINUTES",
        help: "keep a name or an address out for so long; 0 ends it",
        place: Place::Operators,
        parse: |argument| {
            let (target, minutes) = split(argument);
            Some(Request::Ban { target: some(target)?, minutes: minutes.parse().ok()? })
        },
    },
    Command {
        name: "announce",
        usage: "announce TEXT",
        help: "tell everyone in every room",
        place: Place::Operators,
        parse: |text| some(text).map(Request::Announce),
    },
    Command {
        name: "ping",
        usage: "ping [TOKEN]",
        help: "get `pong TOKEN` once all that was owed before is sent",
        place: Place::Any,
        parse: |token| Some(Request::Ping(token)),
    },
    Command {
        name: "help",
        usage: "help [COMMAND]",
        help: "list the commands, or explain one",
        place: Place::Any,
        parse: |command| Some(Request::Help(command)),
    },
];

impl Command {
    /// The row of the command of this exact name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Command> {
        COMMANDS.iter().find(|command| command.name == name)
    }

    /// Whether the command is known to a client that is logged in, or to one that is not, on a
    /// server that has operators, or on one that has none.
    #[must_use]
    pub fn is_known(&self, logged_in: bool, has_operators: bool) -> bool {
        match self.place {
            Place::Login => !logged_in,
            Place::Chat => logged_in,
            Place::Any => true,
            Place::Moderated | Place::Operators => logged_in && has_operators,
        }
    }
}

/// `None` when it is nothing.
fn some(argument: &str) -> Option<&str> {
    (!argument.is_empty()).then_some(argument)
}

/// A number of decimal digits; the largest there is when it is larger still.
fn count(digits: &str) -> Option<usize> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

/// The word up to the first space, and the rest, trimmed.
pub(crate) fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_matches(is_blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_request_by_its_word() {
        for command in COMMANDS {
            assert_eq!(command.usage.split(' ').next(), Some(command.name));
            let arguments = command.usage.split(' ').skip(1).map(|_| " 7");
            let line: String = std::iter::once(command.name).chain(arguments).collect();
            let request = Request::parse(&line).unwrap().unwrap();
            assert_eq!(request.command(), command.name);
            assert!(!matches!(request, Request::Unknown(_) | Request::Malformed(_)), "{request:?}");
        }
    }
}
