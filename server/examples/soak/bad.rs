//! Clients of every bad kind.
//!
//! Each kind has one thread a client. It does one episode after the other, each with a connection
//! of its own, until it is over. What the server answers to them hardly matters; that it goes on
//! to serve the others does.

mod episodes;

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use fastrand::Rng;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::connection::Connection;
use episodes::{Episode, KINDS};

/// Rooms that bad clients make beside the main one.
pub const ROOMS: usize = 16;

/// Longer than any time-out of the server under test.
const PATIENCE: Duration = Duration::from_secs(10);

/// A flood sends this much at most, for all of it is recorded on the disk.
const FLOOD_BYTES: usize = 4 * 1024 * 1024;

/// What a newcomer is told when there is no place.
const REFUSAL: &str = "Server Full\n";

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

/// What those of each kind did.
pub type Tallies = Vec<(&'static str, Tally)>;

impl Tally {
    fn add(&mut self, other: Self) {
        self.episodes += other.episodes;
        self.cut_off += other.cut_off;
        self.sent += other.sent;
        self.got += other.got;
        self.faults.extend(other.faults);
    }
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
    pub fn run(&mut self, is_over: &AtomicBool) -> Tallies {
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
            let mut tallies = Tallies::new();
            for (kind, thread) in threads {
                let tally = thread.join().unwrap_or_else(|_| Tally {
                    faults: vec!["it panicked".to_owned()],
                    ..Tally::default()
                });
                match tallies.last_mut().filter(|(last, _)| *last == kind) {
                    Some((_, sum)) => sum.add(tally),
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
