//! The folder that rooms are recorded in, and what is read from there: `ROOM.log`, a line
//! `TIME LINE` each, and `ROOM.topic`.
//!
//! A room's name has no separator and does not start with a dot, so it cannot leave the folder.
//! Nothing in here changes a transcript: that is for [`crate::recording::transcript`], whose only user is the
//! recorder. So a room can be read while it is recorded.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use parking_lot::Mutex;
use protocol::limits::UNTERMINATED_BYTES;
use protocol::{RoomName, is_control};

use crate::files::{self, private_file};
#[cfg(test)]
use crate::log::batch::Batch;
use crate::log::ring::Ring;

/// The file by which a server has the folder to itself.
const LOCK: &str = ".lock";

/// What a room has from before: its last lines, and its topic.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Made ready for the room's log, so that nobody has to do that while others wait. `None` where
    /// nothing was read.
    pub lines: Option<Ring>,
    /// Empty when there is none.
    pub topic: String,
}

#[cfg(test)]
impl Earlier {
    /// The lines, without newlines.
    pub fn texts(&self) -> Vec<String> {
        let mut batch = Batch::default();
        if let Some(ring) = &self.lines {
            ring.copy(ring.start(), ring.end(), usize::MAX, &mut batch);
        }
        let text = String::from_utf8(batch.bytes).expect("lines are text");
        text.lines().map(str::to_owned).collect()
    }
}

/// What a room has of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It may have files from earlier.
    Known,
    /// It has none so far.
    New,
    /// Nothing, for there are as many rooms as may be.
    Refused,
}

/// The folder of the transcripts, which this server has to itself.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Rooms by name, and what they were called when their files were made: `Den` and `den` are
    /// one room.
    rooms: Mutex<HashMap<RoomName, RoomName>>,
}

/// What makes the folder this server's, as long as it exists.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: File,
}

