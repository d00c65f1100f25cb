//! What a client of a check waits for, and what it says when something else comes.

use super::Peer;
use crate::failure::{Difference, Got};

/// Lines that a fence passes over before a server is called a flood.
const MOST_LINES: usize = 10_000;

impl Peer {
    /// The line `text` comes next.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn expect(&mut self, text: &str) -> Result<(), Difference> {
        match self.line() {
            Ok(line) if line == self.in_its_words(text).as_bytes() => Ok(()),
            Ok(line) => Err(self.difference(text, Got::Bytes(line))),
            Err(got) => Err(self.difference(text, got)),
        }
    }

    /// The connection ends next.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn end(&mut self) -> Result<(), Got> {
        match self.line() {
            Ok(line) => Err(Got::Bytes(line)),
            Err(Got::End(rest)) if rest.is_empty() => Ok(()),
            Err(got) => Err(got),
        }
    }

    /// The connection ends in whatever way, with whatever came before it.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn end_after_anything(&mut self) -> Result<(), Difference> {
        for _ in 0..MOST_LINES {
            match self.line() {
                Ok(_) => {}
                Err(Got::End(_) | Got::Broken(_)) => return Ok(()),
                Err(got) => return Err(self.difference("(the end of the connection)", got)),
            }
        }
        Err(self.difference("(the end of the connection)", Got::Flood(MOST_LINES)))
    }

    /// Logs in under `name`, from the greeting on.
    ///
    /// # Errors
    ///
    /// What came instead of the greeting or the success.
    pub fn log_in(&mut self, name: &str) -> Result<(), Difference> {
        self.expect("Connect Success")?;
        self.say(&format!("login {name}"))?;
        self.expect("Login Success")?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    /// All lines up to the one that satisfies `is_last`, without that one.
    ///
    /// # Errors
    ///
    /// When it does not come. `expected` says what that was.
    pub fn lines_until(
        &mut self,
        expected: &str,
        is_last: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<Vec<u8>>, Difference> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            match self.line() {
                Ok(line) if is_last(&line) => return Ok(lines),
                Ok(line) => lines.push(line),
                Err(got) => return Err(self.difference(expected, got)),
            }
        }
        Err(self.difference(expected, Got::Flood(MOST_LINES)))
    }

    /// Says `token`, and gives all lines before the client sees it. Works in any room.
    ///
    /// # Errors
    ///
    /// When it is never seen.
    pub fn lines_to_fence(&mut self, token: &str) -> Result<Vec<Vec<u8>>, Difference> {
        let last = format!("{}: {token}", self.name);
        self.say(&format!("say {token}"))?;
        self.lines_until(&last, |line| line == last.as_bytes())
    }
    /// Says `token`, and sees it next: nothing else was on its way.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn expect_nothing_but(&mut self, token: &str) -> Result<(), Difference> {
        match self.lines_to_fence(token)?.into_iter().next() {
            Some(line) => {
                Err(self.difference(&format!("{}: {token}", self.name), Got::Bytes(line)))
            }
            None => Ok(()),
        }
    }
}
