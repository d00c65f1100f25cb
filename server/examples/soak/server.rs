//! The server under test: its process, what it uses, how it ends.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::clock::Clock;
use crate::honest::{self, Line, Witness};

/// What the server keeps of a room.
const BACKLOG: usize = 1024 * 1024;

/// Everything that it may still be waiting for after the bad clients have gone ends before.
const SETTLED: Duration = Duration::from_secs(15);

/// What the server has to live with, beside bad clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Condition {
    /// Nobody takes its log, of which there is much.
    BlockedLog,
    /// It has few descriptors, so that most of the bad clients are refused.
    FewDescriptors,
    /// No file may become long, as under a quota.
    FullDisk,
    /// As many silent clients as the machine has place for, and everybody else is refused.
    Crowd,
    /// Its wall clock is set all the time, forward and back.
    ClockJump,
}

/// How far the clock is set, in seconds: some years.
const FARTHEST_JUMP: i64 = 1 << 27;

impl Condition {
    /// How to start a program under it.
    fn command(self, program: &Path) -> Command {
        let limit = match self {
            Self::FewDescriptors => "--nofile=128",
            Self::FullDisk => "--fsize=1048576",
            Self::BlockedLog | Self::Crowd | Self::ClockJump => return Command::new(program),
        };
        let mut command = Command::new("prlimit");
        command.arg(limit).arg(program);
        command
    }
}

pub struct UnderTest {
    child: Child,
    /// The end of the log that nobody reads.
    _log: Option<PipeReader>,
    pub address: SocketAddr,
    data: TempDir,
    condition: Option<Condition>,
    /// Its clock, where that is not the machine's.
    clock: Option<Clock>,
}

/// What the server uses.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory.
    pub kibibytes: usize,
    pub threads: usize,
    pub descriptors: usize,
}

/// How the server ended.
pub struct Stop {
    pub took: Duration,
    pub code: Option<i32>,
    pub recorded: Vec<Line>,
    /// Whether lines may be missing there.
    has_gaps: bool,
    pub transcript_bytes: u64,
    not_told: usize,
}

impl UnderTest {
    pub fn start(program: &Path, condition: Option<Condition>) -> Result<Self> {
        let data = TempDir::new()?;
        let mut command =
            condition.map_or_else(|| Command::new(program), |condition| condition.command(program));
        let (mut log, mut clock) = (None, None);
        let mut login_timeout = "3";
        match condition {
            Some(Condition::BlockedLog) => {
                let (reader, writer) = std::io::pipe()?;
                command.arg("--trace").stderr(writer);
                log = Some(reader);
            }
            Some(Condition::Crowd) => {
                // The crowd does not log in, for each would have to be told of all others.
                login_timeout = "86400";
                command.args(["--quiet", "--max-clients", "100000"]);
            }
            Some(Condition::ClockJump) => {
                let given = Clock::new()?;
                given.give_to(command.arg("--quiet"));
                clock = Some(given);
            }
            Some(Condition::FewDescriptors | Condition::FullDisk) | None => {
                command.arg("--quiet");
            }
        }
        let child = command
            .args(["--listen", "127.0.0.1:0", "--rate", "0", "--stall-timeout", "3"])
            .args(["--login-timeout", login_timeout, "--backlog", &BACKLOG.to_string(), "--data"])
            .arg(data.path())
            // As in the unit of `docs`: what was freed shall not look as if it were used.
            .env("MALLOC_ARENA_MAX", "2")
            .stdout(Stdio::piped())
            .spawn();
        // It has the other end of the pipe, too.
        drop(command);
        let mut child = child.with_context(|| format!("{} does not start", program.display()))?;
        let stdout = child.stdout.take().context("the server has a stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on ").context("no announcement")?;
        Ok(Self { address: address.parse()?, child, _log: log, data, condition, clock })
    }

    /// Disturbs the server once, where that is its condition.
    pub fn disturb(&self) -> Result<()> {
        let ahead = fastrand::i64(-FARTHEST_JUMP..=FARTHEST_JUMP);
        self.clock.as_ref().map_or(Ok(()), |clock| clock.set_ahead(ahead))
    }

