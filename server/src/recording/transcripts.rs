//! The transcripts of all rooms, of which few have their files open.
//!
//! This module knows no thread; the recorder's thread calls it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::RoomName;

use super::archive::{Folder, FolderLock};
use super::transcript::Transcript;
use super::troubles::Troubles;
use crate::log::batch::Batch;
use crate::log::room_log::RoomLog;

/// Transcripts that are open at once. Each takes a descriptor, and there may be as many rooms as
/// clients.
pub const OPEN_TRANSCRIPTS: usize = 32;

/// The transcripts of the rooms that are used, and of those that miss something. There are no more
/// than rooms in the folder.
#[derive(Debug)]
pub struct Transcripts {
    folder: Arc<Folder>,
    lock: FolderLock,
    sync: bool,
    by_room: HashMap<RoomName, Transcript>,
    /// As many as this may be open.
    opened: usize,
    troubles: Troubles,
}

impl Transcripts {
    /// No transcript is open yet.
    #[must_use]
    pub fn new(folder: Arc<Folder>, lock: FolderLock, sync: bool) -> Self {
        let troubles = Troubles::default();
        Self { folder, lock, sync, by_room: HashMap::new(), opened: 0, troubles }
    }

    /// Appends what is new in a log, and lets couriers have it.
    pub fn record(&mut self, log: &Arc<RoomLog>, batch: &mut Batch) {
        while log.next_unrecorded(batch) {
            self.append(&log.room, batch.stamped());
            log.publish(batch.end);
        }
    }

    /// Appends lines of a room, which may open its file.
    fn append<'a>(&mut self, room: &RoomName, lines: impl Iterator<Item = (Timestamp, &'a [u8])>) {
        let is_open = self.by_room.get(room).is_some_and(Transcript::is_open);
        if !is_open {
            if self.opened == OPEN_TRANSCRIPTS {
                self.close_all();
            }
            self.opened += 1;
        }
        let new = || Transcript::new(self.folder.path(room), self.sync);
        let transcript = self.by_room.entry(room.clone()).or_insert_with(new);
        transcript.append(lines, &mut self.lock, &mut self.troubles);
    }

    /// Lets the next line of each room open its file anew.
    pub fn close_all(&mut self) {
        self.by_room.values_mut().for_each(Transcript::close);
        self.opened = 0;
    }

    /// Forgets a room, unless its transcript misses something that it has to be told of later.
    pub fn retire(&mut self, room: &RoomName) {
        let Some(transcript) = self.by_room.get_mut(room) else { return };
        transcript.rest(&mut self.lock, &mut self.troubles);
        if transcript.is_whole()
            && let Some(transcript) = self.by_room.remove(room)
        {
            transcript.forget(&mut self.troubles);
        }
    }

    /// The server stops: writes what is still missing, and says what stays so.
    pub fn rest(&mut self) {
        for transcript in self.by_room.values_mut() {
            transcript.rest(&mut self.lock, &mut self.troubles);
        }
        let missing: u64 = self.by_room.values().map(Transcript::missing).sum();
        if missing > 0 {
            log::error!("{missing} lines are in no transcript, and no transcript says so");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::log::room_log::{Subscriber, Subscribers};

    /// Records nothing by itself: the test does.
    #[derive(Debug)]
    struct Nobody;

    impl Subscriber for Nobody {
        fn wake(&self, _: &Arc<RoomLog>) {}
    }

    fn log(room: &str) -> Arc<RoomLog> {
        let subscribers = Subscribers { couriers: Vec::new(), recorder: Some(Arc::new(Nobody)) };
        let room = RoomName::parse(room).unwrap();
        Arc::new(RoomLog::new(0, room, 1 << 20, Arc::new(subscribers)))
    }

    #[test]
    fn a_room_is_forgotten_unless_its_transcript_misses_something() {
        let folder = tempfile::tempdir().unwrap();
        let (place, lock) = Folder::open(folder.path().to_owned()).unwrap();
        let mut transcripts = Transcripts::new(Arc::new(place), lock, false);
        let (whole, torn) = (log("whole"), log("torn"));
        let path = folder.path().join("torn.log");
        fs::create_dir(&path).unwrap();
        let mut batch = Batch::default();
        for log in [&whole, &torn] {
            log.lock().append(b"hi\n", Timestamp::now());
            transcripts.record(log, &mut batch);
            transcripts.retire(&log.room);
            assert_eq!(log.bytes_after(log.published()), 0, "the chat goes on without the disk");
        }
        assert_eq!(transcripts.by_room.keys().collect::<Vec<_>>(), [&torn.room]);
        fs::remove_dir(&path).unwrap();
        transcripts.rest();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("Z -- 1 lines are missing here --\n"), "{text}");
    }
}
