//! What a line is: of the room, an answer, a row of its history, or this program's own words. Pure.

use protocol::rows::HistoryRow;
use protocol::{Event, Reply, ServerLine};

use crate::sanitize::Sanitized;

/// Something to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A line of the server.
    Line(ServerLine<'a>),
    /// A line that was said earlier, and when.
    Earlier(HistoryRow<'a>),
    /// This program's own words.
    Notice(&'a str),
}

impl<'a> Entry<'a> {
    /// What a line of the server is. A row of `history` is told by its time.
    #[must_use]
    pub fn of_line(line: &'a Sanitized<'_>) -> Self {
        match ServerLine::parse(line) {
            ServerLine::Reply(Reply::Muted(0)) => Entry::Notice("you may speak again"),
            ServerLine::Other(text) => match history_row(text) {
                Some(row) => Entry::Earlier(row),
                None => Entry::Line(ServerLine::Other(text)),
            },
            line => Entry::Line(line),
        }
    }

    /// Whether it only says that somebody entered or left.
    #[must_use]
    pub fn is_coming_or_going(&self) -> bool {
        let event = match self {
            Entry::Line(ServerLine::Event(event)) => Some(*event),
            Entry::Earlier(row) => Event::parse(row.line),
            _ => None,
        };
        matches!(event, Some(Event::Entered { .. } | Event::Left { .. }))
    }

    /// Whether somebody else said it just now.
    #[must_use]
    pub fn is_said_by_another(&self, own_name: &str) -> bool {
        matches!(self, Entry::Line(ServerLine::Event(Event::Said { name, .. } | Event::Did { name, .. }))
            if *name != own_name)
    }

    /// The entry as text without any attribute, as a log has it.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Entry::Line(line) => line.to_string(),
            Entry::Earlier(row) => format!("| {}", row.line),
            Entry::Notice(text) => format!("-- {text}"),
        }
    }
}

/// A row of `history`, told from other lines by its time.
#[must_use]
pub fn history_row(line: &str) -> Option<HistoryRow<'_>> {
    HistoryRow::parse(line).filter(|row| row.time.parse::<jiff::Timestamp>().is_ok())
}
