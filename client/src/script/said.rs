//! Where in the room a line stands that was said, and when the room saw it.
//!
//! Behind each line the server is asked for its place. What others say meanwhile comes between the echo and the
//! answer, so the place behind the line is known by counting. Pure: the time is the caller's.

use protocol::{Event, Position, Reply, Request};
use serde::Serialize;

use super::record::{Record, json};

/// The question behind each line, with its end.
#[must_use]
pub fn question() -> String {
    format!("{}\n", Request::Since(None))
}

/// A line that was said, as `say --json` has it.
#[derive(Serialize)]
struct SaidObject<'a> {
    #[serde(flatten)]
    line: Record<'a>,
    /// The place behind it. `None` where nobody can know it.
    position: Option<String>,
}

/// Makes objects of what was said.
#[derive(Debug)]
pub struct Said {
    room: String,
    /// An own line whose place is not known yet.
    echo: Option<String>,
    /// How many lines came behind it. `None` when some are missing.
    behind: Option<u64>,
    objects: Vec<String>,
}

impl Said {
    /// Of lines that are said in this room.
    #[must_use]
    pub fn new(room: &str) -> Self {
        let (echo, behind, objects) = (None, Some(0), Vec::new());
        Self { room: room.to_owned(), echo, behind, objects }
    }

    /// The server has echoed an own line.
    pub fn echoed(&mut self, line: &str) {
        (self.echo, self.behind) = (Some(line.to_owned()), Some(0));
    }

    /// Takes note of a line that came at this time and is no echo. Whether it is an answer to the question.
    pub fn take(&mut self, line: &str, now: impl FnOnce() -> String) -> bool {
        match Reply::parse(line) {
            Some(Reply::Position(position)) => self.note_position(Position::parse(position), now),
            Some(Reply::UnknownCommand("since")) => self.note_position(None, now),
            Some(Reply::Missed(_)) => {
                self.behind = None;
                return false;
            }
            _ => {
                if Event::parse(line).is_some() {
                    self.behind = self.behind.map(|lines| lines + 1);
                }
                return false;
            }
        }
        true
    }

    fn note_position(&mut self, position: Option<Position<'_>>, now: impl FnOnce() -> String) {
        // The line may be missing, or was refused.
        let Some(echo) = self.echo.take() else { return };
        // Where a line behind it has another time, its own is not known.
        let own = position.and_then(|Position { time, lines }| {
            let lines = lines.checked_sub(self.behind?).filter(|lines| *lines > 0)?;
            Some(Position { time, lines })
        });
        let time = own.map_or_else(now, |own| own.time.to_owned());
        let line = Record::of_line(&echo, &time, &self.room);
        let position = own.map(|own| own.to_string());
        self.objects.push(json(&SaidObject { line, position }));
    }

    /// The objects so far.
    pub fn take_objects(&mut self) -> Vec<String> {
        std::mem::take(&mut self.objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_counted_back_to_the_line() {
        let place = "Room Position: 2026-11-22T10:04:05.123Z+3";
        let exact = |lines| format!("\"2026-11-22T10:04:05.123Z+{lines}\"");
        for (behind, answer, expected) in [
            (&[][..], place, exact(3)),
            (&["bo: x", "[from bo] y", "cy has entered the room."], place, exact(1)),
            (&["bo: x", "bo: y", "bo: z"], place, "null".to_owned()),
            (&["Missed 2 lines"], place, "null".to_owned()),
            (&[], "Unknown command: since", "null".to_owned()),
        ] {
            let mut said = Said::new("den");
            said.echoed("al: hi");
            let now = || "2026-11-22T11:00:00.000Z".to_owned();
            for line in behind {
                assert!(!said.take(line, now));
            }
            assert!(said.take(answer, now));
            let time =
                if expected == "null" { now() } else { "2026-11-22T10:04:05.123Z".to_owned() };
            let object = format!(
                "{{\"type\":\"say\",\"time\":\"{time}\",\"room\":\"den\",\"from\":\"al\",\
                 \"text\":\"hi\",\"replayed\":false,\"position\":{expected}}}"
            );
            assert_eq!(said.take_objects(), [object]);
            // Behind a line that was refused, there is nothing to tell of.
            assert!(said.take(place, now));
            assert_eq!(said.take_objects(), [""; 0]);
        }
    }
}
