//! A line, or an error, as a JSON object. `docs/follow.schema.json` describes it; a test holds the two together.
//!
//! Pure: the time is the caller's.

use protocol::rows::HistoryRow;
use protocol::{Event, Reply, ServerLine};
use serde::{Serialize, Serializer};

use crate::exit::Failure;

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said something.
    Say,
    /// Somebody did something.
    Me,
    /// Somebody entered the room.
    Enter,
    /// Somebody left it.
    Leave,
    /// Somebody has another name, which is the text.
    Rename,
    /// Somebody set the topic, which is the text.
    Topic,
    /// Somebody wrote to this user alone.
    Private,
    /// The server told everybody something.
    Announce,
    /// Lines came faster than they were taken; so many are missing here.
    Missed,
    /// The server stops.
    Shutdown,
    /// Any other line of the server.
    Notice,
}

impl Kind {
    /// Its word in an object.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Say => "say",
            Kind::Me => "me",
            Kind::Enter => "enter",
            Kind::Leave => "leave",
            Kind::Rename => "rename",
            Kind::Topic => "topic",
            Kind::Private => "private",
            Kind::Announce => "announce",
            Kind::Missed => "missed",
            Kind::Shutdown => "shutdown",
            Kind::Notice => "notice",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Record<'a> {
    /// What kind of line it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was said, or else when it came, in UTC as RFC 3339 has it.
    pub time: &'a str,
    /// The room that it was said in. A private line is said in none.
    pub room: Option<&'a str>,
    /// The user that the line is from.
    pub from: Option<&'a str>,
    /// What was said.
    pub text: Option<&'a str>,
    /// Whether it is older than this visit.
    pub replayed: bool,
    /// How many lines are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
}

impl<'a> Record<'a> {
    /// A line that came now.
    #[must_use]
    pub fn of_line(line: &'a str, time: &'a str, room: &'a str) -> Self {
        match ServerLine::parse(line) {
            ServerLine::Event(event) => Self::of_event(event, time, room),
            ServerLine::Reply(Reply::MessageFrom { name, text }) => {
                Self::outside(Kind::Private, time, Some(name), text)
            }
            ServerLine::Reply(Reply::Missed(lines)) => Self {
                room: Some(room),
                lines: Some(lines),
                ..Self::outside(Kind::Missed, time, None, line)
            },
            ServerLine::Reply(Reply::ServerShutdown) => {
                Self::outside(Kind::Shutdown, time, None, line)
            }
            _ => Self::outside(Kind::Notice, time, None, line),
        }
    }

    /// A line that is said in no room.
    fn outside(kind: Kind, time: &'a str, from: Option<&'a str>, text: &'a str) -> Self {
        Self { kind, time, room: None, from, text: Some(text), replayed: false, lines: None }
    }

    /// A line that was said earlier.
    #[must_use]
    pub fn of_row(row: HistoryRow<'a>, room: &'a str) -> Self {
        let record = match Event::parse(row.line) {
            Some(event) => Self::of_event(event, row.time, room),
            None => Self { room: Some(room), ..Self::of_line(row.line, row.time, room) },
        };
        Self { replayed: true, ..record }
    }

    fn of_event(event: Event<'a>, time: &'a str, room: &'a str) -> Self {
        let (kind, from, text) = match event {
            Event::Said { name, text } => (Kind::Say, name, Some(text)),
            Event::Did { name, text } => (Kind::Me, name, Some(text)),
            Event::Entered { name } => (Kind::Enter, name, None),
            Event::Left { name } => (Kind::Leave, name, None),
            Event::Renamed { old, new } => (Kind::Rename, old, Some(new)),
            Event::TopicSet { name, text } => (Kind::Topic, name, Some(text)),
            Event::Announced { text } => return Self::outside(Kind::Announce, time, None, text),
        };
        Self { room: Some(room), text, ..Self::outside(kind, time, Some(from), "") }
    }
}

/// An error, for a program that reads it.
#[derive(Debug, Serialize)]
pub struct ErrorObject<'a> {
    /// The cause in a word.
    error: &'a str,
    /// The exit code.
    exit: u8,
    /// Whether the same command may do better a little later.
    retry: bool,
    /// The line that a person would read.
    message: &'a str,
}

impl<'a> ErrorObject<'a> {
    /// Of this failure.
    #[must_use]
    pub fn new(failure: &'a Failure) -> Self {
        let exit = failure.exit;
        let error = failure.cause.unwrap_or(exit.word());
        let (retry, message) = (exit.is_worth_another_try(), failure.reason.as_str());
        Self { error, exit: exit.code(), retry, message }
    }
}

/// An object as a line of JSON, without its end.
#[must_use]
pub fn json(object: &impl Serialize) -> String {
    // Texts, numbers and booleans under fixed names: there is nothing in it that could fail.
    serde_json::to_string(object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entry::history_row;

    #[test]
    fn each_kind_of_line_has_its_object() {
        let time = "2026-11-22T10:04:05Z";
        for (line, expected) in [
            ("bo: \"hi\"", r#""say","time":"T","room":"den","from":"bo","text":"\"hi\"""#),
            ("bo: ", r#""say","time":"T","room":"den","from":"bo","text":"""#),
            ("* bo waves", r#""me","time":"T","room":"den","from":"bo","text":"waves""#),
            (
                "bo has entered the room.",
                r#""enter","time":"T","room":"den","from":"bo","text":null"#,
            ),
            ("bo has left the room.", r#""leave","time":"T","room":"den","from":"bo","text":null"#),
            (
                "bo is now known as cy.",
                r#""rename","time":"T","room":"den","from":"bo","text":"cy""#,
            ),
            ("bo set the topic: x", r#""topic","time":"T","room":"den","from":"bo","text":"x""#),
            ("[from bo] psst", r#""private","time":"T","room":null,"from":"bo","text":"psst""#),
            (
                "Server Shutdown",
                r#""shutdown","time":"T","room":null,"from":null,"text":"Server Shutdown""#,
            ),
            ("unheard of", r#""notice","time":"T","room":null,"from":null,"text":"unheard of""#),
        ] {
            let expected = expected.replace("\"T\"", &format!("\"{time}\""));
            let shown = json(&Record::of_line(line, time, "den"));
            assert_eq!(shown, format!("{{\"type\":{expected},\"replayed\":false}}"));
        }
        let missed = json(&Record::of_line("Missed 3 lines", time, "den"));
        assert!(missed.ends_with(r#""text":"Missed 3 lines","replayed":false,"lines":3}"#));
    }

    #[test]
    fn a_row_of_the_history_keeps_its_time() {
        let row = history_row("[2026-11-22T10:04:05Z] bo: [x] y").unwrap();
        let shown = json(&Record::of_row(row, "den"));
        assert_eq!(
            shown,
            r#"{"type":"say","time":"2026-11-22T10:04:05Z","room":"den","from":"bo","text":"[x] y","replayed":true}"#
        );
        assert!(history_row("[from bo] [2026-11-22T10:04:05Z] x").is_none());
    }
}
