//! Runs the program with pipes at its three streams.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Held while a child is started.
pub static SPAWNING: Mutex<()> = Mutex::new(());

/// Says that something was not tested. The harness would swallow what a macro prints.
pub fn not_run(what: &str) {
    let message = format!("\n*** NOT RUN: {what}\n\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
}

pub struct Program {
    child: Child,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    /// Dropped with the program, it ends the watch over it.
    _watch: Sender<()>,
}

/// What takes so long will not end.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-client"));
    command
        .args(arguments)
        // Whoever runs the tests may have settings of their own.
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("CHAT_SERVER")
        .env_remove("CHAT_NAME")
        .env_remove("CHAT_ROOM")
        .env_remove("CHAT_PASSWORD")
        .env_remove("CHAT_PASSWORD_FILE")
        .env_remove("CHAT_TLS")
        .env_remove("CHAT_CA")
        .env_remove("CHAT_PIN");
    command
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Self::run(&mut command(arguments))
    }

    pub fn run(command: &mut Command) -> Self {
        Self::run_with_stderr(command, Stdio::piped())
    }

    pub fn run_with_stderr(command: &mut Command, stderr: Stdio) -> Self {
        let _spawning = SPAWNING.lock();
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (watch, ended) = channel::<()>();
        let id = Pid::from_raw(child.id().try_into().unwrap());
        thread::spawn(move || {
            if ended.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(id, Signal::SIGKILL);
            }
        });
        Self { child, stdin, stdout, _watch: watch }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Reads from stdout until `text` has come, and returns all that came.
    pub fn read_to(&mut self, text: &str) -> String {
        let stdout = self.stdout.as_mut().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(text.as_bytes()) {
            let mut byte = [0];
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "ended after {read:?}");
            read.extend(byte);
        }
        String::from_utf8(read).unwrap()
    }

    /// Reads from stderr until `text` has come.
    pub fn read_stderr_to(&mut self, text: &str) {
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(text.as_bytes()) {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).unwrap(), 1, "ended after {read:?}");
            read.extend(byte);
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until the program waits for something, as Linux tells.
    pub fn wait_asleep(&self) {
        let path = format!("/proc/{}/stat", self.child.id());
        while !std::fs::read_to_string(&path).unwrap().contains(") S ") {
            thread::yield_now();
        }
    }

    /// Stops the program as Ctrl-Z does, and waits until it has stopped.
    pub fn suspend(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(status, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    }

    /// Ends stdin and waits for the end of the program.
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the end of the program, and reads nothing of what it printed.
    pub fn wait_unread(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for the end of the program, with stdin as it is.
    pub fn wait(mut self) -> Finished {
        let mut stdout = Vec::new();
        if let Some(mut stream) = self.stdout.take() {
            stream.read_to_end(&mut stdout).unwrap();
        }
        let mut stderr = String::new();
        if let Some(mut stream) = self.child.stderr.take() {
            stream.read_to_string(&mut stderr).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        Finished { code, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr }
    }
}