impl Folder {
    /// Takes a folder for this server alone, and makes it where it does not exist.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the folder.
    pub fn open(path: PathBuf) -> io::Result<(Self, FolderLock)> {
        let explain = |error: io::Error| {
            let text = format!("cannot keep transcripts in {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(explain)?;
        let lock = FolderLock::take(&path).map_err(explain)?;
        let rooms = rooms_in(&path).map_err(explain)?;
        Ok((Self { path, rooms: Mutex::new(rooms) }, lock))
    }

    /// Keeps a room's name, so that it has the same file each time, where it has one already or there
    /// are fewer than `most`.
    pub fn claim(&self, room: &RoomName, most: usize) -> Claim {
        let mut rooms = self.rooms.lock();
        if rooms.contains_key(room) {
            return Claim::Known;
        }
        if rooms.len() >= most {
            return Claim::Refused;
        }
        rooms.insert(room.clone(), room.clone());
        Claim::New
    }

    /// The transcript of a room.
    #[must_use]
    pub fn path(&self, room: &RoomName) -> PathBuf {
        let mut rooms = self.rooms.lock();
        let name = rooms.entry(room.clone()).or_insert_with(|| room.clone());
        self.path.join(format!("{name}.log"))
    }

    /// What a room has from before, up to `bytes` of its lines. What cannot be read is logged,
    /// and the room begins without it.
    #[must_use]
    pub fn earlier(&self, room: &RoomName, bytes: usize) -> Earlier {
        let path = self.path(room);
        let tail = unless_there_is_none(read_tail(&path, bytes as u64), |error| {
            format!("{} cannot be read: {error}", path.display())
        });
        let lines = parse_tail(&tail, bytes);
        let topic = files::read_text(&path.with_extension("topic"));
        let topic = unless_there_is_none(topic, io::Error::to_string);
        let topic = topic.lines().next().filter(|topic| is_plain(topic)).unwrap_or_default();
        Earlier { lines: Some(lines), topic: topic.to_owned() }
    }
}

impl FolderLock {
    /// Takes a folder that exists for this server alone.
    ///
    /// # Errors
    ///
    /// When another server has it, or it cannot be locked.
    pub fn take(folder: &Path) -> io::Result<Self> {
        Ok(Self { folder: folder.to_owned(), file: lock(folder)? })
    }

    /// Makes sure that the folder is still this server's. Somebody may have made it anew, and then
    /// another server may have it. To be called before a file in it is opened to write.
    ///
    /// # Errors
    ///
    /// As [`Self::take`].
    pub fn hold(&mut self) -> io::Result<()> {
        let of = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        let is_same = fs::metadata(self.folder.join(LOCK))
            .and_then(|there| Ok(of(&there) == of(&self.file.metadata()?)))
            .unwrap_or(false);
        if !is_same {
            self.file = lock(&self.folder)?;
        }
        Ok(())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // To close the file is not enough: a program that another thread of this process is starting has it
        // open too, up to its exec. It fails where there is no lock any more.
        let _ = self.file.unlock();
    }
}

/// Locks a folder by a file in it.
fn lock(folder: &Path) -> io::Result<File> {
    // A pipe in its place is not waited for.
    let flags = OFlag::O_NONBLOCK.bits();
    let no_file = || io::Error::other("its .lock is no regular file; remove it");
    let opened = private_file().write(true).custom_flags(flags).open(folder.join(LOCK));
    let lock = match opened {
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => return Err(no_file()),
        opened => opened?,
    };
    if !lock.metadata()?.is_file() {
        return Err(no_file());
    }
    lock.try_lock().map_err(why_not_locked)?;
    Ok(lock)
}

/// What to do when the folder's lock cannot be taken. Some file systems have no locks: see flock(2).
fn why_not_locked(error: TryLockError) -> io::Error {
    match error {
        TryLockError::WouldBlock => io::Error::other("another server uses that folder"),
        TryLockError::Error(error) => {
            let text =
                format!("its file .lock cannot be locked: {error}; take another file system");
            io::Error::new(error.kind(), text)
        }
    }
}

/// The rooms that have a transcript, or a topic alone. Where there are several of one room, the first by
/// its characters is used, so that it is the same after each start.
fn rooms_in(folder: &Path) -> io::Result<HashMap<RoomName, RoomName>> {
    let (mut names, mut topics) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let Some(name) = file.file_stem().and_then(|stem| RoomName::parse(stem.to_str()?).ok())
        else {
            continue;
        };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("log") => names.push(name),
            Some("topic") => topics.push(name),
            _ => {}
        }
    }
    names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    let mut rooms = HashMap::new();
    for name in names {
        let used = rooms.entry(name.clone()).or_insert_with(|| name.clone());
        if used.as_str() != name.as_str() {
            log::warn!("{name}.log is left alone, for {used}.log is of the same room");
        }
    }
    for name in topics {
        rooms.entry(name.clone()).or_insert(name);
    }
    Ok(rooms)
}

fn unless_there_is_none<T: Default>(
    read: io::Result<T>,
    explain: impl FnOnce(&io::Error) -> String,
) -> T {
    read.unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            log::error!("{}", explain(&error));
        }
        T::default()
    })
}

/// The last whole lines of a transcript, from `bytes` bytes at most. A last line that is torn, or is
/// just being written, is none.
fn read_tail(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        // A device or a pipe that somebody put there takes lines, but has none to give.
        return Ok(Vec::new());
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(bytes)))?;
    let mut tail = Vec::new();
    file.take(bytes).read_to_end(&mut tail)?;
    tail.truncate(memchr::memrchr(b'\n', &tail).map_or(0, |newline| newline + 1));
    if metadata.len() > bytes {
        // The first one is only the end of a line.
        tail.drain(..memchr::memchr(b'\n', &tail).map_or(0, |newline| newline + 1));
    }
    Ok(tail)
}

/// The lines `TIME LINE` of a transcript, for a log that keeps up to `capacity` bytes. What the server
/// has not written may be anything.
fn parse_tail(tail: &[u8], capacity: usize) -> Ring {
    let mut ring = Ring::new(capacity);
    let mut finished = Vec::new();
    for line in String::from_utf8_lossy(tail).lines() {
        let Some((time, line)) = line.split_once(' ') else { continue };
        let Ok(time) = time.parse() else { continue };
        if is_plain(line) {
            finished.clear();
            finished.extend_from_slice(line.as_bytes());
            finished.push(b'\n');
            ring.push(&finished, time);
        }
    }
    ring
}

/// Whether a client may be sent this as a line, or a part of one.
fn is_plain(text: &str) -> bool {
    text.len() <= UNTERMINATED_BYTES && !text.chars().any(is_control)
}

#[cfg(test)]
mod tests;
