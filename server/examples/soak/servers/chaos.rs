//! What happens to the servers and their engine, one thing after the other. One server is down at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use nix::sys::signal::Signal;

use super::process::{Engine, Server};
use crate::machine::Machine;

/// What can happen.
const EVENTS: [(&str, Event); 5] = [
    ("server killed", server_is_killed),
    ("server stopped", server_is_stopped),
    ("engine killed", engine_is_killed),
    ("engine stands still", engine_stands_still),
    ("server killed while the engine stands still", both),
];

type Event = fn(&mut Chaos, &mut Machine) -> Result<()>;

/// All that can be killed.
pub struct Chaos {
    random: Rng,
    engine: Engine,
    servers: Vec<Server>,
    happened: BTreeMap<&'static str, u32>,
    faults: Vec<String>,
}

impl Chaos {
    pub fn new(seed: u64, engine: Engine, servers: Vec<Server>) -> Self {
        let random = Rng::with_seed(seed);
        Self { random, engine, servers, happened: BTreeMap::new(), faults: Vec::new() }
    }

    /// Lets things happen until the end. All is up then.
    ///
    /// # Errors
    ///
    /// When something does not start again.
    pub fn run(&mut self, end: Instant, machine: &mut Machine) -> Result<()> {
        while Instant::now() < end {
            self.wait(200..2000, machine);
            let (name, event) = EVENTS[self.random.usize(..EVENTS.len())];
            event(self, machine)?;
            *self.happened.entry(name).or_default() += 1;
        }
        Ok(())
    }

    fn wait(&mut self, milliseconds: std::ops::Range<u64>, machine: &mut Machine) {
        machine.sleep(Duration::from_millis(self.random.u64(milliseconds)));
    }

    fn any_server(&mut self) -> usize {
        self.random.usize(..self.servers.len())
    }

    /// Stops all in order, and gives back what was wrong with that.
    ///
    /// # Errors
    ///
    /// When one of them has ended before.
    pub fn stop(mut self) -> Result<Vec<String>> {
        for server in 0..self.servers.len() {
            self.stop_server(server)?;
            self.faults.extend(self.servers[server].faults()?);
        }
        Ok(self.faults)
    }

    fn stop_server(&mut self, server: usize) -> Result<()> {
        let began = Instant::now();
        let code = self.servers[server].stop()?;
        let took = began.elapsed();
        if code != Some(0) || took > Duration::from_secs(6) {
            self.faults.push(format!("a server took {took:.1?} to stop, and ended with {code:?}"));
        }
        Ok(())
    }
}

fn server_is_killed(chaos: &mut Chaos, machine: &mut Machine) -> Result<()> {
    let server = chaos.any_server();
    chaos.servers[server].kill()?;
    chaos.wait(200..2000, machine);
    chaos.servers[server].restart()
}

fn server_is_stopped(chaos: &mut Chaos, machine: &mut Machine) -> Result<()> {
    let server = chaos.any_server();
    chaos.stop_server(server)?;
    chaos.wait(200..2000, machine);
    chaos.servers[server].restart()
}

fn engine_is_killed(chaos: &mut Chaos, machine: &mut Machine) -> Result<()> {
    chaos.engine.kill()?;
    chaos.wait(100..3000, machine);
    chaos.engine.restart()
}

fn engine_stands_still(chaos: &mut Chaos, machine: &mut Machine) -> Result<()> {
    chaos.engine.signal(Signal::SIGSTOP)?;
    chaos.wait(100..5000, machine);
    chaos.engine.signal(Signal::SIGCONT)
}

fn both(chaos: &mut Chaos, machine: &mut Machine) -> Result<()> {
    let server = chaos.any_server();
    chaos.engine.signal(Signal::SIGSTOP)?;
    chaos.wait(0..500, machine);
    chaos.servers[server].kill()?;
    chaos.wait(0..3000, machine);
    chaos.engine.signal(Signal::SIGCONT)?;
    chaos.servers[server].restart()
}

impl fmt::Display for Chaos {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "servers      {}", self.servers.len())?;
        self.happened.iter().try_for_each(|(name, times)| write!(formatter, "; {times} x {name}"))
    }
}
