//! One user of the room without a server: what his requests and the lines of others lead to.
//!
//! Pure: it knows no socket and no clock. What is to be sent and shown, it gives back.

use protocol::rows::HelpRow;
use protocol::{Command, Context, Event, LineError, Place, Reply, Request, UserName, is_control};

use super::broadcast::DATAGRAM_BYTES;

/// Peers of the same name that are remembered, so that each is reported once.
const DOUBLES: usize = 16;

/// The request to everybody to say that they are here.
const LOOK: &str = "look";

/// The requests that make sense here.
pub const KNOWN: &[Command] = &[
    Command::Login,
    Command::Say,
    Command::Me,
    Command::Look,
    Command::Logout,
    Command::Ping,
    Command::Help,
];

/// The column of the usages in the answer to `help`.
const HELP_WIDTH: usize = 15;

const HERE: &str = " is here.";

/// What a request or a datagram leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines for the user.
    pub show: Vec<String>,
    /// The line for everybody.
    pub send: Option<String>,
    /// What follows from it for the connection.
    pub then: Then,
}

/// What follows from a request for the connection of the user who sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    #[default]
    GoOn,
    /// It goes on, and others will answer.
    AwaitAnswers,
    /// The user leaves.
    End,
}

impl Outcome {
    fn show(line: impl ToString) -> Self {
        Self { show: vec![line.to_string()], ..Self::default() }
    }

    /// The user sees what everybody does.
    fn tell(event: Event<'_>) -> Self {
        let line = event.to_string();
        if line.len() > DATAGRAM_BYTES {
            return Self::show(Reply::LineTooLong(DATAGRAM_BYTES));
        }
        Self { show: vec![line.clone()], send: Some(line), ..Self::default() }
    }
}

/// One user of the room: the name, and where others have the same one.
#[derive(Debug, Default)]
pub struct Peer {
    name: Option<UserName>,
    /// Where others of the same name are.
    doubles: Vec<String>,
    /// Datagrams that were no lines of a chat.
    ignored: u64,
}

impl Peer {
    /// How many datagrams were no lines of a chat.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// What a request leads to.
    pub fn request(&mut self, line: Result<&str, LineError>) -> Outcome {
        let request = match line.map(Request::parse) {
            Ok(Ok(Some(request))) => request,
            Ok(Ok(None)) => return Outcome::default(),
            Ok(Err(_)) => return Outcome::show(Reply::ControlCharacter),
            Err(LineError::NotUtf8) => return Outcome::show(Reply::InvalidUtf8),
            Err(LineError::TooLong | LineError::Unterminated) => {
                return Outcome::show(Reply::LineTooLong(DATAGRAM_BYTES));
            }
        };
        match (request, &self.name) {
            (Request::Login(claim), None) => self.log_in(claim.whole()),
            (Request::Ping(token), _) => Outcome::show(Reply::Pong(token)),
            (Request::Logout, _) => Outcome { then: Then::End, ..Outcome::default() },
            (Request::Help(_), name) => help(name.is_some()),
            (Request::Say(text), Some(name)) => {
                Outcome::tell(Event::Said { name: name.as_str(), text })
            }
            (Request::Me(text), Some(name)) => {
                Outcome::tell(Event::Did { name: name.as_str(), text })
            }
            (Request::Look, Some(name)) => Outcome {
                show: vec![format!("{name}{HERE}")],
                send: Some(LOOK.to_owned()),
                then: Then::AwaitAnswers,
            },
            // Nobody keeps one.
            (Request::History(_), Some(_)) => Outcome::show(Reply::History),
            (
                Request::Login(_)
                | Request::Watch(_)
                | Request::Say(_)
                | Request::Look
                | Request::Join(_)
                | Request::Rooms
                | Request::Message { .. }
                | Request::Me(_)
                | Request::Rename(_)
                | Request::Topic(_)
                | Request::History(_)
                | Request::Since(_)
                | Request::Operator(_)
                | Request::Kick { .. }
                | Request::Mute { .. }
                | Request::Ban { .. }
                | Request::Who
                | Request::Ignore(_)
                | Request::Unignore(_)
                | Request::Bans
                | Request::Announce(_)
                | Request::Malformed(_)
                | Request::Unknown(_),
                _,
            ) => Outcome::show(Reply::UnknownCommand(request.word())),
        }
    }

    fn log_in(&mut self, name: &str) -> Outcome {
        match UserName::parse(name) {
            Ok(name) => {
                let entered = Event::Entered { name: name.as_str() }.to_string();
                self.name = Some(name);
                Outcome { send: Some(entered), ..Outcome::show(Reply::LoginSuccess) }
            }
            Err(_) if name.is_empty() => Outcome::show(Reply::UserNameEmpty),
            Err(error) => Outcome::show(Reply::UserNameInvalid(&error.to_string())),
        }
    }

    /// The user leaves, or is gone. Gives what the others are to see.
    pub fn leave(&mut self) -> Option<String> {
        let name = self.name.take()?;
        Some(Event::Left { name: name.as_str() }.to_string())
    }

    /// What a datagram of somebody else leads to.
    pub fn datagram(&mut self, bytes: &[u8], from: &str) -> Outcome {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
        let is_short = bytes.len() <= DATAGRAM_BYTES;
        let Some(line) = line.ok().filter(|line| is_short && !line.contains(is_control)) else {
            self.ignored += 1;
            return Outcome::default();
        };
        // A peer that is not in the room takes nothing of it.
        let Some(own) = &self.name else { return Outcome::default() };
        let here = format!("{own}{HERE}");
        if line == LOOK {
            return Outcome { send: Some(here), ..Outcome::default() };
        }
        let Some(name) = speaker(line).and_then(|name| UserName::parse(name).ok()) else {
            self.ignored += 1;
            return Outcome::default();
        };
        let mut outcome = Outcome::show(line);
        if name == *own {
            if !self.doubles.iter().any(|known| known == from) && self.doubles.len() < DOUBLES {
                outcome.show.push(format!(
                    "You and somebody at {from} are both called {name}: come back with another name"
                ));
                self.doubles.push(from.to_owned());
            }
            // A newcomer is to notice too.
            outcome.send =
                matches!(Event::parse(line), Some(Event::Entered { .. })).then_some(here);
        }
        outcome
    }
}

/// The name of the peer that a line is from. `None` when it is no line of such a room.
fn speaker(line: &str) -> Option<&str> {
    if let Some(name) = line.strip_suffix(HERE) {
        return Some(name);
    }
    match Event::parse(line)? {
        Event::Said { name, .. }
        | Event::Did { name, .. }
        | Event::Entered { name }
        | Event::Left { name } => Some(name),
        Event::Renamed { .. } | Event::TopicSet { .. } | Event::Announced { .. } => None,
    }
}

fn help(is_logged_in: bool) -> Outcome {
    let place = if is_logged_in { Place::ChatRoom } else { Place::LoginRoom };
    let context = Context { place, has_operators: false, has_watchers: false };
    let commands = Command::ALL
        .iter()
        .copied()
        .filter(|command| KNOWN.contains(command) && command.spec().scope.allows(context));
    let rows = commands.map(|command| HelpRow { command, width: HELP_WIDTH }.to_string());
    Outcome {
        show: std::iter::once(Reply::Commands.to_string()).chain(rows).collect(),
        ..Outcome::default()
    }
}

#[cfg(test)]
mod tests;
