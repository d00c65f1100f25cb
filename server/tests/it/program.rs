//! The server as its user starts it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Says that something was not tested, past the harness, which keeps what a passing test prints to
/// itself.
pub fn not_run(what: &str) {
    let text = format!("\n*** NOT RUN: {what}\n\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// Keeps from a command what cargo tells this test of its crate. The script that builds `ring` looks at
/// it, so that a cargo which the command starts would build that anew, and all that uses it.
pub fn outside_of_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// What takes so long will not end.
const DEADLINE: Duration = Duration::from_secs(180);

/// A server in a process of its own, which ends with the test.
pub struct Program {
    /// `None` once it has ended.
    child: Option<Child>,
    /// Dropped with the program, it ends the watch over it.
    _watch: Sender<()>,
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        Self::spawn(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        let (watch, ended) = channel::<()>();
        let id = pid(&child);
        thread::spawn(move || {
            if ended.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(id, Signal::SIGKILL);
            }
        });
        Self { child: Some(child), _watch: watch }
    }

    fn child(&self) -> &Child {
        self.child.as_ref().expect("it has not ended")
    }

    /// Reads the next line of stdout; it ends in the address of the page for browsers.
    pub fn page(&mut self) -> String {
        let line = self.line();
        line.trim_end().strip_prefix("listening on ").expect(&line).to_owned()
    }

    /// Reads the next line of stdout; it has the pin of the certificate.
    pub fn pin(&mut self) -> String {
        let line = self.line();
        line.trim_end().strip_prefix("pin ").expect(&line).to_owned()
    }

    /// Reads the next line of stdout; it ends in an address, and perhaps a remark.
    pub fn address(&mut self) -> (SocketAddr, String) {
        let line = self.line();
        let rest = line.trim_end().strip_prefix("listening on ").expect(&line);
        let (address, remark) = rest.split_once(' ').unwrap_or((rest, ""));
        (address.parse().unwrap(), remark.to_owned())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        // Byte by byte, so that the next call finds the next line.
        let stdout = self.child.as_mut().and_then(|child| child.stdout.as_mut()).unwrap();
        while !line.ends_with('\n') {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            line.push(byte[0].into());
        }
        line
    }

    /// The log, to be read as it is written.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.as_mut().and_then(|child| child.stderr.take()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(pid(self.child()), signal).unwrap();
    }

    /// Tells it to stop, which must go well, and gives its log.
    #[track_caller]
    pub fn stop(self) -> String {
        self.signal(Signal::SIGTERM);
        let output = self.output();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        log
    }

    /// Waits for its end.
    pub fn output(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child().id()
    }
}

/// What `chat-server` with these arguments makes of `input`: exit code, stdout and stderr.
pub fn filter(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It fails when the program ends without having read, which is judged by its output.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It fails when the program has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}
