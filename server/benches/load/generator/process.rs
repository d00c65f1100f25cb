//! The process under load, and the instruments that are read from outside of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// A server, and where it listens.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    id: Pid,
    /// `None` when somebody else started it, who ends it too.
    child: Option<Child>,
    /// Servers that are one chat with it.
    others: Vec<Process>,
}

/// What a process has used up to some moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads, those that have ended too.
    pub processor: Duration,
    /// How often a thread was put off a processor.
    pub switches: u64,
    /// Resident memory.
    pub resident_bytes: u64,
}

impl Process {
    /// Starts a server that says `listening on ADDRESS` in the first line of its output.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(command: Command) -> Result<Self> {
        Self::start_announced(command, "listening on ", "")
    }

    /// Starts a server that says where its page for browsers is, after its other addresses.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_web(command: Command) -> Result<Self> {
        Self::start_announced(command, "listening on http://", "/")
    }

    /// Starts a server that says where it takes TLS, after its other addresses.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_tls(command: Command) -> Result<Self> {
        Self::start_announced(command, "listening on ", " (tls)")
    }

    fn start_announced(mut command: Command, before: &str, after: &str) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = loop {
            let line = lines.next().with_context(|| format!("{command:?} has ended"))??;
            let address = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            if let Some(address) = address {
                break address.parse()?;
            }
        };
        Ok(Self { address, id: pid(child.id())?, child: Some(child), others: Vec::new() })
    }

    /// A server that runs already.
    ///
    /// # Errors
    ///
    /// When there is no process of this number.
    pub fn running(address: SocketAddr, process: u32) -> Result<Self> {
        Ok(Self { address, id: pid(process)?, child: None, others: Vec::new() })
    }

    /// The same with another server that is one chat with it: what they use is counted together.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.others.push(other);
        self
    }

    /// Where it listens, and where those do that are one chat with it.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let others = self.others.iter().map(|other| other.address);
        [self.address].into_iter().chain(others).collect()
    }

    /// Reads the instruments.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn usage(&self) -> Result<Usage> {
        let clock = clock_getcpuclockid(self.id).context("the server has ended")?;
        let mut usage = Usage {
            processor: clock.now()?.into(),
            switches: self.switches()?,
            resident_bytes: self.field("status", "VmRSS:")? * 1024,
        };
        for other in &self.others {
            let Usage { processor, switches, resident_bytes } = other.usage()?;
            usage.processor += processor;
            usage.switches += switches;
            usage.resident_bytes += resident_bytes;
        }
        Ok(usage)
    }

    fn switches(&self) -> Result<u64> {
        let mut switches = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.id))? {
            let name = task?.file_name();
            let file = format!("task/{}/status", name.to_string_lossy());
            // A thread may end between the two looks.
            switches += self.field(&file, "voluntary_ctxt_switches:").unwrap_or(0);
            switches += self.field(&file, "nonvoluntary_ctxt_switches:").unwrap_or(0);
        }
        Ok(switches)
    }

    fn field(&self, file: &str, name: &str) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.id))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        let value = value.and_then(|value| value.split_whitespace().next());
        Ok(value.with_context(|| format!("/proc has no {name}"))?.parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // They fail only when it has ended, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pid(process: u32) -> Result<Pid> {
    Ok(Pid::from_raw(process.try_into()?))
}

/// Lets this process and those it starts have as many connections as the system allows.
///
/// # Errors
///
/// When that is less than `needed`.
pub fn raise_descriptor_limit(needed: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    anyhow::ensure!(
        hard >= needed,
        "{needed} descriptors are needed, and `ulimit -Hn` is {hard}: raise it, or take fewer clients"
    );
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}
