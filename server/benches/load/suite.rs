//! Which measurements belong together: each load on the server, and in the same run on what it
//! is compared with.

mod joined;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::contender::{ALL, Contender, SMALL};
use crate::generator::crowd::Shape;
use crate::generator::link::Credentials;
use crate::generator::load::{Pace, SENDERS};
use crate::generator::relay::Relay;
use crate::generator::visits;
use crate::report::{HEADING, Latency, Report, Row};
use crate::scene::{Scene, middle};

/// Lines, and how often they are said, that together fill every buffer on the way to a client
/// that does not read: more than 6 MiB.
const FLOOD_LINES: u64 = 8_000;
const FLOODS: u64 = 13;

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
            let cost = middle(|| visits::run(&process, contender.dialect(), visits))?;
            self.add(Row::new(load, contender.name(), 1, 1, &cost))?;
        }
        Ok(())
    }
}
