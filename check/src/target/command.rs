//! A server that this program starts, and ends with all that it started.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::Framing;
use socket2::{Domain, Socket, Type};

use super::group::{self, Group};
use super::{Target, Unreachable, addresses, framing_of, wait_until_empty};
use crate::patience::Deadline;
use crate::shown::{OUTPUT, shown_up_to};
use crate::stage::Addresses;
use crate::variant::Variant;

/// How long a server may take to listen.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Ports for servers: above those of well-known services, and below those that systems give to programs that
/// ask for any (on Linux from 32768 on, elsewhere from 49152 on).
const PORTS: Range<u16> = 10_000..32_768;

/// How many of them are tried before the system is asked for any.
const PORT_TRIES: u32 = 20;

/// How long a server that just failed may take to end, if it does.
const ENDING_PATIENCE: Duration = Duration::from_millis(200);

/// What is kept of the output of a server, in bytes.
const KEPT_OUTPUT: usize = 2048;

/// Stands for the port in the command.
pub(crate) const PORT: &str = "{port}";

/// A server as a command in which `{port}` stands for its port.
#[derive(Debug)]
pub struct CommandTarget {
    command: Vec<String>,
    framing: Option<Framing>,
    variant: Option<Variant>,
    running: Option<Process>,
    groups: Groups,
}

/// The process groups that run now, for whoever must end them all at once.
#[derive(Debug, Clone, Default)]
pub struct Groups(Arc<Mutex<Vec<Group>>>);

impl Groups {
    /// One more runs.
    pub(crate) fn add(&self, group: Group) {
        self.0.lock().push(group);
    }

    /// Ends one, with all that it started.
    pub(crate) fn end(&self, group: Group) {
        group.end();
        self.0.lock().retain(|other| *other != group);
    }

    /// Ends them all, with all that they started.
    pub fn end_all(&self) {
        for group in self.0.lock().drain(..) {
            group.end();
        }
    }
}

#[derive(Debug)]
struct Process {
    child: Child,
    group: Group,
    addresses: Addresses,
    output: Output,
    readers: Vec<JoinHandle<()>>,
    is_used: bool,
}

type Output = Arc<Mutex<Vec<u8>>>;

impl CommandTarget {
    /// The server that `command` starts. Its framing is taken from its greeting unless given. It
    /// speaks the protocol, or this variant of it.
    #[must_use]
    pub fn new(
        command: Vec<String>,
        framing: Option<Framing>,
        variant: Option<Variant>,
        groups: Groups,
    ) -> Self {
        Self { command, framing, variant, running: None, groups }
    }

    fn start(&self) -> Result<Process, Unreachable> {
        let cannot = |error| Unreachable::CannotRun(self.command.join(" "), error);
        let address = free_address().map_err(cannot)?;
        let port = address.port();
        let words: Vec<String> =
            self.command.iter().map(|word| word.replace(PORT, &port.to_string())).collect();
        let (program, arguments) =
            words.split_first().ok_or_else(|| cannot(io::ErrorKind::InvalidInput.into()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What it prints is shown when it fails, and then it should be there.
        command.env("PYTHONUNBUFFERED", "1");
        group::own(&mut command);
        let mut child = command.spawn().map_err(cannot)?;
        let group = Group::of(&child);
        self.groups.add(group);
        let output = Output::default();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        let readers = streams
            .into_iter()
            .flatten()
            .filter_map(|stream| {
                let output = Arc::clone(&output);
                let named = thread::Builder::new().name("server output".to_owned());
                named.spawn(move || keep_the_end(stream, &output)).ok()
            })
            .collect();
        let addresses = addresses(address, Framing::Line);
        let mut process = Process { child, group, addresses, output, readers, is_used: false };
        if let Err(error) = wait_until_it_listens(&mut process, address) {
            self.end(process);
            return Err(error);
        }
        let id = Some(process.child.id());
        let framing = self.framing.unwrap_or_else(|| framing_of(address, id));
        process.addresses = super::addresses(address, framing);
        Ok(process)
    }

    fn end(&self, mut process: Process) {
        self.groups.end(process.group);
        // Neither can fail in a way that matters: the process is gone, or never was.
        let _ = process.child.kill();
        let _ = process.child.wait();
        join_soon(process.readers);
    }
}

impl Target for CommandTarget {
    fn ready(&mut self, _operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        if let Some(mut process) = self.running.take() {
            let has_ended = !matches!(process.child.try_wait(), Ok(None));
            let id = Some(process.child.id());
            let is_empty = || wait_until_empty(process.addresses, self.variant, id);
            if !has_ended && (!process.is_used || is_empty()) {
                process.is_used = true;
                // What it says of one check would lead astray in the report of another.
                process.output.lock().clear();
                return Ok(self.running.insert(process).addresses);
            }
            self.end(process);
        }
        let mut process = self.start()?;
        process.is_used = true;
        Ok(self.running.insert(process).addresses)
    }

    fn failed(&mut self) {
        if let Some(process) = self.running.take() {
            self.end(process);
        }
    }

    fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|process| process.child.id())
    }

