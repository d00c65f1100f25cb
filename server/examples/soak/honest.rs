//! Clients that behave, and notice everything that is not as it should be.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::session::Session;

/// A breath between two lines of one client.
const BREATH: Duration = Duration::from_millis(40);

/// Nothing takes so long unless the server has lost it.
const LOST: Duration = Duration::from_secs(30);

/// The line with this number of this honest client.
pub type Line = (u8, u32);

/// The prefix of honest names. No bad client uses it.
const NAME: &str = "honest";

/// An honest line of the room, or of a transcript.
pub fn parse(line: &str) -> Option<Line> {
    let (speaker, number) = line.strip_prefix(NAME)?.split_once(": ")?;
    Some((speaker.parse().ok()?, number.parse().ok()?))
}

/// All honest clients.
pub struct Group(Vec<Honest>);

struct Honest {
    number: u8,
    session: Session,
    /// What was seen, in order.
    seen: Vec<Line>,
    /// How long each own line took to come back.
    echoes: Vec<Duration>,
    missed: Vec<String>,
}

/// What a client has to tell when all is over. It is still connected.
pub struct Witness {
    session: Session,
    seen: Vec<Line>,
    echoes: Vec<Duration>,
    missed: Vec<String>,
}

impl Group {
    pub fn login(address: SocketAddr, count: u8) -> Result<Self> {
        (0..count).map(|number| Honest::login(address, number)).collect::<Result<_>>().map(Self)
    }

    /// Talks until it is over.
    pub fn talk(self, is_over: &AtomicBool) -> Result<Vec<Witness>> {
        let barrier = Barrier::new(self.0.len());
        thread::scope(|scope| {
            let clients: Vec<_> = self
                .0
                .into_iter()
                .map(|client| scope.spawn(|| client.talk(is_over, &barrier)))
                .collect();
            let joined = clients.into_iter().map(|client| client.join());
            joined.map(|client| client.unwrap_or_else(|_| bail!("it panicked"))).collect()
        })
    }
}

impl Honest {
    fn login(address: SocketAddr, number: u8) -> Result<Self> {
        let session = Session::new(address, LOST)?;
        let (seen, echoes, missed) = (Vec::new(), Vec::new(), Vec::new());
        let mut client = Self { number, session, seen, echoes, missed };
        client.session.send(&format!("login {NAME}{number}\n"))?;
        client.read_until(|line| line == "Login Success")?;
        Ok(client)
    }

    fn talk(mut self, is_over: &AtomicBool, barrier: &Barrier) -> Result<Witness> {
        let talked = self.say_numbers(is_over);
        // Also after a fault, for the others wait here.
        barrier.wait();
        talked.with_context(|| format!("{NAME}{}", self.number))?;
        // Everybody has seen its own last line, so all of them are before this fence.
        self.session.send("ping the end\n")?;
        self.read_until(|line| line == "pong the end")?;
        let Self { session, seen, echoes, missed, .. } = self;
        Ok(Witness { session, seen, echoes, missed })
    }

    fn say_numbers(&mut self, is_over: &AtomicBool) -> Result<()> {
        for number in 0.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let begin = Instant::now();
            self.session.send(&format!("say {number}\n"))?;
            let own = format!("{NAME}{}: {number}", self.number);
            self.read_until(|line| line == own)?;
            self.echoes.push(begin.elapsed());
            self.read_for(BREATH)?;
        }
        Ok(())
    }

    /// Reads on for some time, as a client does that keeps up.
    fn read_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if !self.session.comes_within(left)? {
                break;
            }
            self.read_line()?;
        }
        Ok(())
    }

    fn read_until(&mut self, is_last: impl Fn(&str) -> bool) -> Result<()> {
        while !is_last(&self.read_line()?) {}
        Ok(())
    }

    fn read_line(&mut self) -> Result<String> {
        let line = self.session.line()?;
        if let Some(said) = parse(&line) {
            self.seen.push(said);
        } else if line.starts_with("Missed ") {
            self.missed.push(line.clone());
        }
        Ok(line)
    }
}

impl Witness {
    /// Whether the server says goodbye and nothing else honest.
    pub fn hears_goodbye(mut self) -> bool {
        loop {
            match self.session.line().as_deref() {
                Err(_) => return false,
                Ok("Server Shutdown") => return self.session.is_at_end(),
                Ok(_) => {}
            }
        }
    }
}

/// What came of the honest clients.
pub struct Verdict {
    pub faults: Vec<String>,
    /// The order of lines that all of them saw.
    pub order: Vec<Line>,
    clients: usize,
    echoes: Vec<Duration>,
}

impl Verdict {
    pub fn of(witnesses: &[Witness], patience: Duration) -> Self {
        let mut faults = Vec::new();
        let order = witnesses.first().map_or(Vec::new(), |witness| witness.seen.clone());
        for (number, witness) in witnesses.iter().enumerate() {
            faults.extend(witness.missed.iter().map(|line| format!("{NAME}{number}: {line}")));
            if witness.seen != order {
                let (saw, first) = (witness.seen.len(), order.len());
                faults.push(format!(
                    "{NAME}{number} saw {saw} lines, not the same {first} lines as {NAME}0"
                ));
            }
            let own: Vec<_> =
                order.iter().filter(|line| usize::from(line.0) == number).map(|l| l.1).collect();
            if !own.iter().copied().eq(0..witness.echoes.len() as u32) {
                faults.push(format!("{NAME}{number}: lines are lost, repeated or out of order"));
            }
        }
        let mut echoes: Vec<_> =
            witnesses.iter().flat_map(|witness| witness.echoes.iter().copied()).collect();
        echoes.sort_unstable();
        if let Some(longest) = echoes.last().filter(|longest| **longest > patience) {
            let over = echoes.iter().filter(|echo| **echo > patience).count();
            faults.push(format!("{over} lines took over {patience:?}, one of them {longest:.1?}"));
        }
        if echoes.is_empty() {
            faults.push("nobody honest said anything, so nothing was shown".to_owned());
        }
        Self { faults, order, clients: witnesses.len(), echoes }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantile = |part: f64| {
            let last = self.echoes.len().saturating_sub(1);
            let echo = self.echoes.get((last as f64 * part) as usize);
            echo.map_or(0.0, |echo| echo.as_secs_f64() * 1000.0)
        };
        let (clients, lines) = (self.clients, self.order.len());
        writeln!(formatter, "honest       {clients} clients said {lines} lines, seen by each")?;
        write!(formatter, "echo ms      half {:.1}", quantile(0.5))?;
        write!(formatter, "; 99 of 100 {:.1}; all {:.1}", quantile(0.99), quantile(1.0))
    }
}
