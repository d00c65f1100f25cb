//! What a client has shown so far.

use std::io::Read;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use crate::patience::Deadline;

/// Bytes after which no more of the output is kept.
const KEPT: usize = 1024 * 1024;

/// The output of a process, which a thread reads.
#[derive(Debug)]
pub(super) struct Screen {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    shown: Mutex<Shown>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Shown {
    bytes: Vec<u8>,
    is_closed: bool,
}

impl Screen {
    /// Reads `output` until it ends.
    pub(super) fn of(mut output: Box<dyn Read + Send>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let showing = Arc::clone(&shared);
        let named = thread::Builder::new().name("client output".to_owned());
        let reader = named.spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = output.read(&mut buffer) {
                if length == 0 {
                    break;
                }
                let mut shown = showing.shown.lock();
                let room = KEPT.saturating_sub(shown.bytes.len());
                shown.bytes.extend_from_slice(&buffer[..length.min(room)]);
                showing.changed.notify_all();
            }
            showing.shown.lock().is_closed = true;
            showing.changed.notify_all();
        })?;
        Ok(Self { shared, reader: Some(reader) })
    }

    /// Waits until `is_there`, until nothing more can come, or until `end`. What was shown until then.
    pub(super) fn wait(&self, end: &Deadline, is_there: impl Fn(&str) -> bool) -> String {
        let mut shown = self.shared.shown.lock();
        loop {
            let text = without_escapes(&shown.bytes);
            if is_there(&text) || shown.is_closed || end.is_over() {
                return text;
            }
            self.shared.changed.wait_for(&mut shown, end.left());
        }
    }

    /// Waits for the thread. The process must have ended.
    pub(super) fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            // It cannot panic.
            let _ = reader.join();
        }
    }
}

/// The text without what moves the cursor or colours it: CSI and OSC sequences (ECMA-48).
fn without_escapes(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\x1b' {
            plain.push(character);
            continue;
        }
        let is_last: fn(char) -> bool = match characters.next() {
            Some('[') => |character| ('@'..='~').contains(&character),
            Some(']') => |character| matches!(character, '\x07' | '\x1b'),
            _ => continue,
        };
        // A sequence that is not complete yet is no text either.
        let _ = characters.by_ref().find(|character| is_last(*character));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_titles_are_no_text() {
        let cases = [
            ("\x1b[1;31meve\x1b[0m: hi\x1b[K", "eve: hi"),
            ("\x1b]0;title\x07a", "a"),
            ("a\x1b[3", "a"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(without_escapes(bytes.as_bytes()), expected);
        }
    }
}
