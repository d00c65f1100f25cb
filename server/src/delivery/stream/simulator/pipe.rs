//! The socket of the simulated client, which takes as much as it is let take.

use std::cell::{Cell, RefCell};

use crate::delivery::socket::Sink;

/// What a WebSocket begins with here.
pub const HANDSHAKE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// Takes as many bytes as it has space for.
#[derive(Debug, Default)]
pub struct Pipe {
    pub is_web: bool,
    pub is_sealed: bool,
    /// Records that have no piece and are still to be sealed, and whether the last one was.
    pub words: Cell<usize>,
    pub has_finished: Cell<bool>,
    pub has_sealed_end: Cell<bool>,
    pub space: Cell<usize>,
    pub is_broken: Cell<bool>,
    pub got: RefCell<Vec<u8>>,
    pub taken: Cell<u64>,
}

/// Kinds of records, whose length follows in four bytes.
pub const PIECE: u8 = 23;
pub const WORD: u8 = 22;
pub const END: u8 = 21;

fn record(kind: u8, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let length = u32::try_from(payload.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), &payload].concat()
}

impl Pipe {
    fn check_piece(&self, head: &[u8], piece: &[u8]) {
        assert!(self.is_web || head.is_empty(), "nothing stands in front of lines");
        if !self.is_web || !head.is_empty() {
            assert!(piece.ends_with(b"\n"), "a piece is made of whole lines");
            let text = str::from_utf8(piece).unwrap();
            assert!(!text.contains("alone") || text.lines().count() == 1, "not alone: {text:?}");
        }
    }
}

impl Sink for Pipe {
    fn seal(&self, head: &[u8], piece: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        if !self.is_sealed {
            return Ok(None);
        }
        assert!(!self.has_sealed_end.get(), "something follows the end");
        let mut records = record(WORD, &[]).repeat(self.words.take());
        if !piece.is_empty() {
            self.check_piece(head, piece);
            records.extend(record(PIECE, &[head, piece]));
        }
        if self.has_finished.get() {
            self.has_sealed_end.set(true);
            records.extend(record(END, &[]));
        }
        Ok(Some(records))
    }

    fn finish(&self) -> bool {
        self.is_sealed && !self.has_finished.replace(true)
    }

    fn send(&self, head: &[u8], piece: &[u8], from: usize) -> std::io::Result<usize> {
        if self.is_broken.get() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        match self.is_sealed {
            true => assert!(head.is_empty(), "records go as they are"),
            false => self.check_piece(head, piece),
        }
        let whole = [head, piece].concat();
        let sent = self.space.get().min(whole.len() - from);
        self.space.set(self.space.get() - sent);
        self.got.borrow_mut().extend(&whole[from..from + sent]);
        self.taken.set(self.taken.get() + sent as u64);
        Ok(sent)
    }
}

/// The first frame in some bytes: its kind, what is in it, and its length. `None` when it is not whole.
pub fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (head, length) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, ..] if bytes.len() >= 10 => {
            (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize)
        }
        [_, 126 | 127, ..] => return None,
        [_, length, ..] => (2, usize::from(length)),
        _ => return None,
    };
    let payload = bytes.get(head..head + length)?;
    Some((bytes[0], payload, head + length))
}
