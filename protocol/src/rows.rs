//! The rows of the server's lists: each type is one row, read from its line and written as it.
//!
//! A row does not say to which list it belongs; its heading did. The reply to a `ping` that was sent
//! after the request marks the end of the list. The rows of `look` are names, and have no type here.

use std::fmt;

use crate::command::{Command, Spec};
use crate::reply::number;

/// One row of the answer to `rooms`: `ROOM COUNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomRow<'a> {
    /// The room's name.
    pub name: &'a str,
    /// How many users are in it.
    pub users: usize,
}

impl<'a> RoomRow<'a> {
    /// Reads a row, without its end.
    #[must_use]
    pub fn parse(row: &'a str) -> Option<Self> {
        let (name, users) = row.split_once(' ')?;
        Some(Self { name, users: number(users)? })
    }
}

impl fmt::Display for RoomRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.users)
    }
}

/// One row of the answer to `bans`: `TARGET MINUTES`, as `ban` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanRow<'a> {
    /// A name, an address or a network.
    pub target: &'a str,
    /// For how many minutes it is kept out from now on, rounded up.
    pub minutes: u64,
}

impl<'a> BanRow<'a> {
    /// Reads a row, without its end.
    #[must_use]
    pub fn parse(row: &'a str) -> Option<Self> {
        let (target, minutes) = row.split_once(' ')?;
        Some(Self { target, minutes: number(minutes)? })
    }
}

impl fmt::Display for BanRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.target, self.minutes)
    }
}

/// One row of the answer to `history`: `[TIME] LINE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRow<'a> {
    /// When the line entered the room, in UTC as RFC 3339 has it.
    pub time: &'a str,
    /// The line of the room.
    pub line: &'a str,
}

impl<'a> HistoryRow<'a> {
    /// Reads a row, without its end. The form of the time is not checked.
    #[must_use]
    pub fn parse(row: &'a str) -> Option<Self> {
        let (time, line) = row.strip_prefix('[')?.split_once("] ")?;
        (!time.contains(' ')).then_some(Self { time, line })
    }
}

impl fmt::Display for HistoryRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.time, self.line)
    }
}

/// One row of the answer to `help`: the command's usage and what it does.
#[derive(Debug, Clone, Copy)]
pub struct HelpRow {
    /// What is explained.
    pub command: Command,
    /// The column of the usage is so many characters wide.
    pub width: usize,
}

impl fmt::Display for HelpRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spec { usage, help, .. } = self.command.spec();
        write!(f, "{usage:<width$} {help}", width = self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        assert_eq!(RoomRow::parse("main 3"), Some(RoomRow { name: "main", users: 3 }));
        assert_eq!(RoomRow::parse("main"), None);
        let row = BanRow { target: "fd00::/64", minutes: 17 };
        assert_eq!(BanRow::parse("fd00::/64 17"), Some(row));
        assert_eq!(row.to_string(), "fd00::/64 17");
        let row = HistoryRow { time: "2026-11-22T10:04:05.123Z", line: "al: [x] y" };
        assert_eq!(HistoryRow::parse("[2026-11-22T10:04:05.123Z] al: [x] y"), Some(row));
        assert_eq!(HistoryRow::parse("[to al] x"), None);
        assert_eq!(row.to_string(), "[2026-11-22T10:04:05.123Z] al: [x] y");
    }
}
