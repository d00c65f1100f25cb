//! A wall clock that can be set while a program runs, for that program alone.
//!
//! Nothing in the server knows of it: a small library, built here by the machine's C compiler, is
//! loaded into the program and stands in front of the system's clock.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const SOURCE: &str = include_str!("clock.c");

/// The clock of the programs that were started with it.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    ahead: File,
}

impl Clock {
    /// A clock that shows the time of the machine.
    ///
    /// # Errors
    ///
    /// When there is no C compiler, `cc`.
    pub fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let [source, library, ahead] =
            ["clock.c", "clock.so", "ahead"].map(|name| folder.path().join(name));
        fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        let status = compiler.status().context("a clock that jumps needs the C compiler `cc`")?;
        ensure!(status.success(), "the C compiler fails: {status}");
        let clock = Self { ahead: File::create(ahead)?, folder };
        clock.set_ahead(0)?;
        Ok(clock)
    }

    /// Gives this clock to a program, before it starts.
    pub fn give_to(&self, program: &mut Command) {
        let at = |name| self.folder.path().join(name);
        program.env("LD_PRELOAD", at("clock.so")).env("CLOCK_AHEAD", at("ahead"));
    }

    /// From now on the clock is so many seconds ahead of the machine's.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn set_ahead(&self, seconds: i64) -> Result<()> {
        Ok(self.ahead.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }
}
