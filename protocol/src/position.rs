//! A place between two lines of a room, as a client knows it: `TIME+N`.
//!
//! The time is the one that a row of `history` has, so a row tells its own position. A line that is sent
//! as it is said has none; but a client that was told one position counts the lines that it gets, and so
//! knows every later one. Times are in the transcripts too: a position outlives the server.

use std::fmt;

use crate::reply::number;

/// A place between two lines of a room: `TIME+N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    /// The time of a line, as a row of `history` has it.
    pub time: &'a str,
    /// How many lines to go on, from the first line with this time. So 1 is the place behind that one.
    pub lines: u64,
}

impl<'a> Position<'a> {
    /// Reads a position. Of the time only the end is checked: `Z`, for UTC.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (time, lines) = text.rsplit_once('+')?;
        let is_time = time.ends_with('Z') && !time.contains(' ');
        is_time.then_some(Self { time, lines: number(lines)? })
    }
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.time, self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back() {
        let text = "2026-11-22T10:04:05.123Z+3";
        let position = Position { time: "2026-11-22T10:04:05.123Z", lines: 3 };
        assert_eq!(Position::parse(text), Some(position));
        assert_eq!(position.to_string(), text);
        for text in ["", "5", "+5", "2026Z", "2026Z+", "2026Z+05", "2026Z+-1", "20 26Z+1"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}
