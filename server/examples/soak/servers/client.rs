//! Clients that behave, and go to another server when theirs dies.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use parking_lot::Mutex;

use super::witness::{LOST, NAME, Witness, parse};

/// A breath between two lines of one client.
const BREATH: Duration = Duration::from_millis(40);

/// Between two attempts to come in.
const RETRY: Duration = Duration::from_millis(200);

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
        let witness = Witness::new(number);
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
                End::Cut => self.witness.hang_up(),
            }
        }
    }

    /// Logs in somewhere.
    fn come_in(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < LOST {
            let server = self.servers[self.random.usize(..self.servers.len())];
            self.attempts += 1;
            let name = match self.number.is_multiple_of(2) {
                true => format!("{NAME}{}", self.number),
                false => format!("{NAME}{}v{}", self.number, self.attempts),
            };
            if self.witness.log_in(server, name).is_ok_and(|is_in| is_in) {
                return Ok(());
            }
            self.witness.hang_up();
            thread::sleep(RETRY);
        }
        bail!("nobody let it in for {LOST:?}")
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
                match self.witness.check_names() {
                    Ok(()) => {}
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
        while !witness.has_seen(&last) {
            witness.read_line().context("somebody's last line did not come")?;
        }
        let began = Instant::now();
        while witness.look_around()? != last.len() && began.elapsed() <= LOST {
            witness.read_for(RETRY)?;
        }
        Ok(())
    }
}

fn is_timeout(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind.is_some_and(|kind| matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
