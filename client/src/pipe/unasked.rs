//! Questions of this program's own in a stream of bytes that belongs to somebody else: whether the server is
//! alive. Nobody is to see their answers.
//!
//! Pure: no socket, no clock.

use std::time::{Duration, Instant};

use protocol::Reply;

use crate::model::fence;
use crate::model::liveness::Liveness;

/// The question, as a request.
#[must_use]
pub fn question() -> String {
    fence::request(MARK)
}

const MARK: &str = "alive";

/// Takes the answers out of what a server sends.
///
/// A server sends whole lines, and is asked only after a long silence. So what comes after a question begins
/// with a new line, also where the reply before it had no end, as in classic framing.
#[derive(Debug)]
pub struct Unasked {
    /// Each answer that there can be, with its end.
    answers: [String; 2],
    /// How many questions have no answer yet.
    owed: usize,
    /// Whether the next byte begins a line.
    is_at_start: bool,
    /// The beginning of a line that may become an answer.
    held: Vec<u8>,
}

impl Default for Unasked {
    fn default() -> Self {
        let known = question().replace("ping", "pong");
        let unknown = format!("{}\n", Reply::UnknownCommand("ping"));
        Self { answers: [known, unknown], owed: 0, is_at_start: true, held: Vec::new() }
    }
}

impl Unasked {
    /// The server was asked.
    pub fn asked(&mut self) {
        self.owed += 1;
        self.is_at_start = true;
    }

    /// What of these bytes is not for this program alone. The beginning of an answer is held back until more
    /// has come.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut rest = Vec::with_capacity(bytes.len());
        for (at, &byte) in bytes.iter().enumerate() {
            if self.owed == 0 {
                rest.append(&mut self.held);
                rest.extend_from_slice(&bytes[at..]);
                self.is_at_start = bytes.ends_with(b"\n");
                return rest;
            }
            if self.is_at_start {
                self.held.push(byte);
                if self.answers.iter().any(|answer| answer.as_bytes() == self.held) {
                    self.held.clear();
                    self.owed -= 1;
                } else if !self.answers.iter().any(|it| it.as_bytes().starts_with(&self.held)) {
                    rest.append(&mut self.held);
                    self.is_at_start = byte == b'\n';
                }
                continue;
            }
            rest.push(byte);
            self.is_at_start = byte == b'\n';
        }
        rest
    }

    /// What is held back, when nothing more comes.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// Whether the server is alive, as both directions know it.
#[derive(Debug)]
pub struct Asking {
    /// How long it was silent.
    pub liveness: Liveness,
    /// What it says to the question.
    pub unasked: Unasked,
}

impl Asking {
    /// It was heard at `now`. After `silence` it is asked, and after as much again it is dead.
    #[must_use]
    pub fn new(silence: Duration, now: Instant) -> Self {
        let liveness = Liveness::new(silence, silence, now);
        Self { liveness, unasked: Unasked::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_out_however_the_bytes_are_cut() {
        for (stream, expected) in [
            ("pong chat-client-alive\nal: hi\n", "al: hi\n"),
            ("al: hi\npong chat-client-alive\nrest", "al: hi\nrest"),
            ("Unknown command: ping\npong chat-client-alive\n", "pong chat-client-alive\n"),
            ("pong 7\npong chat-client-alive\n", "pong 7\n"),
            ("al: pong chat-client-alive\nUnknown command: ping\n", "al: pong chat-client-alive\n"),
            ("pong chat-client-a", "pong chat-client-a"),
        ] {
            for size in 1..=stream.len() {
                let mut unasked = Unasked::default();
                // A reply of the classic framing, whose end never comes.
                assert_eq!(unasked.take(b"Login Success"), b"Login Success");
                unasked.asked();
                let mut shown = Vec::new();
                for piece in stream.as_bytes().chunks(size) {
                    shown.extend(unasked.take(piece));
                }
                shown.extend(unasked.rest());
                assert_eq!(String::from_utf8(shown).unwrap(), expected, "{size}");
            }
        }
        // A user that asks the same gets the answer, where this program did not ask.
        let text = b"pong chat-client-alive\n";
        assert_eq!(Unasked::default().take(text), text);
    }
}
