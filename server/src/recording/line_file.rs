//! One file that lines are appended to: all of a write or nothing, and what does not get into it is
//! counted.
//!
//! This module knows no room and no lock.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::archive::FolderLock;
use super::troubles::Troubles;
use crate::files::{private_file, sync_folder_of};

/// How far from the end of a file its last newline is looked for. No line of a transcript is nearly as
/// long; what has none there is no end of a transcript, or a hole that a disk has left.
const TORN_BYTES: u64 = 1024 * 1024;

/// The file that a room's lines are appended to.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    sync: bool,
    /// `None` until the next line.
    pub file: Option<File>,
    /// How long it was after the last write, or when it was opened.
    length: u64,
    /// Lines that could not be written since it last worked.
    pub missing: u64,
    /// Whether it was said that it cannot be written.
    is_failing: bool,
    /// Whether the last lines may not be on the disk, though they should.
    pub is_unsynced: bool,
    /// Whether the file was empty when it was opened, and its folder was not synced since: then
    /// its name may not be on the disk.
    is_new: bool,
}

impl LineFile {
    /// The file `path`, opened when there is something to write.
    #[must_use]
    pub fn new(path: PathBuf, sync: bool) -> Self {
        Self {
            path,
            sync,
            file: None,
            length: 0,
            missing: 0,
            is_failing: false,
            is_unsynced: false,
            is_new: false,
        }
    }

    /// Appends `bytes`, which are `count` new lines, or counts those as missing.
    pub fn append(
        &mut self,
        bytes: &[u8],
        count: u64,
        lock: &mut FolderLock,
        troubles: &mut Troubles,
    ) {
        match self.write(bytes, lock) {
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

    fn write(&mut self, bytes: &[u8], lock: &mut FolderLock) -> io::Result<()> {
        // A file that was removed still takes all that is written, and loses it.
        let is_removed = |file: &File| file.metadata().map(|meta| meta.nlink() == 0);
        if self.file.as_ref().map(is_removed).transpose()?.unwrap_or(false) {
            self.file = None;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(lock)?,
        };
        let metadata = file.metadata()?;
        let length = metadata.len();
        // Somebody else has written to it, and a line that has no end is not the place for another.
        let is_edited = metadata.is_file() && length != self.length;
        let first = if is_edited && lacks_newline(&file, length)? { &b"\n"[..] } else { &[] };
        if let Err(error) = file.write_all(first).and_then(|()| file.write_all(bytes)) {
            // All or nothing, so that the count of missing lines is right. A device has no length
            // to go back to, and keeps nothing either.
            let _ = file.set_len(length);
            return Err(error);
        }
        self.length = length + (first.len() + bytes.len()) as u64;
        self.file = Some(file);
        Ok(())
    }

    fn open(&mut self, lock: &mut FolderLock) -> io::Result<File> {
        lock.hold()?;
        // A pipe or a device that somebody put there is not waited for. Files do not care.
        let flags = OFlag::O_NONBLOCK.bits();
        let mut options = private_file();
        let mut file = options.read(true).append(true).custom_flags(flags).open(&self.path)?;
        self.is_new |= file.metadata()?.len() == 0;
        self.length = cut_torn_line(&mut file, &self.path)?;
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

/// Whether there is a last line that has no end.
fn lacks_newline(file: &File, length: u64) -> io::Result<bool> {
    let mut last = *b"\n";
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != *b"\n")
}

/// Cuts off a last line that was torn by the end of its writer, or by a full disk. Gives the length up to
/// which the file is made of lines.
fn cut_torn_line(file: &mut File, path: &Path) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(0);
    }
    let mut whole = metadata.len();
    let least = whole.saturating_sub(TORN_BYTES);
    let mut block = Vec::new();
    // From the end on, a block at a time, up to the last newline.
    while whole > 0 {
        if whole <= least {
            log::warn!(
                "{}: no line ends in its last {TORN_BYTES} bytes; they are kept, and the next line \
                 begins behind them",
                path.display()
            );
            return Ok(0);
        }
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
    Ok(whole)
}
