//! A program that is a bot, as processes, pipes and threads have it. It knows no server.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use protocol::Reply;

use super::local;
use crate::exit::{Exit, Failure};
use crate::thread;

/// Lines that wait for the program. One that reads none at all is no reason to be thrown out by
/// the server, so what comes after these is counted, and the program is told how many.
const WAITING: usize = 10_000;

/// A running program, and the lines on their way to it.
pub struct Program {
    child: Child,
    lines: Option<SyncSender<String>>,
    feeder: JoinHandle<()>,
    missed: u64,
}

impl Program {
    /// Starts the program. What it prints is the caller's to read.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(command: &[OsString]) -> Result<(Self, ChildStdout), Failure> {
        let name = command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
        let mut child = Command::new(&*command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // With all that it starts, it can be ended together.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                let reason = format!("cannot start {name}: {error}; check the path");
                Failure::new(Exit::Local, reason)
            })?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(local(io::Error::from(io::ErrorKind::BrokenPipe)));
        };
        let (lines, waiting) = sync_channel(WAITING);
        let feeder = thread::spawn("bot-input", move || feed(stdin, &waiting))?;
        Ok((Self { child, lines: Some(lines), feeder, missed: 0 }, stdout))
    }

    /// Gives the program a line, without its end. It never waits.
    pub fn give(&mut self, line: &str, missed: impl Fn(&str) -> String) {
        let Some(lines) = &self.lines else { return };
        if self.missed > 0 {
            let gap = missed(&Reply::Missed(self.missed).to_string());
            match lines.try_send(gap) {
                Ok(()) => self.missed = 0,
                Err(_) => {
                    self.missed += 1;
                    return;
                }
            }
        }
        match lines.try_send(line.to_owned()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.missed += 1,
            // It has closed its stdin, as is its right.
            Err(TrySendError::Disconnected(_)) => self.lines = None,
        }
    }

    /// How to end it from elsewhere.
    #[must_use]
    pub fn group(&self) -> Group {
        Group(Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(0)))
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When the system does not tell of it.
    pub fn wait(mut self) -> Result<ExitStatus, Failure> {
        drop(self.lines.take());
        let status = self.child.wait().map_err(local)?;
        thread::join(self.feeder);
        Ok(status)
    }
}

/// A program and what it has started.
#[derive(Debug, Clone, Copy)]
pub struct Group(Pid);

impl Group {
    /// Asks it to end, or makes it.
    pub fn end(self, signal: Signal) {
        // A group of nobody would be our own.
        if self.0.as_raw() > 0 {
            // It fails when all of it has ended.
            let _ = killpg(self.0, signal);
        }
    }
}

fn feed(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for line in lines {
        // A program that closed its stdin wants no more lines.
        if stdin.write_all(format!("{line}\n").as_bytes()).is_err() {
            return;
        }
    }
}

/// The code by which a shell tells how a program ended.
#[must_use]
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::Local.code())
}
