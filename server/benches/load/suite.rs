//! Which measurements belong together: each load on the server, and in the same run on what it
//! is compared with.

mod joined;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::generator::crowd::{Crowd, Entry, Shape};
use crate::generator::dialect::Dialect;
use crate::generator::link::Credentials;
use crate::generator::load::{self, Cost, Pace, SENDERS};
use crate::generator::process::{Process, raise_descriptor_limit};
use crate::generator::relay::Relay;
use crate::generator::visits;
use crate::report::{HEADING, Latency, Report, Row};

/// Flags of the server under load: no limit that load would run into.
const SERVER_FLAGS: &[&str] =
    &["--listen", "127.0.0.1:0", "--rate", "0", "--max-clients", "20000", "--quiet"];

/// Lines, and how often they are said, that together fill every buffer on the way to a client
/// that does not read: more than 6 MiB.
const FLOOD_LINES: u64 = 8_000;
const FLOODS: u64 = 13;

/// How often each load is measured.
const REPETITIONS: usize = 3;

/// Descriptors beside the clients' and their senders'.
const OTHER_DESCRIPTORS: u64 = 100;

/// Who is under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Server,
    /// The same with browsers for clients.
    Web,
    /// The same over TLS.
    Tls,
    /// The usual way, `examples/simple.rs`.
    Simple,
    Relay(Relay),
}

const ALL: [Contender; 7] = [
    Contender::Relay(Relay::LineByLine),
    Contender::Relay(Relay::Coalesced),
    Contender::Server,
    Contender::Web,
    Contender::Relay(Relay::Tls),
    Contender::Tls,
    Contender::Simple,
];

/// Who is compared where people talk a line at a time.
const SMALL: [Contender; 5] = [
    Contender::Relay(Relay::Batching),
    Contender::Relay(Relay::Threads),
    Contender::Relay(Relay::Sender),
    Contender::Server,
    Contender::Simple,
];

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "chat-server",
            Self::Web => "chat-server, web",
            Self::Tls => "chat-server, TLS",
            Self::Relay(Relay::Tls) => "bare, TLS",
            Self::Relay(Relay::LineByLine) => "bare, line by line",
            Self::Relay(Relay::Coalesced) => "bare, coalesced",
            Self::Relay(Relay::Batching) => "bare, batching",
            Self::Relay(Relay::Threads) => "bare, threads",
            Self::Relay(Relay::Sender) => "bare, sender",
            Self::Simple => "lock and write",
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::Server | Self::Tls | Self::Simple => Dialect::Chat,
            Self::Web => Dialect::Web,
            Self::Relay(Relay::LineByLine | Relay::Coalesced | Relay::Tls) => Dialect::Bare,
            Self::Relay(Relay::Batching | Relay::Threads | Relay::Sender) => Dialect::Open,
        }
    }

    fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Relay(Relay::Tls))
    }

    fn start(self, shape: Shape, server_flags: &str, credentials: &Path) -> Result<Process> {
        let mut command = match self {
            Self::Server | Self::Web | Self::Tls => Command::new(env!("CARGO_BIN_EXE_chat-server")),
            Self::Simple | Self::Relay(_) => Command::new(env::current_exe()?),
        };
        match self {
            Self::Server | Self::Web | Self::Tls => {
                command.args(SERVER_FLAGS).args(server_flags.split_whitespace())
            }
            Self::Simple => command.arg("simple"),
            Self::Relay(relay) => command
                .args(["relay", relay.name()])
                .args([shape.clients, shape.room_size].map(|number| number.to_string()))
                .args((relay == Relay::Tls).then_some(credentials)),
        };
        if self == Self::Tls {
            let Credentials { certificate, key } = Credentials::of(credentials);
            command.args(["--tls", "127.0.0.1:0", "--certificate"]).arg(certificate);
            command.arg("--key").arg(key);
            return Process::start_tls(command);
        }
        if self == Self::Web {
            command.args(["--web", "127.0.0.1:0"]);
            return Process::start_web(command);
        }
        Process::start(command)
    }

    /// How many lines take about so many seconds. A send of one line costs several microseconds;
    /// a line among thousands in a send next to nothing.
    fn lines(self, pace: Pace, shape: Shape, seconds: f64) -> u64 {
        let coalesces = !matches!(self, Self::Simple | Self::Relay(Relay::LineByLine));
        let microseconds = match pace {
            Pace::Saturated if coalesces => 0.04,
            Pace::InFlight(senders) if coalesces => 6.0 / senders as f64,
            _ => 6.0,
        };
        let lines = seconds * 1e6 / (microseconds * shape.room_size as f64);
        // A saturated server has half a log of lines before it, whatever the number of clients.
        let least = match pace {
            Pace::Saturated if coalesces => 8_000,
            _ => 2 * shape.rooms().max(SENDERS) as u64,
        };
        (lines as u64).clamp(least, 400_000)
    }
}

