//! `--log FILE`: what was shown, as plain text, a line each, with full local timestamps.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Zoned;

use crate::exit::{Exit, Failure};

/// The open file of `--log`, and the lines that are to be written to it together.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Lines of one batch, to be written at once.
    batch: String,
}

impl LogFile {
    /// Opens the file, to append to it. A new one is readable for this user alone.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = open(path).map_err(|error| {
            let reason = format!("cannot write the log {}: {error}", path.display());
            Failure::new(Exit::Local, reason)
        })?;
        Ok(Self { path: path.to_owned(), file, batch: String::new() })
    }

    /// Adds a line. [`LogFile::flush`] writes it.
    pub fn add(&mut self, at: &Zoned, line: &str) {
        self.batch += &at.strftime("%Y-%m-%dT%H:%M:%S%:z ").to_string();
        self.batch += line;
        self.batch.push('\n');
    }

    /// Writes what was added.
    ///
    /// # Errors
    ///
    /// Says what cannot be written and why. It is given up then.
    pub fn flush(&mut self) -> io::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.write(batch.as_bytes()).map_err(|error| {
            let reason = format!("cannot write the log {}: {error}", self.path.display());
            io::Error::new(error.kind(), reason)
        })
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        // A file that was removed or moved away still takes all that is written, and nobody finds it.
        let own = self.file.metadata()?;
        let is_there = fs::metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()));
        if !is_there {
            self.file = open(&self.path)?;
        }
        self.file.write_all(batch)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
