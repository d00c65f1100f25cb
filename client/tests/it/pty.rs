//! The program under a pseudo-terminal, and a terminal emulator that shows what its user sees.
//! It is one file, though a long one: the window, its keys and the thread that reads from it share one screen.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::program::{DEADLINE, SPAWNING, command};
use crate::real_server::RealServer;

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";

/// The user `al`, at the prompt.
pub fn chat(server: &RealServer, extra: &[&str]) -> Pty {
    let address = server.address.to_string();
    let mut arguments = vec!["--server", &address, "--name", "al"];
    arguments.extend(extra);
    let pty = Pty::start(&arguments);
    pty.wait_for_last("al@main>");
    pty
}

pub struct Pty {
    child: Option<Child>,
    master: Option<File>,
    screen: Arc<Screen>,
    reader: Option<JoinHandle<()>>,
    /// Dropping it ends the reader.
    wake: Option<UnixStream>,
    found: Termios,
    state: std::path::PathBuf,
}

struct Screen {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    is_closed: bool,
}

impl Pty {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, 24, &fresh_directory(), &[])
    }

    pub fn start_with(
        arguments: &[&str],
        rows: u16,
        state: &std::path::Path,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::start_into(arguments, rows, state, environment, None)
    }

    /// The same, with its standard output in a file.
    pub fn start_into(
        arguments: &[&str],
        rows: u16,
        state: &std::path::Path,
        environment: &[(&str, &str)],
        stdout: Option<File>,
    ) -> Self {
        let size = Winsize { ws_row: rows, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        // A child of another test that inherits the master would hold this window open.
        let spawning = SPAWNING.lock().unwrap_or_else(PoisonError::into_inner);
        let pty = openpty(&size, None).unwrap();
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let slave = || Stdio::from(pty.slave.try_clone().unwrap());
        let found = tcgetattr(&pty.slave).unwrap();
        let child = command(arguments)
            .env("TERM", "xterm-256color")
            .env("XDG_STATE_HOME", state)
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            // As a shell starts a job, so that suspending it does not suspend the tests.
            .process_group(0)
            .stdin(slave())
            .stdout(stdout.map_or_else(slave, Stdio::from))
            .stderr(slave())
            .spawn()
            .unwrap();
        drop(spawning);
        let master = File::from(pty.master);
        let rows = NonZeroU16::new(rows).unwrap();
        let parser = vt100::Parser::new(rows, NonZeroU16::new(80).unwrap(), 0);
        let seen = Mutex::new(Seen { parser, raw: Vec::new(), is_closed: false });
        let screen = Arc::new(Screen { seen, changed: Condvar::new() });
        let (output, shown) = (master.try_clone().unwrap(), Arc::clone(&screen));
        let (wake, woken) = UnixStream::pair().unwrap();
        let reader = thread::spawn(move || read(output, &woken, &shown));
        let state = state.to_owned();
        let (master, reader, wake) = (Some(master), Some(reader), Some(wake));
        let child = Some(child);
        Self { child, master, screen, reader, wake, found, state }
    }

    pub fn keys(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen satisfies `wanted`, and gives it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_until_screen(what, |screen| wanted(&screen.contents()))
    }

    /// The same for more than its text.
    #[track_caller]
    pub fn wait_until_screen(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.screen.seen.lock().unwrap();
        loop {
            let contents = seen.parser.screen().contents();
            if wanted(seen.parser.screen()) {
                return contents;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.is_closed, "{what} never came:\n{contents}");
            seen = self.screen.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until the screen has `text`.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |contents| contents.contains(text))
    }

    /// Waits until the last line is the prompt with `typed` after it.
    #[track_caller]
    pub fn wait_for_last(&self, line: &str) -> String {
        self.wait_until(line, |contents| {
            contents
                .trim_end()
                .lines()
                .last()
                .is_some_and(|last| last.trim_end() == line.trim_end())
        })
    }

    /// Waits until `text` has come at any time, and gives all bytes.
    #[track_caller]
    pub fn wait_raw(&self, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.screen.seen.lock().unwrap();
        while !String::from_utf8_lossy(&seen.raw).contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.is_closed, "{text} never came");
            seen = self.screen.changed.wait_timeout(seen, left).unwrap().0;
        }
        String::from_utf8_lossy(&seen.raw).into_owned()
    }

    /// Looks at the screen as it is now.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.seen.lock().unwrap().parser.screen())
    }

    /// The text on the screen as it is now.
    pub fn contents(&self) -> String {
        self.with_screen(vt100::Screen::contents)
    }

    /// All bytes so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.seen.lock().unwrap().raw).into_owned()
    }

    /// The modes of the terminal now, and as the program found them.
    pub fn modes(&self) -> (Termios, Termios) {
        (tcgetattr(self.master.as_ref().unwrap()).unwrap(), self.found.clone())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until the program is suspended.
    pub fn wait_stopped(&self) {
        let pid = self.pid();
        let (sender, receiver) = channel();
        let waiter = thread::spawn(move || {
            sender.send(waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap()).unwrap();
        });
        let status = receiver.recv_timeout(DEADLINE).unwrap();
        waiter.join().unwrap();
        assert_eq!(status, WaitStatus::Stopped(pid, Signal::SIGTSTP));
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.as_ref().unwrap().id().try_into().unwrap())
    }

    /// Closes the window, with no signal, and waits for the end of the program.
    pub fn close_and_wait(mut self) -> Option<i32> {
        self.stop_reader();
        self.master = None;
        let (sender, receiver) = channel();
        let mut child = self.child.take().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let waiter = thread::spawn(move || sender.send(child.wait().unwrap().code()).unwrap());
        let code = receiver.recv_timeout(DEADLINE);
        if code.is_err() {
            kill(pid, Signal::SIGKILL).unwrap();
        }
        waiter.join().unwrap();
        code.unwrap()
    }

    fn stop_reader(&mut self) {
        self.wake = None;
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// The end of the program, which must leave the terminal as it was.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        let code = self.status().code().unwrap();
        if self.master.is_some() {
            let (now, before) = self.modes();
            assert_eq!(now, before, "the modes of the terminal");
            let raw = self.raw();
            let (on, off) = (raw.rfind("\x1b[?2004h"), raw.rfind("\x1b[?2004l"));
            assert!(on <= off, "bracketed paste is still on");
        }
        code
    }

    /// Ends the input, upon which the program ends well.
    #[track_caller]
    pub fn leave(&mut self) {
        self.keys(CTRL_D);
        assert_eq!(self.wait(), 0);
    }

    fn status(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        // The end of its output tells of the end of the program.
        let mut seen = self.screen.seen.lock().unwrap();
        while !seen.is_closed {
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the program does not end:\n{}",
                seen.parser.screen().contents()
            );
            seen = self.screen.changed.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        self.child.as_mut().unwrap().wait().unwrap()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.wake = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// The body of the thread that is the terminal's screen.
fn read(mut output: File, woken: &UnixStream, screen: &Screen) {
    let mut chunk = [0; 4096];
    loop {
        let mut watched = [
            PollFd::new(output.as_fd(), PollFlags::POLLIN),
            PollFd::new(woken.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut watched, PollTimeout::NONE).unwrap();
        let is_woken = watched[1].any().unwrap();
        // When the last slave is closed, Linux reports an error instead of an end.
        let length = if is_woken { 0 } else { output.read(&mut chunk).unwrap_or(0) };
        // A test that failed while it held the lock needs no more of it.
        let Ok(mut seen) = screen.seen.lock() else { return };
        seen.parser.process(&chunk[..length]);
        seen.raw.extend_from_slice(&chunk[..length]);
        seen.is_closed = length == 0;
        screen.changed.notify_all();
        if length == 0 {
            return;
        }
    }
}

/// A directory of this test's own.
pub fn fresh_directory() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("chat-client-{}-{number}", std::process::id());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}