/// What to measure.
#[derive(Debug)]
pub struct Settings {
    /// Numbers of clients for the fan-out.
    pub clients: Vec<usize>,
    /// About how long each measurement takes.
    pub seconds: f64,
    /// Lines a second at the steady pace.
    pub rate: f64,
    /// Clients where latency is measured.
    pub latency_clients: usize,
    /// Clients that log in at once.
    pub storm: usize,
    /// Rooms of ten.
    pub rooms: usize,
    /// Numbers of clients that talk a line at a time.
    pub small: Vec<usize>,
    /// Part of the names of the measurements wanted.
    pub only: String,
    /// Whether the server is not compared with anything.
    pub is_alone: bool,
    /// More flags for the server, separated by spaces.
    pub server_flags: String,
}

/// A run of the bench.
#[derive(Debug)]
pub struct Suite {
    settings: Settings,
    report: Report,
    json: Option<PathBuf>,
    /// The certificate of those who speak TLS.
    credentials: TempDir,
}

/// A contender with everybody in.
struct Scene {
    contender: Contender,
    process: Process,
    crowd: Crowd,
    entry: Entry,
    /// Memory before anybody came.
    empty_bytes: u64,
    entry_cost: Cost,
}

impl Scene {
    fn new(
        contender: Contender,
        shape: Shape,
        server_flags: &str,
        credentials: &Path,
    ) -> Result<Self> {
        let senders = shape.rooms().max(SENDERS);
        raise_descriptor_limit((shape.clients + senders) as u64 + OTHER_DESCRIPTORS)?;
        let process = contender.start(shape, server_flags, credentials)?;
        let before = process.usage()?;
        let tls = contender.has_tls().then(|| Credentials::of(credentials).client()).transpose()?;
        let (crowd, entry) = Crowd::enter_with(process.address, contender.dialect(), shape, tls)?;
        let after = process.usage()?;
        let entry_cost = Cost {
            lines: shape.clients as u64,
            deliveries: entry.lines,
            time: entry.time,
            processor: after.processor - before.processor,
            switches: after.switches.saturating_sub(before.switches),
            resident_bytes: after.resident_bytes,
            latency: Some(entry.latency.clone()),
        };
        Ok(Self {
            contender,
            process,
            crowd,
            entry,
            empty_bytes: before.resident_bytes,
            entry_cost,
        })
    }

    /// One measurement, the middle one of several: a machine has other things to do at times.
    fn run(&mut self, pace: Pace, seconds: f64) -> Result<Cost> {
        let lines = self.contender.lines(pace, self.crowd.shape(), seconds);
        self.middle_of(pace, lines)
    }

    fn middle_of(&mut self, pace: Pace, lines: u64) -> Result<Cost> {
        let mut costs =
            (0..REPETITIONS).map(|_| self.say(pace, lines)).collect::<Result<Vec<_>>>()?;
        costs.sort_by_key(|cost| cost.processor);
        Ok(costs.swap_remove(REPETITIONS / 2))
    }

