//! What everyone in one room has to get, learned from whoever gets it first.
//!
//! A room has one order of lines, so all its clients get the same bytes. The first one to get
//! them is read line by line: every sender's texts must be there, in their order, and nothing
//! else. All others are compared with it byte by byte, which costs next to nothing.

use std::ops::Range;

use anyhow::{Result, bail};
use memchr::memchr;

use super::mark::Mark;

/// One line of a room.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Where it ends in the room's bytes.
    pub end: usize,
    /// What it says.
    pub mark: Mark,
}

/// See the module's page.
#[derive(Debug, Default)]
pub struct Transcript {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The senders of this room, as `(lane, next number, numbers in all)`.
    lanes: Vec<(usize, u64, u64)>,
    missing: u64,
}

impl Transcript {
    /// Begins a new one: each of these lanes is going to say so many texts.
    pub fn expect(&mut self, lanes: impl Iterator<Item = (usize, u64)>) {
        self.bytes.clear();
        self.lines.clear();
        self.lanes = lanes.map(|(lane, texts)| (lane, 0, texts)).collect();
        self.missing = self.lanes.iter().map(|(_, _, texts)| texts).sum();
    }

    /// Takes what a client got that had got everything up to `position`. Gives back the lines
    /// that it has now completed, as their numbers.
    ///
    /// # Errors
    ///
    /// When it is not what it has to be.
    pub fn take(&mut self, position: usize, bytes: &[u8]) -> Result<Range<usize>> {
        let known = self.bytes.len().saturating_sub(position).min(bytes.len());
        if self.bytes[position..position + known] != bytes[..known] {
            let at = bytes.iter().zip(&self.bytes[position..]).take_while(|(a, b)| a == b).count();
            let excerpt = |bytes: &[u8], at: usize| {
                let range = at.saturating_sub(80)..(at + 80).min(bytes.len());
                bytes[range].escape_ascii().to_string()
            };
            bail!(
                "it got «{}» where another client got «{}»",
                excerpt(bytes, at),
                excerpt(&self.bytes, position + at)
            );
        }
        self.bytes.extend_from_slice(&bytes[known..]);
        self.parse()?;
        let number = |at: usize| self.lines.partition_point(|line| line.end <= at);
        Ok(number(position)..number(position + bytes.len()))
    }

    /// The lines of these numbers.
    #[must_use]
    pub fn lines(&self, numbers: Range<usize>) -> &[Line] {
        &self.lines[numbers]
    }

    /// Whether a client that got everything up to `position` has got all that is going to come.
    #[must_use]
    pub fn is_all(&self, position: usize) -> bool {
        self.missing == 0 && position == self.bytes.len()
    }

    /// How many lines there are going to be without those of `lane`.
    #[must_use]
    pub fn lines_without(&self, lane: usize) -> u64 {
        self.lanes.iter().filter(|(number, ..)| *number != lane).map(|(_, _, texts)| texts).sum()
    }

    /// How far it is, for a message.
    #[must_use]
    pub fn progress(&self) -> String {
        format!("{} lines came, {} are missing", self.lines.len(), self.missing)
    }

    fn parse(&mut self) -> Result<()> {
        let mut start = self.lines.last().map_or(0, |line| line.end);
        while let Some(length) = memchr(b'\n', &self.bytes[start..]) {
            let end = start + length + 1;
            let line = &self.bytes[start..end];
            let Some(mark) = Mark::read(line) else {
                bail!("the room got «{}»", line.escape_ascii());
            };
            let lane = self.lanes.iter_mut().find(|(lane, ..)| *lane == mark.lane);
            match lane {
                Some((_, next, texts)) if *next == mark.number && *next < *texts => *next += 1,
                _ => bail!("a line is out of order: «{}»", line.escape_ascii()),
            }
            self.missing -= 1;
            self.lines.push(Line { end, mark });
            start = end;
        }
        Ok(())
    }
}
