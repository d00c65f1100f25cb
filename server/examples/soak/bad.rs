//! Clients of every bad kind.
//!
//! Each kind has one thread a client. It does one episode after the other, each with a connection
//! of its own, until it is over. What the server answers to them hardly matters; that it goes on
//! to serve the others does.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fastrand::Rng;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::connection::Connection;

/// Rooms that bad clients make beside the main one.
pub const ROOMS: usize = 16;

/// Longer than any time-out of the server under test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A flood sends this much at most, for all of it is recorded on the disk.
const FLOOD_BYTES: usize = 4 * 1024 * 1024;

/// What a newcomer is told when there is no place.
const REFUSAL: &str = "Server Full\n";

type Episode = fn(&mut Client<'_>) -> io::Result<()>;

/// What bad clients do, under the name of the kind.
const KINDS: &[(&str, Episode)] = &[
    ("flood", flood),
    ("deaf flood", flood_without_reading),
    ("wide flood", flood_with_a_long_name),
    ("stall", stall),
    ("sip", sip),
    ("half-close", half_close),
    ("reset", reset),
    ("garbage", garbage),
    ("slow loris", slow_loris),
    ("squat", squat),
    ("long line", long_line),
    ("vanish", vanish),
    ("storm", connect_storm),
    ("hop", hop),
    ("ask", ask_for_much),
    ("rename", rename),
    ("whisper", whisper),
];

/// What all bad clients of a kind did.
#[derive(Debug, Default)]
pub struct Tally {
    pub episodes: u64,
    /// Episodes that the server ended.
    pub cut_off: u64,
    pub sent: u64,
    pub got: u64,
    /// What the server did to them that it does not do even to bad clients.
    pub faults: Vec<String>,
}

/// All bad clients.
pub struct Crowd {
    address: SocketAddr,
    seed: u64,
    kinds: Vec<(&'static str, Episode)>,
    of_each: usize,
}

impl Crowd {
    pub fn new(address: SocketAddr, seed: u64, of_each: usize, only: &[String]) -> Result<Self> {
        let is_wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
        let kinds: Vec<_> = KINDS.iter().copied().filter(|(name, _)| is_wanted(name)).collect();
        if kinds.is_empty() {
            let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            bail!("no kind has such a name; they are: {}", names.join(", "));
        }
        Ok(Self { address, seed, kinds, of_each })
    }

    /// Is bad until it is over.
    pub fn run(&mut self, is_over: &AtomicBool) -> Vec<(&'static str, Tally)> {
        let mut rng = Rng::with_seed(self.seed);
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for (kind, episode) in &self.kinds {
                for number in 0..self.of_each {
                    let name = format!("{}-{number}", kind.replace(' ', "-"));
                    let mut client = Client {
                        address: self.address,
                        name,
                        rng: rng.fork(),
                        is_over,
                        tally: Tally::default(),
                    };
                    let run = move || {
                        client.run(*episode);
                        client.tally
                    };
                    threads.push((*kind, scope.spawn(run)));
                }
            }
            let mut tallies: Vec<(&'static str, Tally)> = Vec::new();
            for (kind, thread) in threads {
                let mut tally = thread.join().unwrap_or_else(|_| Tally {
                    faults: vec!["it panicked".to_owned()],
                    ..Tally::default()
                });
                match tallies.last_mut().filter(|(last, _)| *last == kind) {
                    Some((_, sum)) => {
                        sum.episodes += tally.episodes;
                        sum.cut_off += tally.cut_off;
                        sum.sent += tally.sent;
                        sum.got += tally.got;
                        sum.faults.append(&mut tally.faults);
                    }
                    None => tallies.push((kind, tally)),
                }
            }
            tallies
        })
    }
}

/// Takes every place that there is, without a word.
pub fn fill(address: SocketAddr) -> Result<Vec<TcpStream>> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let mut silent = Vec::new();
    loop {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut greeting = String::new();
        let mut byte = [0];
        while !greeting.ends_with('\n') {
            stream.read_exact(&mut byte)?;
            greeting.push(byte[0].into());
        }
        match greeting.as_str() {
            "Connect Success\n" => silent.push(stream),
            REFUSAL => return Ok(silent),
            other => bail!("a newcomer was told {other:?}"),
        }
    }
}

