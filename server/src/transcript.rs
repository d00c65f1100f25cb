//! The files that rooms are recorded in: `ROOM.log`, a line `TIME LINE` each, and `ROOM.topic`.
//!
//! A room's name has no separator and does not start with a dot, so it cannot leave the folder.
//! Files belong to their user alone: what is said in a room is for those who were there.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use parking_lot::Mutex;
use protocol::{Event, RoomName};

/// What a room has from before: its last lines, and its topic.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Oldest first.
    pub lines: Vec<(Timestamp, String)>,
    /// Empty when there is none.
    pub topic: String,
}

/// The folder of all transcripts.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Rooms by name, and what they were called when their files were made: `Den` and `den` are
    /// one room.
    rooms: Mutex<HashMap<RoomName, RoomName>>,
    /// Held as long as the folder is used.
    _lock: File,
}

impl Folder {
    /// Takes a folder for this server alone, and makes it where it does not exist.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the folder.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let explain = |error: io::Error| {
            let text = format!("cannot keep transcripts in {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(explain)?;
        let lock = private_file().write(true).open(path.join(".lock")).map_err(explain)?;
        lock.try_lock()
            .map_err(|_| explain(io::Error::other("another server uses that folder")))?;
        let mut rooms = HashMap::new();
        for entry in fs::read_dir(&path).map_err(explain)? {
            let file = entry.map_err(explain)?.path();
            let is_transcript = file.extension().is_some_and(|extension| extension == "log");
            let name = file.file_stem().and_then(|stem| RoomName::parse(stem.to_str()?).ok());
            if let Some(name) = name.filter(|_| is_transcript) {
                rooms.insert(name.clone(), name);
            }
        }
        Ok(Self { path, rooms: Mutex::new(rooms), _lock: lock })
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
        let lines = match read_tail(&path, bytes as u64) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                log::error!("{} cannot be read: {error}", path.display());
                Vec::new()
            }
        };
        let topic = fs::read_to_string(path.with_extension("topic")).unwrap_or_default();
        Earlier { lines, topic: topic.trim_end().to_owned() }
    }
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// The last lines of a transcript, from `bytes` bytes at most.
fn read_tail(path: &Path, bytes: u64) -> io::Result<Vec<(Timestamp, String)>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    cut_torn_line(&mut file, path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        // A device or a pipe that somebody put there takes lines, but has none to give.
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(bytes)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    // The first one is only the end of a line, unless the whole file was read.
    let skip = usize::from(metadata.len() > bytes);
    Ok(String::from_utf8_lossy(&tail).lines().skip(skip).filter_map(parse).collect())
}

/// Cuts off a last line that was torn by the end of its writer, or by a full disk.
fn cut_torn_line(file: &mut File, path: &Path) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(());
    }
    let mut whole = metadata.len();
    let mut block = Vec::new();
    // From the end on, a block at a time, up to the last newline.
    while whole > 0 {
        let start = whole.saturating_sub(4096);
        block.resize((whole - start) as usize, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        match memchr::memrchr(b'\n', &block) {
            Some(newline) => {
                whole = start + newline as u64 + 1;
                break;
            }
            None => whole = start,
        }
    }
    let torn = metadata.len() - whole;
    if torn > 0 {
        log::warn!("{}: {torn} bytes of a torn last line are cut off", path.display());
        file.set_len(whole)?;
    }
    Ok(())
}

fn parse(line: &str) -> Option<(Timestamp, String)> {
    let (time, line) = line.split_once(' ')?;
    Some((time.parse().ok()?, line.to_owned()))
}

/// The transcript of one room, as far as it is written.
#[derive(Debug)]
pub struct Transcript {
    path: PathBuf,
    sync: bool,
    /// `None` until the next line.
    file: Option<File>,
    /// Lines that could not be written since it last worked.
    missing: u64,
}

impl Transcript {
    /// The transcript in the file `path`, opened when there is something to write.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        Self { path, sync, file: None, missing: 0 }
    }

    /// Lets the next line open the file anew.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Appends lines in one write. When that fails they are counted, and the count is written
    /// in their place once writing works again.
    pub fn append<'a>(&mut self, lines: impl Iterator<Item = (Timestamp, &'a [u8])>) {
        let mut bytes = Vec::new();
        let mut topic = None;
        let mut count = 0;
        for (time, line) in lines {
            if count == 0 && self.missing > 0 {
                let missing = self.missing;
                let gap = format!("{time:.3} -- {missing} lines are missing here --\n");
                bytes.extend(gap.bytes());
            }
            count += 1;
            bytes.extend(format!("{time:.3} ").bytes());
            bytes.extend(line);
            bytes.push(b'\n');
            if let Ok(line) = str::from_utf8(line)
                && let Some(Event::TopicSet { text, .. }) = Event::parse(line)
            {
                topic = Some(text);
            }
        }
        if let Some(topic) = topic {
            self.keep_topic(topic);
        }
        match self.write(&bytes) {
            Ok(()) => self.note_success(),
            Err(error) => self.note_failure(count, &error),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A file that was removed still takes all that is written, and loses it.
        let is_removed = |file: &File| file.metadata().map(|meta| meta.nlink() == 0);
        if self.file.as_ref().map(is_removed).transpose()?.unwrap_or(false) {
            self.file = None;
        }
        if self.file.is_none() {
            let mut file = private_file().read(true).append(true).open(&self.path)?;
            cut_torn_line(&mut file, &self.path)?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(bytes) {
            // All or nothing, so that the count of missing lines is right. A device has no length
            // to go back to, and keeps nothing either.
            let _ = file.set_len(length);
            return Err(error);
        }
        if self.sync {
            file.sync_data()?;
        }
        Ok(())
    }

    fn keep_topic(&self, topic: &str) {
        let path = self.path.with_extension("topic");
        if let Err(error) = replace(&path, topic) {
            log::error!("{} cannot be written: {error}", path.display());
        }
    }

    fn note_success(&mut self) {
        if self.missing > 0 {
            log::warn!("{} is written again; {} lines miss", self.path.display(), self.missing);
        }
        self.missing = 0;
    }

    fn note_failure(&mut self, lines: u64, error: &io::Error) {
        if self.missing == 0 {
            let path = self.path.display();
            log::error!("{path} cannot be written, the chat goes on without it: {error}");
        }
        self.missing += lines;
        self.file = None;
    }
}

/// Replaces a file by one with this text, so that there is always a whole one.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_added_extension("new");
    private_file().write(true).truncate(true).open(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, path)
}
