//! The server as its user starts it.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server in a process of its own.
pub struct Program(Child);

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        Self::spawn(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Reads the next line of stdout; it ends in an address, and perhaps a remark.
    pub fn address(&mut self) -> (SocketAddr, String) {
        let mut line = String::new();
        // Byte by byte, so that the next call finds the next line.
        let stdout = self.0.stdout.as_mut().unwrap();
        while !line.ends_with('\n') {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            line.push(byte[0].into());
        }
        let rest = line.trim_end().strip_prefix("listening on ").expect(&line);
        let (address, remark) = rest.split_once(' ').unwrap_or((rest, ""));
        (address.parse().unwrap(), remark.to_owned())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn output(self) -> Output {
        self.0.wait_with_output().unwrap()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}
