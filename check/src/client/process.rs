//! The client that is checked, as a process: its keyboard, and what it has shown.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};

use super::screen::Screen;
use super::{Program, terminal};
use crate::target::Groups;
use crate::target::group::{self, Group};

/// A client that runs, until this is dropped.
pub(super) struct Process {
    child: Child,
    group: Group,
    groups: Groups,
    keyboard: Box<dyn Write + Send>,
    /// Its standard output.
    pub(super) screen: Screen,
    /// Its standard error, where a traceback stands.
    pub(super) errors: Screen,
}

impl Process {
    /// Starts the program with these words as its command, in pipes or on a terminal.
    pub(super) fn start(words: &[String], program: &Program) -> io::Result<Self> {
        let (first, rest) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(first);
        command.args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let terminal = program.on_a_terminal.then(|| terminal::attach(&mut command)).transpose()?;
        // Into a pipe Python would show nothing before it ends, which is no fault of a student's.
        command.env("PYTHONUNBUFFERED", "1");
        group::own(&mut command);
        let cannot = |error| io::Error::other(format!("cannot run {first}: {error}"));
        let mut child = command.spawn().map_err(cannot)?;
        let group = Group::of(&child);
        program.groups.add(group);
        // It would keep its copy of the terminal open.
        drop(command);
        let (keyboard, output): (Box<dyn Write + Send>, Box<dyn Read + Send>) = match terminal {
            Some(terminal) => (Box::new(terminal.try_clone()?), Box::new(terminal)),
            // Pipes were asked for above.
            None => (
                Box::new(child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?),
                Box::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?),
            ),
        };
        let errors = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            group,
            groups: program.groups.clone(),
            keyboard,
            child,
            screen: Screen::of(output)?,
            errors: Screen::of(Box::new(errors))?,
        })
    }

    /// Its number on this machine.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The user types a line.
    pub(super) fn type_line(&mut self, line: &str) -> io::Result<()> {
        self.keyboard.write_all(format!("{line}\n").as_bytes())?;
        self.keyboard.flush()
    }

    /// Ends it, and all that it has started.
    pub(super) fn end(&self) {
        self.groups.end(self.group);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        // The process is gone, or never was.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.screen.join();
        self.errors.join();
    }
}
