//! `--log FILE`: what was shown, as plain text, a line each, with full local timestamps.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
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
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|error| {
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
        self.file.write_all(batch.as_bytes()).map_err(|error| {
            let reason = format!("cannot write the log {}: {error}", self.path.display());
            io::Error::new(error.kind(), reason)
        })
    }
}