/// One bad client, in one episode after the other.
struct Client<'a> {
    address: SocketAddr,
    name: String,
    rng: Rng,
    is_over: &'a AtomicBool,
    tally: Tally,
}

impl Client<'_> {
    fn run(&mut self, episode: Episode) {
        while !self.is_over() {
            self.tally.episodes += 1;
            // The server ends what is bad enough: that is no fault of it.
            if episode(self).is_err() {
                self.tally.cut_off += 1;
            }
            self.rest(100);
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Does nothing for a random time.
    fn rest(&mut self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(self.rng.u64(..=milliseconds)));
    }

    fn connect(&mut self, receive_buffer: Option<usize>) -> io::Result<Connection> {
        let connection = Connection::new(self.address, receive_buffer)?;
        // Who writes to a server that does not read on is stuck no longer than this.
        connection.stream.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    fn login(&mut self, receive_buffer: Option<usize>) -> io::Result<Connection> {
        let mut connection = self.connect(receive_buffer)?;
        // A new name each time: the old one may still be in use.
        let name = format!("login {}.{}\n", self.name, self.tally.episodes);
        connection.send(name.as_bytes())?;
        Ok(connection)
    }

    fn count(&mut self, connection: &Connection) {
        self.tally.sent += connection.sent;
        self.tally.got += connection.got;
    }

    /// Sends a request again and again, while a second thread takes what comes back if it shall.
    fn spam(&mut self, mut connection: Connection, request: &str, reads: bool) -> io::Result<()> {
        let chunk = request.repeat(self.rng.usize(1..=16_384 / request.len()).max(1));
        let total = self.rng.usize(..FLOOD_BYTES);
        let mut reader = connection.stream.try_clone()?;
        let is_over = self.is_over;
        thread::scope(|scope| {
            let reading = reads.then(|| scope.spawn(move || read_to_end(&mut reader, is_over)));
            let mut written = Ok(());
            while written.is_ok() && connection.sent < total as u64 && !self.is_over() {
                written = connection.send(chunk.as_bytes());
            }
            if written.is_ok() && reads {
                written = connection.end_input();
            }
            if let Some(Ok(Ok(got))) = reading.map(thread::ScopedJoinHandle::join) {
                connection.got += got;
            }
            self.count(&connection);
            written
        })
    }
}

/// Takes everything, but no longer than until it is over.
fn read_to_end(stream: &mut TcpStream, is_over: &AtomicBool) -> io::Result<u64> {
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut got = 0;
    while !is_over.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => got += count as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn flood(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    let text = "x".repeat(client.rng.usize(..200));
    client.spam(connection, &format!("say {text}\n"), true)
}

fn flood_without_reading(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "say can you hear me\nme shouts\n", false)
}

/// The room sees far more bytes than the client sends.
fn flood_with_a_long_name(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    let name = "\u{4e2d}".repeat(32);
    connection.send(format!("login {name}\n").as_bytes())?;
    let total = client.rng.usize(..256 * 1024);
    while connection.sent < total as u64 && !client.is_over() {
        connection.send("me\n".repeat(5000).as_bytes())?;
        connection.drain(Duration::from_millis(20))?;
    }
    client.count(&connection);
    Ok(())
}

/// Takes nothing, and says now and then that it is there.
fn stall(client: &mut Client<'_>) -> io::Result<()> {
    let buffer = client.rng.bool().then_some(1);
    let mut connection = client.login(buffer)?;
    let end = Instant::now() + PATIENCE;
    while !client.is_over() && Instant::now() < end {
        connection.send(b"say I am here\nlook\n")?;
        client.rest(200);
    }
    client.count(&connection);
    Ok(())
}

/// Takes a byte at a time, through the smallest window that there is.
fn sip(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(Some(1))?;
    connection.stream.set_read_timeout(Some(PATIENCE))?;
    for _ in 0..client.rng.usize(..2000) {
        if client.is_over() || connection.take(&mut [0])? == 0 {
            break;
        }
        client.rest(2);
    }
    client.count(&connection);
    Ok(())
}

/// Ends its input and waits for the answers, as pipes do. All of them have to come.
fn half_close(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    let requests = client.rng.usize(1..200);
    connection.send("look\nping again\n".repeat(requests).as_bytes())?;
    connection.send(b"ping the end")?;
    connection.end_input()?;
    let mut answers = Vec::new();
    let mut buffer = vec![0; 65_536];
    connection.stream.set_read_timeout(Some(PATIENCE))?;
    loop {
        match connection.take(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answers.extend_from_slice(&buffer[..count]),
            Err(error) => {
                client.tally.faults.push(format!("no end after the end of input: {error}"));
                return Err(error);
            }
        }
    }
    let answers = String::from_utf8_lossy(&answers);
    if answers == REFUSAL {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let pongs = answers.lines().filter(|line| *line == "pong again").count();
    if pongs != requests || !answers.lines().any(|line| line == "pong the end") {
        client.tally.faults.push(format!("{pongs} answers to {requests} requests"));
    }
    client.count(&connection);
    Ok(())
}

fn reset(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    connection.reset_on_close()?;
    connection.send("say one\n".repeat(client.rng.usize(..2000)).as_bytes())?;
    connection.send(b"say torn")?;
    client.rest(20);
    client.count(&connection);
    Ok(())
}

fn garbage(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection =
        if client.rng.bool() { client.login(None)? } else { client.connect(None)? };
    for _ in 0..client.rng.usize(..50) {
        let bytes: Vec<u8> = (0..client.rng.usize(..5000)).map(|_| client.rng.u8(..)).collect();
        connection.send(&bytes)?;
        connection.drain(Duration::from_millis(1))?;
    }
    client.count(&connection);
    Ok(())
}

/// A byte at a time, and never a login.
fn slow_loris(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    for byte in b"login slowly".iter().cycle() {
        if client.is_over() {
            break;
        }
        connection.send(&[*byte])?;
        client.rest(100);
    }
    client.count(&connection);
    Ok(())
}

/// Stays in the login room as long as it is let: with lines, and with replies that it does not take.
fn squat(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    let lines = if client.rng.bool() { "\n".repeat(60_000) } else { "help\n".repeat(3000) };
    connection.send(lines.as_bytes())?;
    while !client.is_over() {
        connection.send(b"ping\n")?;
        client.rest(100);
    }
    client.count(&connection);
    Ok(())
}

fn long_line(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    let lengths = [4095, 4096, 4097, 10_000, 65_535, 65_536, 1_000_000];
    let length = lengths[client.rng.usize(..lengths.len())];
    connection.send("x".repeat(length).as_bytes())?;
    connection.send(b"\nping 1\n")?;
    connection.drain(Duration::from_millis(10))?;
    client.count(&connection);
    Ok(())
}

fn vanish(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    connection.send(b"say I was about to")?;
    client.count(&connection);
    Ok(())
}

fn connect_storm(client: &mut Client<'_>) -> io::Result<()> {
    let count = client.rng.usize(1..200);
    let connections: io::Result<Vec<_>> = (0..count).map(|_| client.connect(None)).collect();
    drop(connections?);
    client.rest(500);
    Ok(())
}

/// In and out of rooms, without a pause.
fn hop(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    let rooms: String = (0..100)
        .map(|_| format!("join room{}\nsay hello\ntopic tea\n", client.rng.usize(..ROOMS)))
        .collect();
    client.spam(connection, &rooms, true)
}

/// Small requests with large answers.
fn ask_for_much(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    for _ in 0..client.rng.usize(..10) {
        connection.send("history 1000000\nlook\nrooms\nhelp\n".repeat(3).as_bytes())?;
        connection.drain(Duration::from_millis(20))?;
    }
    client.count(&connection);
    Ok(())
}

fn rename(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "rename renamed-1\nrename renamed-2\ntopic tea\n", true)
}

/// Private messages without end, to somebody who does not want them.
fn whisper(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "msg honest0 psst, psst, psst, psst, psst\n", true)
}
