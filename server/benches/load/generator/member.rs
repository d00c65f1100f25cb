//! A client's way from its connection to the fence after which there is nothing but load.

use std::time::{Duration, Instant};

use anyhow::Result;
use memchr::{memchr, memchr_iter, memrchr};

use super::dialect::{Dialect, Reaction};
use super::link::Link;
use super::mark::Mark;

/// A client that is not in yet.
#[derive(Debug)]
pub struct Entering {
    since: Instant,
    /// What came after the last whole line.
    tail: Vec<u8>,
}

impl Entering {
    /// A client that began to connect at this moment.
    #[must_use]
    pub fn new(since: Instant) -> Self {
        Self { since, tail: Vec::new() }
    }

    /// How long it takes already.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes what came, and answers it. Gives back what follows once the client is in.
    ///
    /// # Errors
    ///
    /// When it cannot answer.
    pub fn take(
        &mut self,
        bytes: &[u8],
        dialect: Dialect,
        room: Option<usize>,
        link: &Link,
    ) -> Result<Option<Vec<u8>>> {
        self.tail.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &self.tail[start..]) {
            let end = start + length + 1;
            match dialect.react(&self.tail[start..end], room) {
                Reaction::Wait => {}
                Reaction::Send(answer) => link.send(&answer)?,
                Reaction::Entered => return Ok(Some(self.tail.split_off(end))),
            }
            start = end;
        }
        self.tail.drain(..start);
        Ok(None)
    }
}

/// A client that is in and sees others come, until it sees a fence.
#[derive(Debug, Default)]
pub struct Inside {
    lines: u64,
    fence: u64,
    /// The beginning of a line.
    tail: Vec<u8>,
}

impl Inside {
    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8]) {
        let Some(newline) = memrchr(b'\n', bytes) else {
            return self.tail.extend_from_slice(bytes);
        };
        self.lines += memchr_iter(b'\n', bytes).count() as u64;
        // Nothing follows a fence until all have seen it, so only the last line can be one.
        let start = memrchr(b'\n', &bytes[..newline]).map(|at| at + 1);
        if start.is_some() {
            self.tail.clear();
        }
        self.tail.extend_from_slice(&bytes[start.unwrap_or(0)..newline]);
        if let Some(mark) = Mark::read(&self.tail)
            && mark.number >= Mark::FENCE
        {
            self.lines -= 1;
            self.fence = mark.number - Mark::FENCE;
        }
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[newline + 1..]);
    }

    /// The number of the last fence that it saw, from 1; 0 before that.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Lines that were no fence.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }
}