    fn say(&mut self, pace: Pace, lines: u64) -> Result<Cost> {
        load::run(&self.process, &mut self.crowd, pace, lines)
            .with_context(|| format!("{} at pace {pace:?}", self.contender.name()))
    }

    fn row(&self, load: &str, cost: &Cost) -> Row {
        let shape = self.crowd.shape();
        let mut row = Row::new(load, self.contender.name(), shape.clients, shape.rooms(), cost);
        row.resident_bytes_a_client =
            cost.resident_bytes.saturating_sub(self.empty_bytes) / shape.clients as u64;
        row
    }
}

impl Suite {
    /// Nothing measured yet. Results go to the file `json`, each as it comes.
    ///
    /// # Errors
    ///
    /// When the system does not say how many processors it has.
    pub fn new(settings: Settings, json: Option<PathBuf>) -> Result<Self> {
        let processors = std::thread::available_parallelism()?.get();
        let credentials = TempDir::new()?;
        Credentials::make(credentials.path())?;
        Ok(Self { settings, report: Report { processors, rows: Vec::new() }, json, credentials })
    }

    /// Measures, and prints each row as it comes.
    ///
    /// # Errors
    ///
    /// When a contender fails, or loses or swaps a line.
    pub fn run(mut self) -> Result<()> {
        println!("{HEADING}");
        for clients in self.settings.clients.clone() {
            self.fan_out(clients)?;
        }
        self.latency()?;
        self.storm()?;
        self.rooms()?;
        for clients in self.settings.small.clone() {
            self.small(clients)?;
        }
        self.visits()?;
        self.joined()
    }

    fn scene(&self, contender: Contender, shape: Shape) -> Result<Scene> {
        Scene::new(contender, shape, &self.settings.server_flags, self.credentials.path())
    }

    fn contenders(&self) -> Vec<Contender> {
        let is_wanted = |contender: &Contender| {
            // The first one is the unit for all others.
            !self.settings.is_alone
                || !matches!(
                    contender,
                    Contender::Simple | Contender::Relay(Relay::Coalesced | Relay::Tls)
                )
        };
        ALL.into_iter().filter(is_wanted).collect()
    }

    fn is_wanted(&self, load: &str) -> bool {
        load.contains(&self.settings.only)
    }

    fn add(&mut self, row: Row) -> Result<()> {
        println!("{row}");
        self.report.rows.push(row);
        let Some(path) = &self.json else { return Ok(()) };
        let text = serde_json::to_string_pretty(&self.report)?;
        fs::write(path, text).with_context(|| format!("cannot write {path:?}"))
    }

    fn fan_out(&mut self, clients: usize) -> Result<()> {
        let paces = [
            ("one in flight", Pace::InFlight(1)),
            ("ten in flight", Pace::InFlight(SENDERS)),
            ("saturated", Pace::Saturated),
        ];
        let paces: Vec<_> = paces.into_iter().filter(|(load, _)| self.is_wanted(load)).collect();
        if paces.is_empty() {
            return Ok(());
        }
        let shape = Shape { clients, room_size: clients };
        let mut send = None;
        for contender in self.contenders() {
            let mut scene = self.scene(contender, shape)?;
            if send.is_none() {
                let cost = scene.run(Pace::InFlight(1), self.settings.seconds)?;
                send = Some(scene.row("", &cost).microseconds_a_delivery());
            }
            for (load, pace) in &paces {
                let cost = scene.run(*pace, self.settings.seconds)?;
                self.add(Row { send_microseconds: send, ..scene.row(load, &cost) })?;
            }
        }
        Ok(())
    }

