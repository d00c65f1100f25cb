//! Clients that behave, and go to another server when theirs dies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use parking_lot::Mutex;

use super::order::{Line, Stretch};
use crate::connection::Connection;

/// A breath between two lines of one client.
const BREATH: Duration = Duration::from_millis(40);

/// Between two attempts to come in.
const RETRY: Duration = Duration::from_millis(200);

/// Nothing takes so long: the engine is away for 5 seconds at most.
const LOST: Duration = Duration::from_secs(45);

/// The prefix of all names.
const NAME: &str = "honest";

/// One of them. Those with an even number wait for their names, which a dead server has for ten seconds;
/// the others take a new one for each attempt, so that somebody is always there.
pub struct Client<'a> {
    number: u8,
    random: Rng,
    servers: &'a [SocketAddr],
    /// The next number to say.
    next: u32,
    /// How often it tried to come in.
    attempts: u16,
    witness: Witness,
}

/// What all clients have in common.
pub struct Ends {
    /// Whether each of them stops talking, once it is in.
    pub is_over: AtomicBool,
    /// The last line of each, by its speaker.
    last: Mutex<BTreeMap<u8, u32>>,
    /// Reached when all are in, and again when all have said their last line.
    said: Barrier,
}

impl Ends {
    /// For so many clients.
    pub fn new(clients: u8) -> Self {
        let said = Barrier::new(clients.into());
        Self { is_over: AtomicBool::new(false), last: Mutex::default(), said }
    }
}

/// What a client has to tell when all is over. It is still connected.
#[derive(Default)]
pub struct Witness {
    number: u8,
    pub stretches: Vec<Stretch>,
    pub sessions: usize,
    /// How often it was told that lines are missing.
    pub missed: usize,
    /// How long each own line took to come back.
    pub echoes: Vec<Duration>,
    /// The present name.
    name: String,
    /// Who is in the room, and how many, at the end.
    present: Vec<String>,
    count: Option<usize>,
    faults: Vec<String>,
    /// The last number that it saw of each speaker.
    seen: BTreeMap<u8, u32>,
    session: Option<Session>,
}

struct Session {
    connection: Connection,
    reader: BufReader<TcpStream>,
}

/// What has become of a session.
enum End {
    /// It is still there.
    Here,
    /// Its server is gone.
    Cut,
}

impl<'a> Client<'a> {
    pub fn new(number: u8, seed: u64, servers: &'a [SocketAddr]) -> Self {
        let random = Rng::with_seed(seed ^ u64::from(number) << 32);
        let witness = Witness { number, ..Witness::default() };
        Self { number, random, servers, next: 0, attempts: 0, witness }
    }

    /// Talks until it is over, says a last line when all are in, and looks around.
    pub fn run(mut self, ends: &Ends) -> Witness {
        let talked = self.talk(&ends.is_over);
        // Also after a fault, for the others wait here.
        ends.said.wait();
        let talked = talked.and_then(|()| self.say_last(ends));
        ends.said.wait();
        if let Err(error) = talked.and_then(|()| self.look_around(ends)) {
            self.witness.faults.push(format!("{NAME}{}: {error:#}", self.number));
        }
        self.witness
    }

    fn talk(&mut self, is_over: &AtomicBool) -> Result<()> {
        loop {
            self.come_in()?;
            match self.say_numbers(is_over)? {
                End::Here => return Ok(()),
                End::Cut => self.witness.session = None,
            }
        }
    }

    /// Logs in somewhere.
    fn come_in(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < LOST {
            let server = self.servers[self.random.usize(..self.servers.len())];
            self.attempts += 1;
            self.witness.name = match self.number.is_multiple_of(2) {
                true => format!("{NAME}{}", self.number),
                false => format!("{NAME}{}v{}", self.number, self.attempts),
            };
            if self.login(server).is_ok_and(|is_in| is_in) {
                self.witness.sessions += 1;
                return Ok(());
            }
            self.witness.session = None;
            thread::sleep(RETRY);
        }
        bail!("nobody let it in for {LOST:?}")
    }

    /// Whether it is in. An error is that the server is gone.
    fn login(&mut self, server: SocketAddr) -> Result<bool> {
        let mut connection = Connection::new(server, None)?;
        connection.stream.set_read_timeout(Some(LOST))?;
        let reader = BufReader::with_capacity(64 * 1024, connection.stream.try_clone()?);
        connection.send(format!("login {}\n", self.witness.name).as_bytes())?;
        self.witness.session = Some(Session { connection, reader });
        self.witness.begin();
        loop {
            match self.witness.read_line()?.as_str() {
                "Connect Success" => {}
                reply => return Ok(reply == "Login Success"),
            }
        }
    }

    /// Says the last line, which all the others see, for all are in.
    fn say_last(&mut self, ends: &Ends) -> Result<()> {
        match self.say_number()? {
            End::Here => ends.last.lock().insert(self.number, self.next - 1),
            End::Cut => bail!("it was cut off, though nothing happens any more"),
        };
        Ok(())
    }

    fn say_numbers(&mut self, is_over: &AtomicBool) -> Result<End> {
        while !is_over.load(Ordering::Relaxed) {
            if let End::Cut = self.say_number()? {
                return Ok(End::Cut);
            }
            if self.random.u8(..) < 16 {
                match self.witness.look() {
                    Ok(names) => self.witness.check_names(&names),
                    Err(error) if is_timeout(&error) => return Err(error.context("no list came")),
                    Err(_) => return Ok(End::Cut),
                }
            }
            if self.witness.read_for(BREATH).is_err() {
                return Ok(End::Cut);
            }
        }
        Ok(End::Here)
    }

