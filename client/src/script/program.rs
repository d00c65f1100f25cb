//! A program that is a bot, as processes, pipes and threads have it. It knows no server.
//!
//! The program has ended when it has exited and nobody holds its output any more: neither it nor
//! anything that it has started.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use protocol::Reply;

use super::input::CHUNK_BYTES;
use crate::exit::{Exit, Failure};
use crate::sys::poll::{Interest, wait_unless, write_all};
use crate::sys::{descendants, thread};

/// Lines that wait for the program. One that reads none at all is no reason to be thrown out by
/// the server, so what comes after these is counted, and the program is told how many.
const WAITING: usize = 10_000;

/// How many may wait when lines are given again after some were missed. So there are a few large gaps and not
/// one before each line.
const RESUMED: usize = WAITING / 2;

/// How long a program may take to end when it must.
const GRACE: Duration = Duration::from_secs(2);

/// What a program does.
#[derive(Debug, Clone, Copy)]
pub enum ProgramEvent<'a> {
    /// It has printed these bytes.
    Printed(&'a [u8]),
    /// It has ended.
    Ended,
}

/// A running program, and the lines on their way to it.
pub struct Program {
    group: Pid,
    lines: Option<SyncSender<String>>,
    /// How many lines wait.
    waiting: Arc<AtomicUsize>,
    missed: u64,
    /// Dropped, it ends both threads, whatever they wait for.
    wake: UnixStream,
    feeder: JoinHandle<()>,
    watcher: JoinHandle<io::Result<ExitStatus>>,
    /// Closed once the program has ended.
    ended: Receiver<()>,
}

impl Program {
    /// Starts the program with these variables, after so many lines that no program could hear. A thread of its own tells `take` what it does.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(
        command: &[OsString],
        variables: Vec<(&str, String)>,
        missed: u64,
        take: impl FnMut(ProgramEvent<'_>) + Send + 'static,
    ) -> Result<Self, Failure> {
        let (wake, woken) = UnixStream::pair().map_err(Failure::local)?;
        let woken_too = woken.try_clone().map_err(Failure::local)?;
        let name = command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
        let mut child = Command::new(&*command[0])
            .args(&command[1..])
            .envs(variables)
            // With the bot's secret it would take the bot's name from the bot.
            .env_remove("CHAT_PASSWORD")
            .env_remove("CHAT_PASSWORD_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // With all that it starts, it can be ended together.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                let reason = format!("cannot start {name:?}: {error}; check the path");
                Failure::new(Exit::Local, reason)
            })?;
        let group = Pid::from_raw(child.id().cast_signed());
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::local(io::Error::from(io::ErrorKind::BrokenPipe)));
        };
        // The end of the pipe that is ours alone: the program reads from it as from any other.
        fcntl(&stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Failure::local)?;
        let (lines, queue) = sync_channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        let feeder = thread::spawn("bot-input", move || feed(stdin, &queue, &counter, &woken))?;
        let (alive, ended) = sync_channel(0);
        let watcher = thread::spawn("bot-output", move || {
            let _alive = alive;
            watch(child, stdout, &woken_too, take)
        })?;
        Ok(Self { group, lines: Some(lines), waiting, missed, wake, feeder, watcher, ended })
    }

    /// Gives the program a line, without its end. It never waits.
    pub fn send(&mut self, line: &str, missed: impl Fn(&str) -> String) {
        if self.missed > 0 {
            if self.waiting.load(Ordering::Relaxed) > RESUMED {
                self.missed += 1;
                return;
            }
            // There is place for both.
            let gap = missed(&Reply::Missed(self.missed).to_string());
            self.missed = 0;
            self.put(gap);
        }
        self.put(line.to_owned());
    }

    fn put(&mut self, line: String) {
        let Some(lines) = &self.lines else { return };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        match lines.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                self.missed += 1;
            }
            // It has closed its stdin, as is its right.
            Err(TrySendError::Disconnected(_)) => self.lines = None,
        }
    }

    /// How many lines it has not been told that it missed.
    pub fn untold(&self) -> u64 {
        self.missed
    }

    /// Asks the program, and all of its group, to end, and makes it. Whatever else it has started is ended
    /// then, where the system lets it be found.
    pub fn stop(&self) {
        // It fails when all of it has ended.
        let _ = killpg(self.group, Signal::SIGTERM);
        let _ = self.ended.recv_timeout(GRACE);
        let _ = killpg(self.group, Signal::SIGKILL);
        descendants::end_all_but(self.group, GRACE);
    }

    /// Gives how the program has ended, or waits until it has. Its output is not waited for.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn join(self) -> io::Result<ExitStatus> {
        let Self { lines, wake, feeder, watcher, .. } = self;
        drop((lines, wake));
        let status = thread::join(watcher);
        thread::join(feeder);
        status
    }
}

/// Tells what the program prints, and when it has ended.
fn watch(
    mut child: Child,
    stdout: ChildStdout,
    woken: &UnixStream,
    mut take: impl FnMut(ProgramEvent<'_>),
) -> io::Result<ExitStatus> {
    let read = read_all(stdout, woken, |bytes| take(ProgramEvent::Printed(bytes)));
    // It may go on to listen though it prints no more.
    let status = child.wait();
    take(ProgramEvent::Ended);
    read.and(status)
}

fn read_all(
    mut stdout: ChildStdout,
    woken: &UnixStream,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    while wait_unless(&stdout, Interest::Read, woken)? {
        match stdout.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => take(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn feed(
    mut stdin: ChildStdin,
    lines: &Receiver<String>,
    waiting: &AtomicUsize,
    woken: &UnixStream,
) {
    for line in lines {
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A program that closed its stdin wants no more lines.
        if write_all(&mut stdin, format!("{line}\n").as_bytes(), Some(woken.as_fd())).is_err() {
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