    fn latency(&mut self) -> Result<()> {
        let pace = Pace::Steady(self.settings.rate);
        let clients = self.settings.latency_clients;
        let seconds = 10.0 * self.settings.seconds;
        for contender in self.contenders() {
            let load = "steady";
            let stalled_load = "steady, a tenth stalled";
            if !self.is_wanted(load) && !self.is_wanted(stalled_load) {
                continue;
            }
            let mut scene = self.scene(contender, Shape { clients, room_size: clients })?;
            let lines = (self.settings.rate * seconds) as u64;
            let cost = scene.say(pace, lines)?;
            self.add(scene.row(load, &cost))?;
            if contender == Contender::Server {
                scene.crowd.stall_a_tenth()?;
                // In parts that fit into the server's log: those who read shall not fall behind.
                let mut cost = scene.say(Pace::Saturated, FLOOD_LINES)?;
                for _ in 1..FLOODS {
                    cost = scene.say(Pace::Saturated, FLOOD_LINES)?;
                }
                self.add(scene.row("saturated, a tenth stalled", &cost))?;
                let cost = scene.say(pace, lines)?;
                self.add(scene.row(stalled_load, &cost))?;
            }
        }
        Ok(())
    }

    fn storm(&mut self) -> Result<()> {
        let load = "login storm";
        let clients = self.settings.storm;
        if !self.is_wanted(load) {
            return Ok(());
        }
        for contender in [Contender::Server, Contender::Tls] {
            let scene = self.scene(contender, Shape { clients, room_size: clients })?;
            let mut row = scene.row(load, &scene.entry_cost);
            row.latency = Some(Latency::new(&scene.entry.latency));
            self.add(row)?;
        }
        Ok(())
    }

    fn rooms(&mut self) -> Result<()> {
        let rooms = self.settings.rooms;
        let many = Shape { clients: 10 * rooms, room_size: 10 };
        let one = Shape { clients: 1000, room_size: 1000 };
        for contender in self.contenders() {
            for (load, pace) in [
                ("rooms, one in flight each", Pace::InFlight(1)),
                ("rooms, saturated", Pace::Saturated),
            ] {
                if rooms == 0 || !self.is_wanted(load) {
                    continue;
                }
                let mut scene = self.scene(contender, many)?;
                let cost = scene.run(pace, self.settings.seconds)?;
                self.add(scene.row(load, &cost))?;
                let lines = cost.deliveries / one.clients as u64;
                let mut scene = self.scene(contender, one)?;
                let cost = scene.middle_of(pace, lines)?;
                self.add(scene.row(load, &cost))?;
            }
        }
        Ok(())
    }

    /// What people do most: a line at a time. Each talker waits for its own line.
    fn small(&mut self, clients: usize) -> Result<()> {
        let talkers = [("one talks", 1), ("half talk", clients / 2), ("all talk", clients)];
        let shape = Shape { clients, room_size: clients };
        for contender in SMALL {
            if !self.is_wanted("small") {
                continue;
            }
            let mut scene = self.scene(contender, shape)?;
            let seconds = self.settings.seconds;
            for (load, count) in talkers {
                let cost = scene.run(Pace::InFlight(count), seconds)?;
                self.add(scene.row(&format!("small, {load}"), &cost))?;
            }
            let cost = scene.run(Pace::OneByOne, seconds)?;
            self.add(scene.row("small, a line's way", &cost))?;
        }
        Ok(())
    }

    fn visits(&mut self) -> Result<()> {
        let load = "visits";
        if !self.is_wanted(load) {
            return Ok(());
        }
        let visits = (self.settings.seconds * 1e4) as u64;
        for contender in [Contender::Server, Contender::Simple] {
            let shape = Shape { clients: 1, room_size: 1 };
            let flags = &self.settings.server_flags;
            let process = contender.start(shape, flags, self.credentials.path())?;
            let mut costs = (0..REPETITIONS)
                .map(|_| visits::run(&process, contender.dialect(), visits))
                .collect::<Result<Vec<_>>>()?;
            costs.sort_by_key(|cost| cost.processor);
            let cost = &costs[REPETITIONS / 2];
            self.add(Row::new(load, contender.name(), 1, 1, cost))?;
        }
        Ok(())
    }
}
