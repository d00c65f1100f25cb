//! Several servers that are one chat, beside one without a log: the same clients in one room, as many of
//! them at each server.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::Suite;
use crate::contender::Contender;
use crate::generator::crowd::{Crowd, Shape};
use crate::generator::dialect::Dialect;
use crate::generator::load::{self, Cost, Pace};
use crate::generator::process::Process;
use crate::report::Row;
use crate::scene::REPETITIONS;

/// Numbers of servers with a log.
const SERVERS: [usize; 3] = [1, 2, 3];

/// Clients in all: the ten who speak are spread evenly over the servers.
const SHAPE: Shape = Shape { clients: 60, room_size: 60 };

/// A room keeps all that is said in one measurement: no server waits for the readers of another one, and
/// here nobody shall miss a line.
const BACKLOG: usize = 64 * 1024 * 1024;

/// A Redis of its own, which keeps nothing on disk.
struct Engine {
    child: Child,
    /// For its instruments.
    process: Process,
}

impl Engine {
    fn start() -> Result<Self> {
        // Somebody else may take the port in between, which is told then.
        let address = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let process = Process::running(address, child.id())?;
        let stdout = child.stdout.take().context("the output is piped")?;
        let engine = Self { child, process };
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.contains("Ready to accept connections"));
        anyhow::ensure!(is_ready, "redis-server does not start at {address}");
        Ok(engine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // They fail only when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Suite {
    /// Measures servers that share a log, where there is a Redis.
    pub(super) fn joined(&mut self) -> Result<()> {
        let load = "joined";
        if !self.is_wanted(load) {
            return Ok(());
        }
        let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if version.is_err() {
            println!("\n*** NOT RUN: {load}: there is no redis-server\n");
            return Ok(());
        }
        self.joined_row("chat-server", None, 1)?;
        for servers in SERVERS {
            let engine = Engine::start()?;
            let name = match servers {
                1 => "1 server, log".to_owned(),
                _ => format!("{servers} servers, log"),
            };
            self.joined_row(&name, Some(&engine), servers)?;
        }
        Ok(())
    }

    fn joined_row(&mut self, name: &str, engine: Option<&Engine>, servers: usize) -> Result<()> {
        let log = engine.map(|it| format!(" --log redis://{}", it.process.address));
        let flags = format!(
            "{} --backlog {BACKLOG}{}",
            self.settings.server_flags,
            log.unwrap_or_default()
        );
        let start = || Contender::Server.start(SHAPE, &flags, self.credentials.path());
        let mut process = start()?;
        for _ in 1..servers {
            process = process.with(start()?);
        }
        let entered = Crowd::enter_at(&process.addresses(), Dialect::Chat, SHAPE, None);
        let (mut crowd, _) = entered.with_context(|| format!("with {name}"))?;
        for (load, pace) in
            [("joined, saturated", Pace::Saturated), ("joined, a line's way", Pace::OneByOne)]
        {
            let lines = Contender::Server.lines(pace, SHAPE, self.settings.seconds);
            let (cost, of_engine) = measure(&process, engine, &mut crowd, pace, lines)
                .with_context(|| format!("{name} at pace {pace:?}"))?;
            self.add(Row::new(load, name, SHAPE.clients, SHAPE.rooms(), &cost))?;
            if let Some(cost) = of_engine {
                let name = format!("its Redis, of {servers}");
                self.add(Row::new(load, &name, SHAPE.clients, SHAPE.rooms(), &cost))?;
            }
        }
        Ok(())
    }
}

/// The middle one of several measurements, and what it cost the engine beside the servers.
fn measure(
    process: &Process,
    engine: Option<&Engine>,
    crowd: &mut Crowd,
    pace: Pace,
    lines: u64,
) -> Result<(Cost, Option<Cost>)> {
    let mut costs = Vec::new();
    for _ in 0..REPETITIONS {
        let before = engine.map(|it| it.process.usage()).transpose()?;
        let cost = load::run(process, crowd, pace, lines)?;
        let after = engine.map(|it| it.process.usage()).transpose()?;
        let of_engine = before.zip(after).map(|(before, after)| Cost {
            processor: after.processor - before.processor,
            switches: after.switches.saturating_sub(before.switches),
            resident_bytes: after.resident_bytes,
            latency: None,
            ..cost
        });
        costs.push((cost, of_engine));
    }
    costs.sort_by_key(|(cost, _)| cost.processor);
    Ok(costs.swap_remove(REPETITIONS / 2))
}
