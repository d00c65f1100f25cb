//! What a pipe prints: the server's bytes as they are, but safe ones to a terminal.
//!
//! This module knows no server.

use std::fs::File;
use std::io::{self, IsTerminal};

use crate::exit::Failure;
use crate::sanitize::Sanitized;
use crate::sys::stdout::{Audience, print, unbuffered};

/// Stdout, as it is for a pipe or file, and made safe where it is a terminal.
pub(super) struct Shown {
    stdout: File,
    is_terminal: bool,
    /// Bytes of a character whose end has not come: three at most.
    begun: Vec<u8>,
}

impl Shown {
    /// The program's stdout.
    pub(super) fn new() -> Result<Self, Failure> {
        let is_terminal = io::stdout().is_terminal();
        Ok(Self { stdout: unbuffered()?, is_terminal, begun: Vec::new() })
    }

    /// Prints the next bytes, and says whether anybody is left to read.
    pub(super) fn print(&mut self, bytes: &[u8]) -> Result<Audience, Failure> {
        if !self.is_terminal {
            return print(&mut self.stdout, bytes);
        }
        let text = self.safe(bytes);
        print(&mut self.stdout, text.as_bytes())
    }

    /// The text of the next bytes of a stream, with marks for all but its newlines. Replies of the
    /// classic framing have none, so nothing waits for one.
    fn safe(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.len() - unfinished(&self.begun);
        let rest = self.begun.split_off(whole);
        let bytes = std::mem::replace(&mut self.begun, rest);
        let mut safe = String::new();
        for piece in String::from_utf8_lossy(&bytes).split_inclusive('\n') {
            let line = piece.strip_suffix('\n');
            safe.push_str(&Sanitized::new(line.unwrap_or(piece)));
            safe.extend(line.map(|_| '\n'));
        }
        safe
    }
}

/// How many bytes at the end are the beginning of a character, whatever stands before it.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    if is_begun { invalid.len() } else { 0 }
}

#[cfg(test)]
impl Shown {
    /// Nothing is seen of what this prints.
    pub(super) fn to_null(is_terminal: bool) -> Self {
        let stdout = File::options().write(true).open("/dev/null").unwrap();
        Self { stdout, is_terminal, begun: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_marks_however_the_bytes_are_cut() {
        let text = "al: h\u{e9} \u{1f600}\x1b[2J\u{202e}\n\u{200b}eve: \u{9b}x\nrest".as_bytes();
        let bytes = [text, b"\xff\xe2\n\xf0\x9f"].concat();
        let mut whole = None;
        for cut in 1..bytes.len() {
            let mut shown = Shown::to_null(true);
            let safe: String = bytes.chunks(cut).map(|piece| shown.safe(piece)).collect();
            assert!(!safe.contains(['\x1b', '\u{202e}', '\u{200b}', '\u{9b}']), "{safe:?}");
            assert!(safe.starts_with("al: h\u{e9} \u{1f600}"), "{safe:?}");
            assert_eq!(safe.matches('\n').count(), 3);
            assert!(shown.begun.len() < 4);
            assert_eq!(*whole.get_or_insert(safe.clone()), safe);
        }
    }
}
