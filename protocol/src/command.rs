//! What a client asks for. One table says which commands there are; parsing, `help`, completion
//! and the documentation are all read from it, so they cannot differ.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::limits::HISTORY_LINES;
use crate::{has_control, is_blank};

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
    parse: for<'a> fn(&'a str) -> Option<Request<'a>>,
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

/// One request of a client, its argument trimmed. Names are checked by who acts on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Enter the chat under a name.
    Login(&'a str),
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
    /// Say what one does.
    Me(&'a str),
    /// Take another name.
    Rename(&'a str),
    /// Set the topic, or ask for it with an empty text.
    Topic(&'a str),
    /// The last so many lines of the room.
    History(usize),
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
    /// Tell every room.
    Announce(&'a str),
    /// A fence: answered once all before it is.
    Ping(&'a str),
    /// What commands are there, or what does one of them do?
    Help(&'a str),
    /// A command of the table whose argument has not the right form.
    Malformed(&'static str),
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
            Some(command) => (command.parse)(argument).unwrap_or(Request::Malformed(command.name)),
            None => Request::Unknown(name),
        }))
    }

    /// The word it starts with on the wire.
    #[must_use]
    pub fn command(&self) -> &'a str {
        match *self {
            Request::Login(_) => "login",
            Request::Say(_) => "say",
            Request::Look => "look",
            Request::Logout => "logout",
            Request::Join(_) => "join",
            Request::Rooms => "rooms",
            Request::Message { .. } => "msg",
            Request::Me(_) => "me",
            Request::Rename(_) => "rename",
            Request::Topic(_) => "topic",
            Request::History(_) => "history",
            Request::Operator(_) => "op",
            Request::Kick { .. } => "kick",
            Request::Mute { .. } => "mute",
            Request::Ban { .. } => "ban",
            Request::Announce(_) => "announce",
            Request::Ping(_) => "ping",
            Request::Help(_) => "help",
            Request::Malformed(command) => command,
            Request::Unknown(command) => command,
        }
    }

    fn argument(&self) -> Cow<'a, str> {
        match *self {
            Request::Login(argument)
            | Request::Say(argument)
            | Request::Join(argument)
            | Request::Me(argument)
            | Request::Rename(argument)
            | Request::Topic(argument)
            | Request::Operator(argument)
            | Request::Announce(argument)
            | Request::Ping(argument)
            | Request::Help(argument) => argument.into(),
            Request::Message { to: name, text: "" } | Request::Kick { name, reason: "" } => {
                name.into()
            }
            Request::Message { to: name, text } | Request::Kick { name, reason: text } => {
                format!("{name} {text}").into()
            }
            Request::Mute { name: target, minutes } | Request::Ban { target, minutes } => {
                format!("{target} {minutes}").into()
            }
            Request::History(lines) => lines.to_string().into(),
            Request::Look
            | Request::Logout
            | Request::Rooms
            | Request::Malformed(_)
            | Request::Unknown(_) => "".into(),
        }
    }
}

/// The request as a line, without its end.
impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())?;
        match self.argument().as_ref() {
            "" => Ok(()),
            argument => write!(f, " {argument}"),
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
fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_matches(is_blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Option<Request<'_>>, ControlCharacter>) {
        assert_eq!(Request::parse(line), expected, "{line:?}");
    }

    #[test]
    fn a_line_is_a_command_and_its_argument() {
        for (line, request) in [
            ("login alice", Request::Login("alice")),
            ("login", Request::Login("")),
            ("login \t alice \r", Request::Login("alice")),
            ("say  two  words ", Request::Say("two  words")),
            ("say", Request::Say("")),
            ("say a\tb", Request::Say("a\tb")),
            ("say \u{3000}x\u{a0}", Request::Say("\u{3000}x\u{a0}")),
            ("look around", Request::Look),
            ("msg bob hi there", Request::Message { to: "bob", text: "hi there" }),
            ("msg bob", Request::Message { to: "bob", text: "" }),
            ("history", Request::History(20)),
            ("history 5", Request::History(5)),
            ("history five", Request::Malformed("history")),
            ("history -1", Request::Malformed("history")),
            ("history +1", Request::Malformed("history")),
            ("history 99999999999999999999", Request::History(usize::MAX)),
            ("op let me in", Request::Operator("let me in")),
            ("op ", Request::Malformed("op")),
            ("kick bob", Request::Kick { name: "bob", reason: "" }),
            ("kick bob no  spam", Request::Kick { name: "bob", reason: "no  spam" }),
            ("kick", Request::Malformed("kick")),
            ("mute bob 5", Request::Mute { name: "bob", minutes: 5 }),
            ("mute bob", Request::Malformed("mute")),
            ("mute bob soon", Request::Malformed("mute")),
            ("mute bob -1", Request::Malformed("mute")),
            ("ban ::1 0", Request::Ban { target: "::1", minutes: 0 }),
            ("ban bob 5 minutes", Request::Malformed("ban")),
            ("ban bob 99999999999", Request::Malformed("ban")),
            ("announce a break", Request::Announce("a break")),
            ("announce", Request::Malformed("announce")),
            ("LOGIN alice", Request::Unknown("LOGIN")),
            (" say x", Request::Unknown("")),
            ("look\t", Request::Unknown("look\t")),
            ("dance now", Request::Unknown("dance")),
        ] {
            check(line, Ok(Some(request)));
        }
    }

    #[test]
    fn blank_lines_are_ignored() {
        for line in ["", " ", " \t\r\x0b\x0c "] {
            check(line, Ok(None));
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for line in ["say a\u{0}b", "say \u{7f}", "say a\u{9b}31m", "lo\u{1b}ok", "\u{85}", "a\rb"]
        {
            check(line, Err(ControlCharacter));
        }
        check("say hi \r\x0b\x0c", Ok(Some(Request::Say("hi"))));
    }

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