    /// Says the next number, and waits for it to come back.
    fn say_number(&mut self) -> Result<End> {
        let (own, number) = (self.number, self.next);
        self.next += 1;
        let began = Instant::now();
        let echo = self.witness.send(&format!("say {number}\n"));
        let echo = echo.and_then(|()| {
            self.witness.read_until(|line| {
                parse(line).is_some_and(|((client, _), said)| (client, said) == (own, number))
            })
        });
        match echo {
            Ok(()) => self.witness.echoes.push(began.elapsed()),
            Err(error) if is_timeout(&error) => return Err(error.context("its own line is lost")),
            Err(_) => return Ok(End::Cut),
        }
        Ok(End::Here)
    }

    /// Waits for the last line of everybody and for the end of all dead servers, and asks who is there.
    fn look_around(&mut self, ends: &Ends) -> Result<()> {
        let last = ends.last.lock().clone();
        let witness = &mut self.witness;
        let is_missing = |witness: &Witness| {
            last.iter().any(|(speaker, number)| witness.seen.get(speaker) < Some(number))
        };
        while is_missing(witness) {
            witness.read_line().context("somebody's last line did not come")?;
        }
        let began = Instant::now();
        loop {
            witness.present = witness.look()?;
            witness.count = witness.count_of_main()?;
            let is_right = witness.present.len() == last.len();
            if is_right || began.elapsed() > LOST {
                return Ok(());
            }
            witness.read_for(RETRY)?;
        }
    }
}

impl Witness {
    /// What went wrong.
    pub fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }

    fn begin(&mut self) {
        self.stretches.push(Stretch { client: self.number, lines: Vec::new() });
    }

    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().context("it has no connection")
    }

    fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.session()?.connection.send(text.as_bytes())?)
    }

    /// Reads on for some time, as a client does that keeps up.
    fn read_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let Session { connection, reader } = self.session()?;
            connection.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let filled = reader.fill_buf().map(<[u8]>::is_empty);
            connection.stream.set_read_timeout(Some(LOST))?;
            match filled {
                Ok(is_end) => ensure!(!is_end, "the server closed the connection"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
            self.read_line()?;
        }
        Ok(())
    }

    fn read_until(&mut self, is_last: impl Fn(&str) -> bool) -> Result<()> {
        while !is_last(&self.read_line()?) {}
        Ok(())
    }

    /// A line, which is noted if it is one that somebody honest said. What has no newline is no line.
    fn read_line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        self.session()?.reader.read_until(b'\n', &mut line)?;
        ensure!(line.pop() == Some(b'\n'), "the server closed the connection");
        let line = String::from_utf8(line).context("a line is not UTF-8")?;
        if let Some(said) = parse(&line) {
            let stretch = self.stretches.last_mut().context("it has a session")?;
            stretch.lines.push(said);
            let ((client, _), number) = said;
            let last = self.seen.entry(client).or_default();
            *last = number.max(*last);
        } else if line.starts_with("Missed ") {
            self.missed += 1;
            self.begin();
        }
        Ok(line)
    }

    /// Who is in the room.
    fn look(&mut self) -> Result<Vec<String>> {
        let names = self.ask("look", "Online Users:")?;
        Ok(names.into_iter().filter(|line| line.starts_with(NAME) && !line.contains(' ')).collect())
    }

    /// How many are in the room.
    fn count_of_main(&mut self) -> Result<Option<usize>> {
        let rooms = self.ask("rooms", "Rooms:")?;
        Ok(rooms.iter().find_map(|line| line.strip_prefix("main ")?.parse().ok()))
    }

    /// What comes between the head of a list and a fence, what others say included.
    fn ask(&mut self, request: &str, head: &str) -> Result<Vec<String>> {
        self.send(&format!("{request}\nping {request}\n"))?;
        self.read_until(|line| line == head)?;
        let fence = format!("pong {request}");
        let mut lines = Vec::new();
        loop {
            match self.read_line()? {
                line if line == fence => return Ok(lines),
                line => lines.push(line),
            }
        }
    }

    fn check_names(&mut self, names: &[String]) {
        let different: BTreeSet<_> = names.iter().collect();
        if different.len() != names.len() {
            self.faults.push(format!("a name is there twice: {names:?}"));
        }
        if !different.contains(&self.name) {
            self.faults.push(format!("{} is in, and not in the list: {names:?}", self.name));
        }
    }
}

/// What the lists and counts have in the end, against who is there.
pub fn in_the_end(witnesses: &[Witness]) -> Vec<String> {
    let mut faults = Vec::new();
    let here: BTreeSet<_> = witnesses.iter().map(|witness| &witness.name).collect();
    for witness in witnesses {
        let Witness { name, present, count, .. } = witness;
        let listed: BTreeSet<_> = present.iter().collect();
        if listed != here || present.len() != here.len() {
            faults.push(format!("{name} sees {present:?} in the end, and there are {here:?}"));
        }
        if *count != Some(here.len()) {
            faults.push(format!("{name} is told that {count:?} are in the room"));
        }
    }
    faults
}

/// What an honest client said.
fn parse(line: &str) -> Option<Line> {
    let (speaker, number) = line.strip_prefix(NAME)?.split_once(": ")?;
    let (client, session) = speaker.split_once('v').unwrap_or((speaker, "0"));
    Some(((client.parse().ok()?, session.parse().ok()?), number.parse().ok()?))
}

fn is_timeout(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind.is_some_and(|kind| matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
