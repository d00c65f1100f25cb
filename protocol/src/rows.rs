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

/// One row of the answer to `who`: `NAME ROOM ADDRESS TIME IDLE CARRIER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoRow<'a> {
    /// The user's name. `None` in the login room; it stands as `-` then.
    pub name: Option<&'a str>,
    /// The room. `None` when the user is in none, likewise.
    pub room: Option<&'a str>,
    /// Where the connection comes from: an IP address and a port.
    pub address: &'a str,
    /// Since when it is connected, in UTC as RFC 3339 has it.
    pub since: &'a str,
    /// Seconds since it asked for something, not counting `ping` and `since`.
    pub idle: u64,
    /// How its lines come: a word, such as `tcp`, `tls`, `web` or `wss`.
    pub carrier: &'a str,
}

impl<'a> WhoRow<'a> {
    /// Reads a row, without its end. The forms of the address and of the time are not checked.
    #[must_use]
    pub fn parse(row: &'a str) -> Option<Self> {
        let mut words = row.split(' ');
        let row = Self {
            name: words.next().map(|word| (word != "-").then_some(word))?,
            room: words.next().map(|word| (word != "-").then_some(word))?,
            address: words.next()?,
            since: words.next()?,
            idle: number(words.next()?)?,
            carrier: words.next()?,
        };
        words.next().is_none().then_some(row)
    }
}

impl fmt::Display for WhoRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, since, idle, carrier, .. } = self;
        let (name, room) = (self.name.unwrap_or("-"), self.room.unwrap_or("-"));
        write!(f, "{name} {room} {address} {since} {idle} {carrier}")
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
        for text in ["al den [::1]:4 2026-11-22T10:04:05Z 17 tcp", "- - [::1]:4 2026Z 0 web"] {
            assert_eq!(WhoRow::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(WhoRow::parse("al den [::1]:4 2026Z 0"), None);
        assert_eq!(WhoRow::parse("al den [::1]:4 2026Z 0 tcp more"), None);
    }
}
