//! What sessions and the recorder do, each time something that was drawn.

use jiff::Timestamp;

use super::{Owed, World};
use crate::delivery::item::Item;
use crate::log::batch::Batch;
use crate::log::position::Position;

impl World {
    /// What a session does, of the client or of another.
    pub fn act(&mut self) {
        match self.random.u8(..10) {
            0..=4 => self.append(),
            5 | 6 => self.reply(),
            7 => self.ask_history(),
            8 => self.move_on(),
            _ if self.pipe.is_web && self.random.bool() => self.ping(),
            _ if self.pipe.is_sealed && self.random.bool() => self.say_word(),
            _ => self.record(),
        }
    }

    fn ping(&mut self) {
        let number = self.random.u8(..);
        self.is_notified |= self.outbox.post_pongs(vec![0x8a, 1, number]);
        self.pings = Some(number);
    }

    /// TLS itself has something to say, as the session finds.
    fn say_word(&mut self) {
        self.pipe.words.set(self.pipe.words.get() + 1);
        self.words += 1;
        self.is_notified |= self.outbox.post_flush();
    }

    fn append(&mut self) {
        let log = self.random.usize(..2);
        for _ in 0..self.random.usize(1..4) {
            let text = self.next_text("line");
            let mut guard = self.logs[log].lock();
            let number = guard.end().line;
            guard.append(format!("{text}\n").as_bytes(), Timestamp::UNIX_EPOCH);
            drop(guard);
            self.lines[log].push(text.clone());
            if self.room == Some(log) {
                self.owed.push_back(Owed::Line { log, number, text });
            }
        }
    }

    pub fn reply(&mut self) {
        let alone = self.random.bool();
        let text = self.next_text(if alone { "alone" } else { "reply" });
        let at = self.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        self.post(at, Item::Text { bytes: format!("{text}\n").into_bytes(), alone, sender: None });
        self.owed.push_back(Owed::Reply(text));
    }

    fn ask_history(&mut self) {
        let Some(log) = self.room else { return };
        let guard = self.logs[log].lock();
        let (from, end) = (guard.start_of_last(self.random.usize(..20)), guard.end());
        drop(guard);
        self.owed.push_back(Owed::Reply("History:".into()));
        for number in from.line..end.line {
            let text = format!("[1970-01-01T00:00:00.000Z] {}", self.lines[log][number as usize]);
            self.owed.push_back(Owed::Line { log, number, text });
        }
        self.post(end, Item::History { from, end });
    }

    fn move_on(&mut self) {
        let to = self.room.map_or(0, |room| 1 - room);
        let at = self.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        let mut guard = self.logs[to].lock();
        let (reader, from) = (guard.add_reader(0), guard.end());
        drop(guard);
        self.post(at, Item::Switch(reader, from));
        self.room = Some(to);
    }

    pub fn record(&mut self) {
        let Some(_) = self.recorder.0.lock().pop_front() else { return };
        let mut batch = Batch::default();
        while self.logs[1].next_unrecorded(&mut batch) {
            self.logs[1].publish(batch.end);
        }
    }
}