    pub fn usage(&self) -> Result<Usage> {
        let folder = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{folder}/status")).context("it has died")?;
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse().ok()).with_context(|| format!("no {key}"))
        };
        Ok(Usage {
            kibibytes: number("VmRSS:")?,
            threads: number("Threads:")?,
            descriptors: fs::read_dir(format!("{folder}/fd"))?.count(),
        })
    }

    /// Waits until the server uses no more than before the bad clients came, or should.
    pub fn settle(&self, before: Usage) -> Result<(Usage, Duration)> {
        let begin = Instant::now();
        loop {
            let usage = self.usage()?;
            if usage.is_settled(before) || begin.elapsed() > SETTLED {
                return Ok((usage, begin.elapsed()));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server while honest clients are there, and reads what it recorded.
    pub fn stop(&mut self, witnesses: Vec<Witness>) -> Result<Stop> {
        let begin = Instant::now();
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGTERM)?;
        let goodbyes: Vec<_> = witnesses
            .into_iter()
            .map(|witness| thread::spawn(|| witness.hears_goodbye()))
            .collect();
        let told = goodbyes.into_iter().filter_map(|goodbye| goodbye.join().ok());
        let not_told = told.filter(|was_told| !was_told).count();
        let code = self.child.wait()?.code();
        let took = begin.elapsed();

        let path = self.data.path().join("main.log");
        let transcript_bytes = fs::metadata(&path)?.len();
        let (mut recorded, mut last) = (Vec::new(), String::new());
        for line in BufReader::new(fs::File::open(path)?).lines() {
            let line = line?;
            let (time, line) = line.split_once(' ').context("a recorded line has no time")?;
            ensure!(time.len() == 24, "this is recorded as a time: {time:?}");
            ensure!(*time >= *last, "{time} is recorded after {last}");
            time.clone_into(&mut last);
            recorded.extend(honest::parse(line));
        }
        let has_gaps = self.condition == Some(Condition::FullDisk);
        Ok(Stop { took, code, recorded, has_gaps, transcript_bytes, not_told })
    }
}

impl Drop for UnderTest {
    fn drop(&mut self) {
        // It fails when the server has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Usage {
    pub fn max(self, other: Self) -> Self {
        Self {
            kibibytes: self.kibibytes.max(other.kibibytes),
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }

    /// Memory is another matter: the system's allocator keeps some for the next client.
    fn is_settled(self, before: Self) -> bool {
        self.threads <= before.threads && self.descriptors <= before.descriptors
    }

    pub fn faults(before: Self, peak: Self, settled: Self, bound: usize) -> Vec<String> {
        let mut faults = Vec::new();
        if peak.kibibytes > bound {
            faults.push(format!("{} KiB of memory, over {bound}", peak.kibibytes));
        }
        if !settled.is_settled(before) {
            faults.push("threads or descriptors were not given back".to_owned());
        }
        faults
    }
}

impl Stop {
    pub fn faults(&self, seen: &[Line]) -> Vec<String> {
        let mut faults = Vec::new();
        let is_right = if self.has_gaps {
            let mut seen = seen.iter();
            // In order, with lines left out.
            !self.recorded.is_empty() && self.recorded.iter().all(|line| seen.any(|it| it == line))
        } else {
            self.recorded == seen
        };
        if !is_right {
            let (recorded, seen) = (self.recorded.len(), seen.len());
            faults.push(format!("the transcript has {recorded} lines, {seen} were seen"));
        }
        if self.code != Some(0) {
            faults.push(format!("the server ended with {:?}", self.code));
        }
        if self.took > Duration::from_secs(6) {
            faults.push(format!("the server took {:.1?} to stop", self.took));
        }
        if self.not_told > 0 {
            faults.push(format!("{} honest clients heard no goodbye", self.not_told));
        }
        faults
    }
}

/// The bound of `docs/operating.md`, for this server.
pub struct Limits;

impl Limits {
    /// In KiB, with so many clients and rooms at once.
    pub fn bound(before: Usage, clients: usize, rooms: usize) -> usize {
        before.kibibytes + rooms * 3 * BACKLOG / 1024 + clients * 256
    }
}
