//! One room's transcript, as the recorder writes it: a file of lines, and one of the topic.
//!
//! Files belong to their user alone: what is said in a room is for those who were there. This
//! module knows no thread, lock or log of a room.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use protocol::Event;

use crate::files::{private_file, replace, sync_folder_of};

/// What the recorder's files suffer from, over all rooms. A disk that fails is one line in the
/// server's log, whatever the number of rooms.
#[derive(Debug, Default)]
pub struct Troubles {
    writing: Trouble,
    syncing: Trouble,
    topics: Trouble,
    /// Lines that could not be written since everything was well.
    missing: u64,
}

/// One kind of failure, of many files.
#[derive(Debug, Default)]
struct Trouble {
    /// Files that fail now.
    files: usize,
    /// The causes that were logged since all files were well.
    logged: HashSet<io::ErrorKind>,
}

impl Trouble {
    /// One more file fails.
    fn begin(&mut self, error: &io::Error, explain: impl FnOnce() -> String) {
        self.files += 1;
        let level =
            if self.logged.insert(error.kind()) { log::Level::Error } else { log::Level::Debug };
        log::log!(level, "{}: {error}", explain());
    }

    /// A file does not fail any more. `true` when it was the last one.
    fn end(&mut self) -> bool {
        self.files -= 1;
        let is_over = self.files == 0;
        if is_over {
            self.logged.clear();
        }
        is_over
    }
}

/// The transcript of one room, as far as it is written.
#[derive(Debug)]
pub struct Transcript {
    lines: LineFile,
    topic: TopicFile,
}

impl Transcript {
    /// The transcript in the file `path`, opened when there is something to write. With `sync`,
    /// what is written is on the disk when the call returns.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        let topic = TopicFile::new(path.with_extension("topic"), sync);
        Self { lines: LineFile::new(path, sync), topic }
    }

    /// Whether it takes a descriptor.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lines.file.is_some()
    }

    /// Lines that are in no file and of which no file says that they are missing.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.lines.missing
    }

    /// Whether everything that it was given is in its files.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lines.missing == 0 && self.topic.text.is_none()
    }

    /// Lets the next line open the file anew.
    pub fn close(&mut self) {
        self.lines.file = None;
    }

    /// Appends lines in one write. When that fails they are counted, and the count is written
    /// in their place once writing works again.
    pub fn append<'a>(
        &mut self,
        lines: impl Iterator<Item = (Timestamp, &'a [u8])>,
        troubles: &mut Troubles,
    ) {
        let mut bytes = Vec::new();
        let mut count = 0;
        for (time, line) in lines {
            if count == 0 {
                bytes.extend(gap(time, self.lines.missing));
            }
            count += 1;
            bytes.extend(format!("{time:.3} ").bytes());
            bytes.extend(line);
            bytes.push(b'\n');
            if let Ok(line) = str::from_utf8(line)
                && let Some(Event::TopicSet { text, .. }) = Event::parse(line)
            {
                self.topic.text = Some(text.to_owned());
            }
        }
        self.topic.keep(troubles);
        self.lines.append(&bytes, count, troubles);
    }

    /// The room is empty: writes a gap that is still to be marked, and the topic, then closes.
    pub fn rest(&mut self, troubles: &mut Troubles) {
        if self.lines.missing > 0 {
            let gap = gap(Timestamp::now(), self.lines.missing);
            self.lines.append(&gap, 0, troubles);
        }
        self.topic.keep(troubles);
        self.close();
    }

    /// Gives up the room's files, which are whole.
    pub fn forget(self, troubles: &mut Troubles) {
        if self.lines.is_unsynced {
            troubles.syncing.end();
        }
    }
}

/// The file that a room's lines are appended to.
#[derive(Debug)]
struct LineFile {
    path: PathBuf,
    sync: bool,
    /// `None` until the next line.
    file: Option<File>,
    /// Lines that could not be written since it last worked.
    missing: u64,
    /// Whether it was said that it cannot be written.
    is_failing: bool,
    /// Whether the last lines may not be on the disk, though they should.
    is_unsynced: bool,
    /// Whether the file was empty when it was opened, and its folder was not synced since: then
    /// its name may not be on the disk.
    is_new: bool,
}

impl LineFile {
    fn new(path: PathBuf, sync: bool) -> Self {
        Self {
            path,
            sync,
            file: None,
            missing: 0,
            is_failing: false,
            is_unsynced: false,
            is_new: false,
        }
    }

