//! Writes each room's lines to its transcript, before anybody is sent them.
//!
//! So whatever anyone has seen is in a file, even after `kill -9`. One thread records all rooms:
//! it takes the lines that have gathered in a room's log, appends them in one write, and only
//! then lets the couriers have them. When a file cannot be written the chat goes on without it,
//! and the gap is marked where writing works again.
//!
//! This module knows no socket. It locks nothing while it writes.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use protocol::RoomName;

use crate::folder::{Earlier, Folder};
use crate::ring::Batch;
use crate::room_log::{RoomLog, Subscriber};
use crate::transcript::Transcript;
use crate::turn::Turn;

/// Transcripts that are open at once. Each takes a descriptor, and there may be as many rooms as
/// clients.
const OPEN_TRANSCRIPTS: usize = 32;

/// Descriptors that are left to the recorder: for its transcripts, for rooms that are read, for
/// topics and bans.
pub const DESCRIPTORS: u64 = OPEN_TRANSCRIPTS as u64 + 16;

/// Where the recorder is told of things to do. Each log is in here at most once at a time.
#[derive(Debug)]
pub struct Recorder {
    folder: Folder,
    /// For reading a room: a crowd that enters one at once shall not fill memory with it.
    reading: Turn,
    sync: bool,
    inbox: Mutex<Inbox>,
    /// Signalled when something came.
    came: Condvar,
    /// Signalled when what came before was done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    tasks: Vec<Task>,
    /// How many tasks have come, and how many of them are done.
    came: u64,
    done: u64,
    closing: bool,
}

#[derive(Debug)]
enum Task {
    /// Write what is new in this log.
    Record(Arc<RoomLog>),
    /// Nobody is in this room any more.
    Retire(RoomName),
    /// Open all files anew.
    Reopen,
}

impl Recorder {
    /// A recorder of transcripts in `folder`, which is made where it does not exist. With `sync`,
    /// each write is on the disk before anybody is sent what was written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or is used by another server.
    pub fn new(folder: PathBuf, sync: bool) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(folder)?,
            reading: Turn::default(),
            sync,
            inbox: Mutex::default(),
            came: Condvar::new(),
            done: Condvar::new(),
        })
    }

    fn tell(&self, task: Task) {
        let mut inbox = self.inbox.lock();
        inbox.tasks.push(task);
        inbox.came += 1;
        self.came.notify_one();
    }

    /// Nobody will append to the room's log any more. If the room comes back, it has another one.
    pub fn retire(&self, room: RoomName) {
        self.tell(Task::Retire(room));
    }

    /// Opens all files anew, for somebody may have moved them away.
    pub fn reopen(&self) {
        self.tell(Task::Reopen);
    }

    /// Nothing will be recorded any more.
    pub fn close(&self) {
        self.inbox.lock().closing = true;
        self.came.notify_one();
    }

    /// What the room's transcript has from earlier, up to `bytes` of lines. Everything that came
    /// before is recorded first. One room is read at a time; when its turn has come and `is_wanted`
    /// says no, nothing is read. To be called without any lock.
    pub fn earlier(
        &self,
        room: &RoomName,
        bytes: usize,
        is_wanted: impl FnOnce() -> bool,
    ) -> Earlier {
        let mut inbox = self.inbox.lock();
        let came = inbox.came;
        while inbox.done < came {
            self.done.wait(&mut inbox);
        }
        drop(inbox);
        let read =
            || if is_wanted() { self.folder.earlier(room, bytes) } else { Earlier::default() };
        self.reading.take(read)
    }

    /// Records until it is closed.
    pub fn run(&self) {
        let mut transcripts = Transcripts::default();
        let mut batch = Batch::default();
        loop {
            let mut inbox = self.inbox.lock();
            while inbox.tasks.is_empty() && !inbox.closing {
                self.came.wait(&mut inbox);
            }
            let tasks = std::mem::take(&mut inbox.tasks);
            let came = inbox.came;
            drop(inbox);
            if tasks.is_empty() {
                return transcripts.by_room.values_mut().for_each(Transcript::rest);
            }
            for task in tasks {
                match task {
                    Task::Record(log) => self.record(&log, &mut transcripts, &mut batch),
                    Task::Retire(room) => transcripts.retire(&room),
                    Task::Reopen => transcripts.close_all(),
                }
            }
            self.inbox.lock().done = came;
            self.done.notify_all();
        }
    }

    fn record(&self, log: &Arc<RoomLog>, transcripts: &mut Transcripts, batch: &mut Batch) {
        while log.next_unrecorded(batch) {
            transcripts.of(&log.room, &self.folder, self.sync).append(batch.stamped());
            log.publish(batch.end);
        }
    }
}

impl Subscriber for Recorder {
    fn wake(&self, log: &Arc<RoomLog>) {
        self.tell(Task::Record(Arc::clone(log)));
    }
}

/// The transcripts of the rooms that are used, and of those that miss something.
#[derive(Debug, Default)]
struct Transcripts {
    by_room: HashMap<RoomName, Transcript>,
    /// As many as this may be open.
    opened: usize,
}

impl Transcripts {
    /// The transcript of a room, which may open its file.
    fn of(&mut self, room: &RoomName, folder: &Folder, sync: bool) -> &mut Transcript {
        let is_open = self.by_room.get(room).is_some_and(Transcript::is_open);
        if !is_open {
            if self.opened == OPEN_TRANSCRIPTS {
                self.close_all();
            }
            self.opened += 1;
        }
        let new = || Transcript::new(folder.path(room), sync);
        self.by_room.entry(room.clone()).or_insert_with(new)
    }

    fn close_all(&mut self) {
        self.by_room.values_mut().for_each(Transcript::close);
        self.opened = 0;
    }

    /// Forgets a room, unless its transcript misses something that it has to be told of later.
    fn retire(&mut self, room: &RoomName) {
        let Some(transcript) = self.by_room.get_mut(room) else { return };
        transcript.rest();
        if transcript.is_whole() {
            self.by_room.remove(room);
        }
    }
}
