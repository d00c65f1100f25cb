//! Records rooms: writes each line to the transcript of its room, before it is sent to anybody.
//!
//! So what anyone has seen is in a file, even after `kill -9`. One thread, the recorder,
//! records all rooms: it takes the lines that have gathered in a room's log, appends them in one
//! write, and only then lets the couriers have them. When a file cannot be written the chat goes
//! on without it, and the gap is marked where writing works again. A second thread, the reader,
//! reads what a room has from earlier, one room at a time: so many openings at once do not fill
//! memory, and nobody's lines wait for a long read.
//!
//! These two are the only threads that wait for the disk of the transcripts. A disk can hang for
//! ever, and nothing ends a thread that waits for it: so they own all that they use, and a server
//! that stops can leave them ([`Recording::end`]).
//!
//! This module knows no socket. No lock is held while a file is written or read.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::Mutex;
use protocol::RoomName;

use crate::log::batch::Batch;
use crate::log::room_log::{RoomLog, Subscriber};
use crate::recording::archive::{Claim, Earlier, Folder};
use crate::recording::transcripts::{OPEN_TRANSCRIPTS, Transcripts};

/// Descriptors that are left to the recorder: for its transcripts, for a room that is read, for
/// topics and bans.
pub const DESCRIPTORS: u64 = OPEN_TRANSCRIPTS as u64 + 16;

/// The recorder, as logs and sessions know it: a queue of tasks.
///
/// The queue has no limit of its own, since nobody may wait for it with a log locked. It is bounded
/// nevertheless: each log is in it once at most, each room is read for one session at a time, and a
/// session that has closed a room, which is one more task, waits for a read before it can close
/// the next one. So there are no more tasks than logs and sessions.
#[derive(Debug)]
pub struct Recorder {
    folder: Arc<Folder>,
    tasks: Sender<Task>,
    /// Whether the queue has a [`Task::Reopen`], so that it has one at most.
    will_reopen: AtomicBool,
    /// The rooms that are to be read, and how to answer the session that waits for each. `None` when nobody
    /// waits any more, for the server stops.
    waiting: Mutex<Option<HashMap<RoomName, SyncSender<Earlier>>>>,
}

#[derive(Debug)]
enum Task {
    /// Write what is new in this log.
    Record(Arc<RoomLog>),
    /// Nobody is in this room any more.
    Retire(RoomName),
    /// Read so many bytes of a room. All that came before is recorded by then.
    Read(RoomName, usize),
    /// Open all files anew.
    Reopen,
    /// Come to an end.
    Close,
}

impl Recorder {
    /// A recorder of transcripts in `folder`, which is made where it does not exist, and the work
    /// of its threads. With `sync`, each write is on the disk before anybody is sent what was
    /// written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or is used by another server.
    pub fn new(folder: PathBuf, sync: bool) -> io::Result<(Arc<Self>, Writer)> {
        let (folder, lock) = Folder::open(folder)?;
        let folder = Arc::new(folder);
        let (tasks, inbox) = mpsc::channel();
        let recorder = Arc::new(Self {
            folder: Arc::clone(&folder),
            tasks,
            will_reopen: AtomicBool::new(false),
            waiting: Mutex::new(Some(HashMap::new())),
        });
        let transcripts = Transcripts::new(folder, lock, sync);
        let writer = Writer { recorder: Arc::clone(&recorder), inbox, transcripts };
        Ok((recorder, writer))
    }

    fn tell(&self, task: Task) {
        // It fails when the recorder has ended, and then nothing is said any more.
        let _ = self.tasks.send(task);
    }

    /// Nobody will append to the room's log any more. If the room comes back, it has another one.
    pub fn retire(&self, room: RoomName) {
        self.tell(Task::Retire(room));
    }

    /// Opens all files anew, for somebody may have moved them away.
    pub fn reopen(&self) {
        if !self.will_reopen.swap(true, Ordering::AcqRel) {
            self.tell(Task::Reopen);
        }
    }

    /// Keeps a room's name, where it has a transcript already or there are fewer than `most`.
    pub fn claim(&self, room: &RoomName, most: usize) -> Claim {
        self.folder.claim(room, most)
    }

