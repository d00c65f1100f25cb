//! One room's transcript, as the recorder writes it.
//!
//! Files belong to their user alone: what is said in a room is for those who were there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use protocol::Event;

/// The transcript of one room, as far as it is written.
#[derive(Debug)]
pub struct Transcript {
    path: PathBuf,
    sync: bool,
    /// `None` until the next line.
    file: Option<File>,
    /// Lines that could not be written since it last worked.
    missing: u64,
    /// Whether the last lines may not be on the disk, though they should.
    is_unsynced: bool,
    /// The topic as it is to be kept. `None` when it is kept.
    topic: Option<String>,
    /// Whether it was logged that the topic cannot be kept.
    topic_failed: bool,
}

impl Transcript {
    /// The transcript in the file `path`, opened when there is something to write.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        Self {
            path,
            sync,
            file: None,
            missing: 0,
            is_unsynced: false,
            topic: None,
            topic_failed: false,
        }
    }

    /// Whether it takes a descriptor.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Whether everything that it was given is in its files.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.topic.is_none()
    }

    /// Lets the next line open the file anew.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Appends lines in one write. When that fails they are counted, and the count is written
    /// in their place once writing works again.
    pub fn append<'a>(&mut self, lines: impl Iterator<Item = (Timestamp, &'a [u8])>) {
        let mut bytes = Vec::new();
        let mut count = 0;
        for (time, line) in lines {
            if count == 0 && self.missing > 0 {
                bytes.extend(gap(time, self.missing));
            }
            count += 1;
            bytes.extend(format!("{time:.3} ").bytes());
            bytes.extend(line);
            bytes.push(b'\n');
            if let Ok(line) = str::from_utf8(line)
                && let Some(Event::TopicSet { text, .. }) = Event::parse(line)
            {
                self.topic = Some(text.to_owned());
            }
        }
        self.keep_topic();
        self.write_or_count(&bytes, count);
    }

    /// Nothing will be appended for now: tries to leave nothing unsaid.
    pub fn rest(&mut self) {
        if self.missing > 0 {
            self.write_or_count(&gap(Timestamp::now(), self.missing), 0);
        }
        self.keep_topic();
        self.close();
    }

    fn write_or_count(&mut self, bytes: &[u8], lines: u64) {
        let sync = self.sync;
        match self.write(bytes) {
            Ok(file) => {
                let synced = if sync { file.sync_data() } else { Ok(()) };
                self.note_success();
                self.note_synced(synced);
            }
            Err(error) => self.note_failure(lines, &error),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<&File> {
        // A file that was removed still takes all that is written, and loses it.
        let is_removed = |file: &File| file.metadata().map(|meta| meta.nlink() == 0);
        if self.file.as_ref().map(is_removed).transpose()?.unwrap_or(false) {
            self.file = None;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = private_file().read(true).append(true).open(&self.path)?;
                cut_torn_line(&mut file, &self.path)?;
                file
            }
        };
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(bytes) {
            // All or nothing, so that the count of missing lines is right. A device has no length
            // to go back to, and keeps nothing either.
            let _ = file.set_len(length);
            return Err(error);
        }
        Ok(self.file.insert(file))
    }

    fn keep_topic(&mut self) {
        let Some(topic) = &self.topic else { return };
        let path = self.path.with_extension("topic");
        let is_kept = fs::read_to_string(&path).is_ok_and(|kept| kept == *topic);
        match if is_kept { Ok(()) } else { replace(&path, topic, self.sync) } {
            Ok(()) => {
                self.topic = None;
                self.topic_failed = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.topic_failed, true) {
                    log::error!("{} cannot be written: {error}", path.display());
                }
            }
        }
    }

    fn note_success(&mut self) {
        if self.missing > 0 {
            log::warn!("{} is written again; {} lines miss", self.path.display(), self.missing);
        }
        self.missing = 0;
    }

    /// The lines are in the file, so none of them is missing; but nobody knows for how long.
    fn note_synced(&mut self, synced: io::Result<()>) {
        let was_unsynced = std::mem::replace(&mut self.is_unsynced, synced.is_err());
        let path = self.path.display();
        match synced {
            Err(error) if !was_unsynced => {
                log::error!(
                    "{path} cannot be synced, lines may be lost if the machine stops: {error}"
                );
            }
            Ok(()) if was_unsynced => log::warn!("{path} is synced again"),
            _ => {}
        }
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

/// What stands in the place of lines that could not be written.
fn gap(time: Timestamp, missing: u64) -> Vec<u8> {
    format!("{time:.3} -- {missing} lines are missing here --\n").into_bytes()
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

/// How to make files that belong to their user alone.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// Replaces a file by one with this text, so that there is always a whole one; with `sync`, also
/// when the power fails.
pub fn replace(path: &Path, text: &str, sync: bool) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = private_file().write(true).truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    if sync {
        file.sync_all()?;
    }
    fs::rename(new, path)
}
