//! What the client got, compared with what it was owed.

use super::pipe::{END, HANDSHAKE, PIECE, WORD, frame};
use super::{Owed, World};
use crate::delivery::pace::LIVE_TIME;

impl World {
    /// Compares what came with what was owed, and the counts with what was taken.
    pub fn check(&mut self) {
        assert_eq!(self.stream.writer.taken(), self.pipe.taken.get(), "bytes taken");
        let is_live = self.live.is_none_or(|(since, _)| self.now - since < LIVE_TIME);
        assert_eq!(self.stream.pace.is_live(self.now), is_live, "live");
        if self.pipe.is_web {
            return self.check_frames();
        }
        let got = self.take_plain();
        let whole = got.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        for line in str::from_utf8(&got[..whole]).unwrap().lines() {
            self.check_line(line);
        }
        self.give_back(got[whole..].to_vec());
    }

    /// What came, out of its records where there are some.
    fn take_plain(&mut self) -> Vec<u8> {
        let mut got = std::mem::take(&mut *self.pipe.got.borrow_mut());
        if !self.pipe.is_sealed {
            return got;
        }
        while let Some((&kind, rest)) = got.split_first()
            && let Some(length) = rest.first_chunk::<4>()
            && let Some(payload) = rest[4..].get(..u32::from_be_bytes(*length) as usize)
        {
            assert!(!self.has_end_record, "a record behind the last one");
            match kind {
                PIECE => self.opened.extend(payload),
                WORD => self.words -= 1,
                END => self.has_end_record = true,
                _ => panic!("bytes that are no record"),
            }
            got.drain(..5 + u32::from_be_bytes(*length) as usize);
        }
        *self.pipe.got.borrow_mut() = got;
        std::mem::take(&mut self.opened)
    }

    fn give_back(&mut self, plain: Vec<u8>) {
        match self.pipe.is_sealed {
            true => self.opened = plain,
            false => *self.pipe.got.borrow_mut() = plain,
        }
    }

    /// Takes whole frames out of what came, after the answer that the WebSocket begins with.
    fn check_frames(&mut self) {
        let mut got = self.take_plain();
        if !self.has_begun && got.len() >= HANDSHAKE.len() {
            assert_eq!(got.drain(..HANDSHAKE.len()).collect::<Vec<_>>(), HANDSHAKE);
            self.has_begun = true;
        }
        while self.has_begun
            && let Some((kind, payload, length)) = frame(&got)
        {
            assert!(!self.has_ended, "something comes behind the end");
            match kind {
                0x81 => {
                    assert!(payload.ends_with(b"\n"), "a frame is made of whole lines");
                    self.text.push_str(str::from_utf8(payload).unwrap());
                }
                // An earlier answer may have given way to the last one.
                0x8a if self.pings == Some(payload[0]) => self.pings = None,
                0x8a => {}
                0x88 => self.has_ended = true,
                _ => panic!("a frame of the kind {kind:x}"),
            }
            got.drain(..length);
        }
        self.give_back(got);
        for line in std::mem::take(&mut self.text).lines() {
            self.check_line(line);
        }
    }

    fn check_line(&mut self, line: &str) {
        let missed = line.strip_prefix("Missed ").and_then(|rest| rest.strip_suffix(" lines"));
        let Some(missed) = missed else {
            let short = &line[..line.len().min(60)];
            match self.owed.pop_front() {
                Some(Owed::Reply(text) | Owed::Line { text, .. }) => {
                    assert!(line == text, "{short} instead of {text:.60}");
                }
                None => panic!("{short} is not owed"),
            }
            return;
        };
        let missed: u64 = missed.parse().unwrap();
        assert!(missed > 0, "none were missed");
        for nth in 0..missed {
            let Some(Owed::Line { log, number, .. }) = self.owed.pop_front() else {
                panic!("{line}, but only {nth} lines stand there");
            };
            let oldest = self.logs[log].lock().start_of_last(usize::MAX).line;
            assert!(nth > 0 || number < oldest, "line {number} is still there");
        }
        self.missed += missed;
    }
}