    /// Appends `bytes`, which are `count` new lines, or counts those as missing.
    fn append(&mut self, bytes: &[u8], count: u64, troubles: &mut Troubles) {
        match self.write(bytes) {
            Ok(()) => {
                self.note_success(troubles);
                if self.sync {
                    let synced = self.sync();
                    self.note_synced(synced, troubles);
                }
            }
            Err(error) => self.note_failure(count, &error, troubles),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A file that was removed still takes all that is written, and loses it.
        let is_removed = |file: &File| file.metadata().map(|meta| meta.nlink() == 0);
        if self.file.as_ref().map(is_removed).transpose()?.unwrap_or(false) {
            self.file = None;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(bytes) {
            // All or nothing, so that the count of missing lines is right. A device has no length
            // to go back to, and keeps nothing either.
            let _ = file.set_len(length);
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    fn open(&mut self) -> io::Result<File> {
        let mut file = private_file().read(true).append(true).open(&self.path)?;
        self.is_new |= file.metadata()?.len() == 0;
        cut_torn_line(&mut file, &self.path)?;
        Ok(file)
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        if self.is_new {
            sync_folder_of(&self.path)?;
            self.is_new = false;
        }
        Ok(())
    }

    fn note_success(&mut self, troubles: &mut Troubles) {
        let missing = std::mem::take(&mut self.missing);
        if std::mem::take(&mut self.is_failing) {
            log::debug!("{} is written again; {missing} lines miss", self.path.display());
            troubles.missing += missing;
            if troubles.writing.end() {
                let missing = std::mem::take(&mut troubles.missing);
                log::warn!("all transcripts are written again; {missing} lines miss in them");
            }
        }
    }

    fn note_failure(&mut self, lines: u64, error: &io::Error, troubles: &mut Troubles) {
        if !std::mem::replace(&mut self.is_failing, true) {
            let path = self.path.display();
            let explain = || format!("{path} cannot be written, the chat goes on without it");
            troubles.writing.begin(error, explain);
        }
        self.missing += lines;
        self.file = None;
    }

    /// The lines are in the file, so none of them is missing; but nobody knows for how long.
    fn note_synced(&mut self, synced: io::Result<()>, troubles: &mut Troubles) {
        let was_unsynced = std::mem::replace(&mut self.is_unsynced, synced.is_err());
        match synced {
            Err(error) if !was_unsynced => troubles.syncing.begin(&error, || {
                let path = self.path.display();
                format!("{path} cannot be synced, lines may be lost if the machine stops")
            }),
            Ok(()) if was_unsynced && troubles.syncing.end() => {
                log::warn!("all transcripts are synced again");
            }
            _ => {}
        }
    }
}

/// The file that a room's topic is kept in.
#[derive(Debug)]
struct TopicFile {
    path: PathBuf,
    sync: bool,
    /// The topic as it is to be kept. `None` when it is kept.
    text: Option<String>,
    /// Whether it was said that it cannot be kept.
    is_failing: bool,
}

impl TopicFile {
    fn new(path: PathBuf, sync: bool) -> Self {
        Self { path, sync, text: None, is_failing: false }
    }

    /// Writes the topic, unless the file has it already. When that fails, the next call tries
    /// again.
    fn keep(&mut self, troubles: &mut Troubles) {
        let Some(topic) = &self.text else { return };
        let is_kept = fs::read_to_string(&self.path).is_ok_and(|kept| kept == *topic);
        match if is_kept { Ok(()) } else { replace(&self.path, topic, self.sync) } {
            Ok(()) => {
                self.text = None;
                if std::mem::take(&mut self.is_failing) && troubles.topics.end() {
                    log::warn!("all topics are kept again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    let path = self.path.display();
                    troubles.topics.begin(&error, || format!("{path} cannot be written"));
                }
            }
        }
    }
}

/// What stands in the place of lines that could not be written. Nothing when none is missing.
fn gap(time: Timestamp, missing: u64) -> Vec<u8> {
    match missing {
        0 => Vec::new(),
        _ => format!("{time:.3} -- {missing} lines are missing here --\n").into_bytes(),
    }
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const TIME: &str = "1970-01-01T00:00:00.000Z";

    fn say(transcript: &mut Transcript, troubles: &mut Troubles, lines: &[&str]) {
        let lines = lines.iter().map(|line| (Timestamp::UNIX_EPOCH, line.as_bytes()));
        transcript.append(lines, troubles);
    }

    /// A folder with a transcript that is to be written, and what it suffers from.
    fn room(sync: bool) -> (TempDir, PathBuf, Transcript, Troubles) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("den.log");
        let transcript = Transcript::new(path.clone(), sync);
        (folder, path, transcript, Troubles::default())
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted_where_they_miss() {
        for sync in [false, true] {
            let (_folder, path, mut transcript, mut troubles) = room(sync);
            fs::create_dir(&path).unwrap();
            say(&mut transcript, &mut troubles, &["a", "b"]);
            say(&mut transcript, &mut troubles, &["c"]);
            assert_eq!((transcript.missing(), transcript.is_open()), (3, false));
            assert_eq!(troubles.writing.files, 1);
            fs::remove_dir(&path).unwrap();
            say(&mut transcript, &mut troubles, &["d"]);
            let text = format!("{TIME} -- 3 lines are missing here --\n{TIME} d\n");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert!(transcript.is_whole() && transcript.is_open());
            assert_eq!(troubles.writing.files, 0);
        }
    }

    #[test]
    fn a_gap_is_marked_when_the_room_is_left() {
        let (_folder, path, mut transcript, mut troubles) = room(false);
        fs::create_dir(&path).unwrap();
        say(&mut transcript, &mut troubles, &["a"]);
        transcript.rest(&mut troubles);
        assert!(!transcript.is_whole());
        fs::remove_dir(&path).unwrap();
        transcript.rest(&mut troubles);
        assert!(transcript.is_whole() && !transcript.is_open());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("Z -- 1 lines are missing here --\n"), "{text}");
        transcript.forget(&mut troubles);
        assert_eq!((troubles.writing.files, troubles.missing), (0, 0));
    }

    #[test]
    fn a_file_is_opened_anew_when_it_was_closed_or_removed() {
        let (folder, path, mut transcript, mut troubles) = room(true);
        say(&mut transcript, &mut troubles, &["a"]);
        fs::rename(&path, folder.path().join("old")).unwrap();
        say(&mut transcript, &mut troubles, &["b"]);
        transcript.close();
        say(&mut transcript, &mut troubles, &["c"]);
        fs::remove_file(&path).unwrap();
        say(&mut transcript, &mut troubles, &["d"]);
        let old = fs::read_to_string(folder.path().join("old")).unwrap();
        assert_eq!(old, format!("{TIME} a\n{TIME} b\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{TIME} d\n"));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_its_newline_would_be() {
        for length in [1, 4095, 4096, 4097, 10_000] {
            for whole in ["", "whole\n"] {
                let (_folder, path, mut transcript, mut troubles) = room(false);
                fs::write(&path, format!("{whole}{}", "x".repeat(length))).unwrap();
                say(&mut transcript, &mut troubles, &["a"]);
                assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{TIME} a\n"));
            }
        }
    }

    #[test]
    fn the_last_topic_is_kept_once_that_works() {
        let (folder, path, mut transcript, mut troubles) = room(false);
        let topic = folder.path().join("den.topic");
        fs::create_dir(&topic).unwrap();
        say(&mut transcript, &mut troubles, &["ann set the topic: tea", "ann: hi"]);
        say(&mut transcript, &mut troubles, &["ann set the topic: cake"]);
        assert_eq!((transcript.missing(), transcript.is_whole()), (0, false));
        assert_eq!(troubles.topics.files, 1);
        fs::remove_dir(&topic).unwrap();
        transcript.rest(&mut troubles);
        assert_eq!(fs::read_to_string(&topic).unwrap(), "cake");
        assert!(transcript.is_whole());
        assert_eq!(troubles.topics.files, 0);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    /// Each cause is one line in the log, until all is well.
    #[test]
    fn a_disk_that_fails_is_said_once() {
        let mut trouble = Trouble::default();
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        for error in [&full, &full, &denied, &full] {
            trouble.begin(error, || "den.log".to_owned());
        }
        assert_eq!((trouble.files, trouble.logged.len()), (4, 2));
        let ends: Vec<_> = (0..4).map(|_| trouble.end()).collect();
        assert_eq!(ends, [false, false, false, true]);
        assert!(trouble.logged.is_empty());
    }
}
