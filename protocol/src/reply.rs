//! [`Reply`]: a line that one client alone gets, as a value. It is written as its text, and read back
//! from it.
//!
//! This is the one place for these texts. A list is a reply, its heading, and rows after it, each a
//! line; the rows are in [`rows`](crate::rows).

use std::fmt;

/// How replies end on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Every reply ends with a newline.
    Line,
    /// As the course's original server has it: four replies carry no newline, since its clients
    /// compare them with the whole of what one `recv` returns.
    Classic,
}

/// One line to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The greeting.
    ConnectSuccess,
    /// Answers `login`.
    LoginSuccess,
    /// Answers `watch`.
    WatchSuccess,
    /// Refuses `login` and `rename`.
    UserNameEmpty,
    /// Refuses `login` and `rename`: somebody has this name, or one that looks the same.
    UserNameExist,
    /// Refuses `login` and `rename`, and says why.
    UserNameInvalid(&'a str),
    /// Answers `rename`.
    RenameSuccess,
    /// Heads the answer to `look`. The rows are names.
    OnlineUsers,
    /// Answers `join`.
    JoinSuccess,
    /// Refuses `join`.
    RoomNameEmpty,
    /// Refuses `join`, and says why.
    RoomNameInvalid(&'a str),
    /// Refuses `join`: the server has as many rooms as it may have, and this would be one more.
    TooManyRooms,
    /// Heads the answer to `rooms`. The rows are [`RoomRow`](crate::rows::RoomRow)s.
    Rooms,
    /// Answers `msg`.
    MessageTo {
        /// Who got it.
        name: &'a str,
        /// What was said.
        text: &'a str,
    },
    /// What a `msg` gives to the user it names.
    MessageFrom {
        /// Who said it.
        name: &'a str,
        /// What was said.
        text: &'a str,
    },
    /// Refuses `msg`.
    NoSuchUser(&'a str),
    /// Refuses `msg`: the user has not taken the earlier ones yet.
    MailboxFull(&'a str),
    /// Refuses `msg`: the user takes no messages of the sender.
    MessageRefused(&'a str),
    /// Answers `ignore`.
    IgnoreSuccess,
    /// Refuses `ignore`: the user ignores as many as it may.
    TooManyIgnored,
    /// Answers `unignore`.
    UnignoreSuccess,
    /// Answers `topic`.
    Topic(&'a str),
    /// Heads the answer to `history`. The rows are [`HistoryRow`](crate::rows::HistoryRow)s.
    History,
    /// Answers `since`: a [`Position`](crate::Position).
    Position(&'a str),
    /// Comes before the heading when the room has no such position, or no longer: what lies between it
    /// and the first row nobody can say.
    PositionGone(&'a str),
    /// Heads the answer to `who`. The rows are [`WhoRow`](crate::rows::WhoRow)s.
    Connections,
    /// Answers `op`.
    OperatorSuccess,
    /// Refuses `login` and `rename`: this name is given with its secret only.
    PasswordRequired,
    /// Refuses `op`, `login` and `rename`, whatever was wrong: the password, or the name.
    PasswordWrong,
    /// Refuses `op`, `login` and `rename`: too many passwords wait to be checked.
    PasswordQueueFull,
    /// Refuses a command that is for operators, by its name.
    OperatorsOnly(&'a str),
    /// Answers `kick`.
    KickSuccess,
    /// Answers `mute`.
    MuteSuccess,
    /// Answers `ban`.
    BanSuccess,
    /// Heads the answer to `bans`. The rows are [`BanRow`](crate::rows::BanRow)s.
    BanList,
    /// Ends a connection, and says why.
    Kicked(&'a str),
    /// Refuses to let a user speak, for so many minutes; and tells a user of that beforehand.
    Muted(u64),
    /// Ends a connection or refuses `login` and `rename`, for so many minutes.
    Banned(u64),
    /// Answers `ping`.
    Pong(&'a str),
    /// Heads the answer to `help`. The rows are [`HelpRow`](crate::rows::HelpRow)s.
    Commands,
    /// Answers a word that is no command, or none where the client is now.
    UnknownCommand(&'a str),
    /// Answers a command whose argument does not have the right form, with that form.
    Usage(&'a str),
    /// Refuses a line over the limit, in bytes.
    LineTooLong(usize),
    /// Refuses a line.
    InvalidUtf8,
    /// Refuses a line.
    ControlCharacter,
    /// Answers something that speaks another protocol, by the name of that.
    WrongProtocol(&'a str),
    /// This many lines of the room are left out here, since the client did not take them in time.
    Missed(u64),
    /// Refuses a connection.
    ServerFull,
    /// Ends a connection that did not log in.
    LoginTimeout,
    /// Ends all connections.
    ServerShutdown,
    /// Ends all connections: the other servers of the chat took this one for dead.
    ServerCutOff,
    /// What is said now is seen later: the servers cannot agree on its place.
    LinesWaiting,
    /// What was said meanwhile is seen.
    LinesMoving,
}

/// Replies that are a text and nothing else. The one list for writing them and reading them.
const FIXED: &[(&str, Reply<'static>)] = &[
    ("Connect Success", Reply::ConnectSuccess),
    ("Login Success", Reply::LoginSuccess),
    ("Watch Success", Reply::WatchSuccess),
    ("UserName Empty", Reply::UserNameEmpty),
    ("UserName Exist", Reply::UserNameExist),
    ("Rename Success", Reply::RenameSuccess),
    ("Online Users:", Reply::OnlineUsers),
    ("Join Success", Reply::JoinSuccess),
    ("RoomName Empty", Reply::RoomNameEmpty),
    ("Too Many Rooms", Reply::TooManyRooms),
    ("Rooms:", Reply::Rooms),
    ("Ignore Success", Reply::IgnoreSuccess),
    ("Too Many Ignored", Reply::TooManyIgnored),
    ("Unignore Success", Reply::UnignoreSuccess),
    ("History:", Reply::History),
    ("Operator Success", Reply::OperatorSuccess),
    ("Online Connections:", Reply::Connections),
    ("Password Required", Reply::PasswordRequired),
    ("Password Wrong", Reply::PasswordWrong),
    ("Password Queue Full", Reply::PasswordQueueFull),
    ("Kick Success", Reply::KickSuccess),
    ("Mute Success", Reply::MuteSuccess),
    ("Ban Success", Reply::BanSuccess),
    ("Ban List:", Reply::BanList),
    ("Commands:", Reply::Commands),
    ("Invalid UTF-8", Reply::InvalidUtf8),
    ("Control Character", Reply::ControlCharacter),
    ("Server Full", Reply::ServerFull),
    ("Login Timeout", Reply::LoginTimeout),
    ("Server Shutdown", Reply::ServerShutdown),
    ("Server Cut Off", Reply::ServerCutOff),
    ("Lines Waiting", Reply::LinesWaiting),
    ("Lines Moving", Reply::LinesMoving),
];

type WithValue = fn(&str) -> Reply<'_>;

/// Replies that are a text and a value up to the end of the line, likewise.
const WITH_VALUE: &[(&str, WithValue)] = &[
    ("UserName Invalid: ", |why| Reply::UserNameInvalid(why)),
    ("RoomName Invalid: ", |why| Reply::RoomNameInvalid(why)),
    ("No Such User: ", |name| Reply::NoSuchUser(name)),
    ("Mailbox Full: ", |name| Reply::MailboxFull(name)),
    ("Message Refused: ", |name| Reply::MessageRefused(name)),
    ("Operators Only: ", |command| Reply::OperatorsOnly(command)),
    ("Kicked: ", |reason| Reply::Kicked(reason)),
    ("Topic: ", |text| Reply::Topic(text)),
    ("Room Position: ", |position| Reply::Position(position)),
    ("Position Gone: ", |position| Reply::PositionGone(position)),
    ("pong ", |token| Reply::Pong(token)),
    ("Unknown command: ", |command| Reply::UnknownCommand(command)),
    ("Usage: ", |usage| Reply::Usage(usage)),
    ("Wrong Protocol: ", |protocol| Reply::WrongProtocol(protocol)),
];

type WithNumber = fn(u64) -> Reply<'static>;

/// Replies that are a text around a number.
const AROUND_NUMBER: &[(&str, &str, WithNumber)] = &[
    ("Missed ", " lines", |lines| Reply::Missed(lines)),
    ("Muted for ", " minutes", |minutes| Reply::Muted(minutes)),
    ("Banned for ", " minutes", |minutes| Reply::Banned(minutes)),
];

impl<'a> Reply<'a> {
    /// Reads a line to one client, without its end. `None` when it is none, as rows of lists are.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        if let Some((_, reply)) = FIXED.iter().find(|(text, _)| *text == line) {
            return Some(*reply);
        }
        if line == "pong" {
            return Some(Reply::Pong(""));
        }
        if let Some((text, reply)) = WITH_VALUE.iter().find(|(text, _)| line.starts_with(text)) {
            let reply = reply(&line[text.len()..]);
            // A server writes this one without the space.
            return (reply != Reply::Pong("")).then_some(reply);
        }
        if let Some(bytes) = line.strip_prefix("Line Too Long: ") {
            return number(bytes).map(Reply::LineTooLong);
        }
        if let Some((start, end, reply)) =
            AROUND_NUMBER.iter().find(|(start, ..)| line.starts_with(start))
        {
            return number(line[start.len()..].strip_suffix(end)?).map(reply);
        }
        let (direction, message) = line.split_once(' ')?;
        let (name, text) = message.split_once("] ")?;
        match direction {
            "[to" => Some(Reply::MessageTo { name, text }),
            "[from" => Some(Reply::MessageFrom { name, text }),
            _ => None,
        }
    }

    /// Whether the reply carries no newline in classic framing, and must then leave by itself.
    #[must_use]
    pub fn is_bare(&self, framing: Framing) -> bool {
        framing == Framing::Classic
            && matches!(
                self,
                Reply::ConnectSuccess
                    | Reply::LoginSuccess
                    | Reply::UserNameEmpty
                    | Reply::UserNameExist
            )
    }

    /// The reply as it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self, framing: Framing) -> Vec<u8> {
        let end = if self.is_bare(framing) { "" } else { "\n" };
        format!("{self}{end}").into_bytes()
    }
}

/// A number in the one form that the server writes.
pub(crate) fn number<N: std::str::FromStr + fmt::Display>(digits: &str) -> Option<N> {
    digits.parse().ok().filter(|number: &N| number.to_string() == digits)
}

/// The reply as a line, without its end.
impl fmt::Display for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reply::UserNameInvalid(why) => write!(f, "UserName Invalid: {why}"),
            Reply::RoomNameInvalid(why) => write!(f, "RoomName Invalid: {why}"),
            Reply::MessageTo { name, text } => write!(f, "[to {name}] {text}"),
            Reply::MessageFrom { name, text } => write!(f, "[from {name}] {text}"),
            Reply::NoSuchUser(name) => write!(f, "No Such User: {name}"),
            Reply::OperatorsOnly(command) => write!(f, "Operators Only: {command}"),
            Reply::Kicked(reason) => write!(f, "Kicked: {reason}"),
            Reply::Muted(minutes) => write!(f, "Muted for {minutes} minutes"),
            Reply::Banned(minutes) => write!(f, "Banned for {minutes} minutes"),
            Reply::MessageRefused(name) => write!(f, "Message Refused: {name}"),
            Reply::MailboxFull(name) => write!(f, "Mailbox Full: {name}"),
            Reply::Topic(text) => write!(f, "Topic: {text}"),
            Reply::Position(position) => write!(f, "Room Position: {position}"),
            Reply::PositionGone(position) => write!(f, "Position Gone: {position}"),
            Reply::Pong("") => f.write_str("pong"),
            Reply::Pong(token) => write!(f, "pong {token}"),
            Reply::UnknownCommand(command) => write!(f, "Unknown command: {command}"),
            Reply::Usage(usage) => write!(f, "Usage: {usage}"),
            Reply::LineTooLong(bytes) => write!(f, "Line Too Long: {bytes}"),
            Reply::WrongProtocol(protocol) => write!(f, "Wrong Protocol: {protocol}"),
            Reply::Missed(lines) => write!(f, "Missed {lines} lines"),
            fixed => {
                let text = FIXED.iter().find(|(_, reply)| *reply == fixed).map(|(text, _)| *text);
                f.write_str(text.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests;