    fn last_words(&mut self) -> Option<String> {
        let process = self.running.as_mut()?;
        // A client sees that a server is gone a moment before its parent does.
        let end = Instant::now() + ENDING_PATIENCE;
        let mut status = process.child.try_wait();
        while matches!(status, Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
            status = process.child.try_wait();
        }
        let ended = match status {
            Ok(Some(status)) => Some(format!("the server ended by itself: {status}")),
            _ => None,
        };
        let said = said(&process.output.lock());
        match (ended, said.is_empty()) {
            (None, true) => None,
            (None, false) => Some(format!("the server's output:{said}")),
            (Some(ended), _) => Some(format!("{ended}{said}")),
        }
    }
}

impl Drop for CommandTarget {
    fn drop(&mut self) {
        self.failed();
    }
}

/// The last lines of its output, each on a line of its own.
fn said(output: &[u8]) -> String {
    let lines: Vec<_> =
        output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let last = lines.len().saturating_sub(6);
    lines[last..].iter().map(|line| format!("\n    {}", shown_up_to(OUTPUT, line))).collect()
}

/// A free port of this machine. Another program can take it before the server does, and then the server says so
/// and ends. Of these ports none is given to a program that asks for any, so that hardly ever happens.
fn free_address() -> io::Result<SocketAddr> {
    for _ in 0..PORT_TRIES {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        // As a server binds that knows nothing of `SO_REUSEADDR`.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if socket.bind(&address.into()).is_ok() {
            return Ok(address);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn wait_until_it_listens(process: &mut Process, address: SocketAddr) -> Result<(), Unreachable> {
    let end = Deadline::after(START_PATIENCE, Some(process.child.id()));
    loop {
        // No system tells one process when another begins to listen, so this one asks.
        if TcpStream::connect_timeout(&address, START_PATIENCE).is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = process.child.try_wait() {
            // What it started and left behind holds its output open.
            process.group.end();
            join_soon(std::mem::take(&mut process.readers));
            return Err(Unreachable::Ended(status.to_string(), said(&process.output.lock())));
        }
        if end.is_over() {
            let said = said(&process.output.lock());
            let seconds = START_PATIENCE.as_secs();
            return Err(Unreachable::TakesNoConnection(address.port(), seconds, said));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until all of the output is read, but no longer than a moment: a process that has left the
/// group can hold the output open for ever. Its reader ends with this program.
fn join_soon(readers: Vec<JoinHandle<()>>) {
    let end = Instant::now() + ENDING_PATIENCE;
    for reader in readers {
        while !reader.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
        if reader.is_finished() {
            // It cannot panic, and would have nothing to tell.
            let _ = reader.join();
        }
    }
}

fn keep_the_end(mut stream: Box<dyn Read + Send>, output: &Output) {
    let mut buffer = [0; 4096];
    while let Ok(length) = stream.read(&mut buffer) {
        if length == 0 {
            break;
        }
        let mut kept = output.lock();
        kept.extend_from_slice(&buffer[..length]);
        let surplus = kept.len().saturating_sub(KEPT_OUTPUT);
        kept.drain(..surplus);
    }
}
