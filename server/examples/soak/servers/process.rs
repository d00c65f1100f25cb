//! The processes: servers that are one chat, and their engine.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};
use tempfile::{NamedTempFile, TempDir};

/// A process that is killed with its owner.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.0.id().try_into()?), signal)?)
    }

    fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails when it has ended already.
        let _ = self.kill();
    }
}

/// The engine, which loses nothing when it is killed.
#[derive(Debug)]
pub struct Engine {
    pub port: u16,
    _held: Socket,
    folder: TempDir,
    process: Process,
}

impl Engine {
    pub fn start() -> Result<Self> {
        let ((address, held), folder) = (hold_address()?, TempDir::new()?);
        let port = address.port();
        let process = Self::spawn(port, &folder)?;
        Ok(Self { port, _held: held, folder, process })
    }

    fn spawn(port: u16, folder: &TempDir) -> Result<Process> {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut process = Process(child);
        let stdout = process.0.stdout.take().context("it has a stdout")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.contains("Ready to accept connections"));
        ensure!(is_ready, "redis-server does not start");
        Ok(process)
    }

    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it with what it has on its disk.
    pub fn restart(&mut self) -> Result<()> {
        self.process = Self::spawn(self.port, &self.folder)?;
        Ok(())
    }

    /// It stands still, or goes on.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }
}

/// One of the servers. It has the same address all the time.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    _held: Socket,
    program: PathBuf,
    engine: u16,
    /// What it logs, all its lives long.
    log: NamedTempFile,
    process: Process,
}

impl Server {
    pub fn start(program: &Path, engine: u16) -> Result<Self> {
        let (address, held) = hold_address()?;
        let log = NamedTempFile::new()?;
        let process = Self::spawn(program, address, engine, &log)?;
        let program = program.to_owned();
        Ok(Self { address, _held: held, program, engine, log, process })
    }

    fn spawn(
        program: &Path,
        address: SocketAddr,
        engine: u16,
        log: &NamedTempFile,
    ) -> Result<Process> {
        let child = Command::new(program)
            .args(["--listen", &address.to_string(), "--rate", "0", "--quiet"])
            .args(["--log", &format!("redis://127.0.0.1:{engine}")])
            .stderr(OpenOptions::new().append(true).open(log.path())?)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let mut process = Process(child);
        let stdout = process.0.stdout.take().context("it has a stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let is_up = line.starts_with("listening on ");
        ensure!(is_up, "a server does not start: {}", fs::read_to_string(log.path())?);
        Ok(process)
    }

    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    pub fn restart(&mut self) -> Result<()> {
        self.process = Self::spawn(&self.program, self.address, self.engine, &self.log)?;
        Ok(())
    }

    /// What it logged that no server should: a panic, or that it has lost the log, of which nothing is lost.
    pub fn faults(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.log.path())?;
        let is_fault = |line: &&str| line.contains("panicked") || line.contains(" ERROR ");
        Ok(log.lines().filter(is_fault).map(str::to_owned).collect())
    }

    /// Stops it in order, and gives its exit code.
    pub fn stop(&mut self) -> Result<Option<i32>> {
        self.process.signal(Signal::SIGTERM)?;
        Ok(self.process.0.wait()?.code())
    }
}

/// An address of this machine that nobody else is given while its process is down. Who names it can listen there
/// all the same, as both ask for `SO_REUSEADDR` and this one does not listen (socket(7)).
fn hold_address() -> Result<(SocketAddr, Socket)> {
    let held = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    held.set_reuse_address(true)?;
    held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = held.local_addr()?.as_socket().context("it is of IPv4")?;
    Ok((address, held))
}