    /// What the room's transcript has from earlier, up to `bytes` of lines; nothing once
    /// [`Self::stop_reading`] was called. Everything that came before is recorded first. To be
    /// called without any lock, and by one thread at a time for a room.
    pub fn earlier(&self, room: &RoomName, bytes: usize) -> Earlier {
        let (sender, earlier) = mpsc::sync_channel(1);
        match &mut *self.waiting.lock() {
            Some(waiting) => waiting.insert(room.clone(), sender),
            None => return Earlier::default(),
        };
        self.tell(Task::Read(room.clone(), bytes));
        // An error means that nobody waits any more.
        earlier.recv().unwrap_or_default()
    }

    /// From now on nobody waits for the disk: a room is opened without its past.
    pub fn stop_reading(&self) {
        self.waiting.lock().take();
    }

    fn answer(&self, room: &RoomName, earlier: Earlier) {
        let sender = self.waiting.lock().as_mut().and_then(|waiting| waiting.remove(room));
        if let Some(sender) = sender {
            // It fails when the session is gone.
            let _ = sender.send(earlier);
        }
    }
}

impl Subscriber for Recorder {
    fn wake(&self, log: &Arc<RoomLog>) {
        self.tell(Task::Record(Arc::clone(log)));
    }
}

/// What the reader is told: a room of which so many bytes are to be read, or to come to an end.
type ToRead = Option<(RoomName, usize)>;

/// What the recorder's thread does.
#[derive(Debug)]
pub struct Writer {
    recorder: Arc<Recorder>,
    inbox: Receiver<Task>,
    transcripts: Transcripts,
}

impl Writer {
    /// Starts the recorder and the reader.
    ///
    /// # Errors
    ///
    /// When the system has no more threads.
    pub fn spawn(self) -> io::Result<Recording> {
        let (alive, ended) = mpsc::sync_channel(0);
        let (rooms, reads) = mpsc::channel();
        let recorder = Arc::clone(&self.recorder);
        let mut recording = Recording {
            recorder: Arc::clone(&recorder),
            rooms: rooms.clone(),
            threads: Vec::new(),
            ended,
        };
        let read = move || {
            while let Ok(Some((room, bytes))) = reads.recv() {
                recorder.answer(&room, recorder.folder.earlier(&room, bytes));
            }
        };
        recording.spawn("reader", &alive, read)?;
        recording.spawn("recorder", &alive, move || self.run(&rooms))?;
        Ok(recording)
    }

    /// Records until it is told to close. The reader is told of `rooms`.
    fn run(mut self, rooms: &Sender<ToRead>) {
        let mut batch = Batch::default();
        while let Ok(task) = self.inbox.recv() {
            match task {
                Task::Record(log) => self.transcripts.record(&log, &mut batch),
                Task::Retire(room) => self.transcripts.retire(&room),
                Task::Read(room, bytes) => {
                    // It fails when the server stops, and then nobody waits for the room.
                    let _ = rooms.send(Some((room, bytes)));
                }
                Task::Reopen => {
                    self.recorder.will_reopen.store(false, Ordering::Release);
                    self.transcripts.close_all();
                }
                Task::Close => break,
            }
        }
        self.transcripts.rest();
    }
}

/// The threads of a recorder that runs.
#[derive(Debug)]
pub struct Recording {
    recorder: Arc<Recorder>,
    /// Where the reader is told of its end, for a recorder that hangs could not tell it.
    rooms: Sender<ToRead>,
    threads: Vec<JoinHandle<()>>,
    /// Disconnected once all threads have ended.
    ended: Receiver<Infallible>,
}

impl Recording {
    fn spawn(
        &mut self,
        name: &str,
        alive: &SyncSender<Infallible>,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let alive = alive.clone();
        let work = move || {
            let _alive = alive;
            work();
        };
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }

    /// Has everything that came so far recorded, and ends the threads. One that still waits for
    /// its disk at the deadline is left, and the log says so.
    ///
    /// # Panics
    ///
    /// When one of the threads has panicked.
    pub fn end(self, deadline: Instant) {
        self.recorder.stop_reading();
        self.recorder.tell(Task::Close);
        // It fails when the reader has ended.
        let _ = self.rooms.send(None);
        let patience = deadline.saturating_duration_since(Instant::now());
        let is_over = self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected);
        for thread in self.threads {
            if is_over || thread.is_finished() {
                thread.join().expect("the recorder does not panic");
            } else {
                let name = thread.thread().name().unwrap_or_default().to_owned();
                log::error!(
                    "the thread `{name}` is left, for its disk does not answer; \
                     what it had to write is in no transcript"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
