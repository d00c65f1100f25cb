//! The program under a pseudo-terminal, and a terminal emulator that shows what its user sees.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use crate::program::command;

/// Guards against a test that hangs. No test waits for it to pass.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Pty {
    child: Child,
    master: Option<File>,
    screen: Arc<Screen>,
    reader: Option<JoinHandle<()>>,
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
        let size = Winsize { ws_row: rows, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let slave = || Stdio::from(pty.slave.try_clone().unwrap());
        let found = tcgetattr(&pty.slave).unwrap();
        let child = command(arguments)
            .env("TERM", "xterm-256color")
            .env("XDG_STATE_HOME", state)
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        let master = File::from(pty.master);
        let rows = NonZeroU16::new(rows).unwrap();
        let parser = vt100::Parser::new(rows, NonZeroU16::new(80).unwrap(), 0);
        let seen = Mutex::new(Seen { parser, raw: Vec::new(), is_closed: false });
        let screen = Arc::new(Screen { seen, changed: Condvar::new() });
        let (mut output, shown) = (master.try_clone().unwrap(), Arc::clone(&screen));
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                // When the last slave is closed, Linux reports an error instead of an end.
                let length = output.read(&mut chunk).unwrap_or(0);
                let mut seen = shown.seen.lock().unwrap();
                seen.parser.process(&chunk[..length]);
                seen.raw.extend_from_slice(&chunk[..length]);
                seen.is_closed = length == 0;
                shown.changed.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        let state = state.to_owned();
        Self { child, master: Some(master), screen, reader: Some(reader), found, state }
    }

    pub fn keys(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen satisfies `wanted`, and gives it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.screen.seen.lock().unwrap();
        loop {
            let contents = seen.parser.screen().contents();
            if wanted(&contents) {
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

    /// All bytes so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.seen.lock().unwrap().raw).into_owned()
    }

    /// The modes of the terminal now, and as the program found them.
    pub fn modes(&self) -> (Termios, Termios) {
        (tcgetattr(self.master.as_ref().unwrap()).unwrap(), self.found.clone())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Closes the window.
    pub fn close(&mut self) {
        // The reader has a handle too; it ends when the program does.
        self.master = None;
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
        self.child.wait().unwrap()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.master = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = std::fs::remove_dir_all(&self.state);
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
