//! What a client asks for, from a line and back.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::command::{Command, split};
use crate::{has_control, is_blank};

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
}
