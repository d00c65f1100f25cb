//! A Redis of one test, in a process and a folder of its own, which ends with the test.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordered_log::{Address, Options};
use tempfile::TempDir;

use crate::ports::Port;

/// Says that something was not tested, past the harness, which keeps what a passing test prints to
/// itself.
fn not_run(what: &str) {
    let text = format!("\n*** NOT RUN: {what}\n\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// All that it said is kept in the folder.
pub struct Engine {
    pub port: u16,
    /// Which nobody else takes while it is killed.
    _held: Port,
    folder: TempDir,
    options: Vec<String>,
    /// `None` while it is killed.
    child: Option<Child>,
}

impl Engine {
    /// `None`, and loudly so, where there is no `redis-server`. Without options nothing is kept on disk.
    pub fn start(options: &[&str]) -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if version.is_err() {
            not_run("a log over Redis: there is no redis-server");
            return None;
        }
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let held = Port::new();
        let mut engine =
            Self { port: held.address().port(), _held: held, folder, options, child: None };
        match engine.try_start() {
            Ok(()) => Some(engine),
            Err(said) if said.contains("TLS support") => {
                not_run("a log over TLS: this redis-server was built without");
                None
            }
            Err(said) => panic!("redis-server does not start: {said}"),
        }
    }

    /// If it does not start, the last that it said.
    fn try_start(&mut self) -> Result<(), String> {
        let mut child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--dir", self.folder.path().to_str().unwrap()])
            .args(["--repl-diskless-sync-delay", "0"])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut last = String::new();
        let is_ready = lines.lines().map_while(Result::ok).any(|line| {
            last = line;
            last.contains("Ready to accept connections")
        });
        // It writes its log to nobody from now on, and does not mind.
        self.child = Some(child);
        if is_ready {
            return Ok(());
        }
        self.kill();
        Err(last)
    }

    /// Starts it again, with what its disk has.
    pub fn restart(&mut self) {
        self.try_start().unwrap();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGSTOP, SIGCONT.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
    }

    /// What it replies to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(command).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A text in the folder, which options can name.
    pub fn file(folder: &TempDir, name: &str, text: &str) -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn address(&self) -> Address {
        format!("redis://127.0.0.1:{}", self.port).parse().unwrap()
    }

    pub fn options(&self) -> Options {
        Options::new(self.address())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
