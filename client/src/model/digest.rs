//! What a newcomer is shown of a room: what was said last, and not forty lines of who came and went. Pure.

use protocol::Event;

use crate::model::replay::text_of;

/// A piece of what was said before.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A row of the history.
    Row(&'a str),
    /// Several rows in a row that only said who came and who left.
    Crowd {
        /// How many came.
        came: usize,
        /// How many left.
        left: usize,
    },
}

/// The last `most` rows that do more than tell who came and went, and what stands between and behind
/// them.
#[must_use]
pub fn digest(rows: &[String], most: usize) -> Vec<Part<'_>> {
    let said = rows.iter().enumerate().rev().filter(|(_, row)| direction(row).is_none());
    let start = said.map(|(at, _)| at).nth(most.saturating_sub(1)).unwrap_or(0);
    let runs = rows[start..].chunk_by(|one, two| direction(one).and(direction(two)).is_some());
    runs.map(|run| match run {
        [row] => Part::Row(row),
        run => {
            let came = run.iter().filter(|row| direction(row) == Some(true)).count();
            Part::Crowd { came, left: run.len() - came }
        }
    })
    .collect()
}

/// Whether the row says that somebody came: `Some(false)` when somebody left, `None` for all else.
fn direction(row: &str) -> Option<bool> {
    match Event::parse(text_of(row))? {
        Event::Entered { .. } => Some(true),
        Event::Left { .. } => Some(false),
        _ => None,
    }
}
