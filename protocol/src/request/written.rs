//! Requests written, as clients send them.

use std::borrow::Cow;
use std::fmt;

use super::Request;

impl<'a> Request<'a> {
    /// What follows the word.
    fn argument(&self) -> Cow<'a, str> {
        match *self {
            Request::Login(claim) | Request::Rename(claim) => claim.whole().into(),
            Request::Watch(argument)
            | Request::Say(argument)
            | Request::Join(argument)
            | Request::Ignore(argument)
            | Request::Unignore(argument)
            | Request::Me(argument)
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
            Request::Since(Some(position)) => position.to_string().into(),
            Request::Since(None) => "".into(),
            Request::Look
            | Request::Bans
            | Request::Logout
            | Request::Rooms
            | Request::Who
            | Request::Malformed(_)
            | Request::Unknown(_) => "".into(),
        }
    }
}

/// The request as a line, without its end.
impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self.argument().as_ref() {
            "" => Ok(()),
            argument => write!(f, " {argument}"),
        }
    }
}
