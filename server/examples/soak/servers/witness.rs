//! What a client sees, and what it has to tell of it in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::order::{Line, Stretch};
use crate::session::Session;

/// Nothing takes so long: the engine is away for 5 seconds at most.
pub const LOST: Duration = Duration::from_secs(45);

/// The prefix of all names.
pub const NAME: &str = "honest";

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
    /// What went wrong.
    pub faults: Vec<String>,
    /// The present name.
    name: String,
    /// Who is in the room, and how many, at the end.
    present: Vec<String>,
    count: Option<usize>,
    /// The last number that it saw of each speaker.
    seen: BTreeMap<u8, u32>,
    session: Option<Session>,
}

impl Witness {
    pub fn new(number: u8) -> Self {
        Self { number, ..Self::default() }
    }

    /// Tries to come in under this name. Whether it is in. An error is that the server is gone.
    pub fn log_in(&mut self, server: SocketAddr, name: String) -> Result<bool> {
        self.name = name;
        let mut session = Session::new(server, LOST)?;
        session.send(&format!("login {}\n", self.name))?;
        self.session = Some(session);
        self.begin();
        loop {
            match self.read_line()?.as_str() {
                "Connect Success" => {}
                "Login Success" => break,
                _ => return Ok(false),
            }
        }
        self.sessions += 1;
        Ok(true)
    }

    /// Closes its connection.
    pub fn hang_up(&mut self) {
        self.session = None;
    }

    fn begin(&mut self) {
        self.stretches.push(Stretch { client: self.number, lines: Vec::new() });
    }

    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().context("it has no connection")
    }

    pub fn send(&mut self, text: &str) -> Result<()> {
        self.session()?.send(text)
    }

    /// Reads on for some time, as a client does that keeps up.
    pub fn read_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if !self.session()?.comes_within(left)? {
                break;
            }
            self.read_line()?;
        }
        Ok(())
    }

    pub fn read_until(&mut self, is_last: impl Fn(&str) -> bool) -> Result<()> {
        while !is_last(&self.read_line()?) {}
        Ok(())
    }

    /// A line, which is noted if it is one that somebody honest said.
    pub fn read_line(&mut self) -> Result<String> {
        let line = self.session()?.line()?;
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

    /// Whether it saw the last number of each speaker.
    pub fn has_seen(&self, last: &BTreeMap<u8, u32>) -> bool {
        last.iter().all(|(speaker, number)| self.seen.get(speaker) >= Some(number))
    }

    /// Asks who is there. Gives how many are in the list.
    pub fn look_around(&mut self) -> Result<usize> {
        self.present = self.look()?;
        self.count = self.count_of_main()?;
        Ok(self.present.len())
    }

    /// Asks who is there while others come and go: no name twice, and its own among them.
    pub fn check_names(&mut self) -> Result<()> {
        let names = self.look()?;
        let different: BTreeSet<_> = names.iter().collect();
        if different.len() != names.len() {
            self.faults.push(format!("a name is there twice: {names:?}"));
        }
        if !different.contains(&self.name) {
            self.faults.push(format!("{} is in, and not in the list: {names:?}", self.name));
        }
        Ok(())
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
pub fn parse(line: &str) -> Option<Line> {
    let (speaker, number) = line.strip_prefix(NAME)?.split_once(": ")?;
    let (client, session) = speaker.split_once('v').unwrap_or((speaker, "0"));
    Some(((client.parse().ok()?, session.parse().ok()?), number.parse().ok()?))
}
