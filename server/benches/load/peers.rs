//! The same load on a server that runs already, of whatever kind, and what becomes of its clients
//! when a tenth of them stops reading. A server that fails is a result here, not an error.

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;

use crate::generator::crowd::{Crowd, Shape};
use crate::generator::dialect::Dialect;
use crate::generator::load::{self, Cost, Pace, SENDERS};
use crate::generator::process::{Process, raise_descriptor_limit};
use crate::generator::visits;
use crate::report::Row;

/// Lines that are said at once while some do not read, and how often: together they fill every
/// buffer on the way to one of those.
const FLOOD_LINES: u64 = 8_000;
const FLOODS: usize = 13;

/// A server that runs.
#[derive(Debug, Args)]
pub struct Peer {
    /// What to call it
    #[arg(long)]
    name: String,
    /// What it speaks
    #[arg(long)]
    dialect: Dialect,
    /// Where it listens
    #[arg(long, value_name = "ADDR:PORT")]
    address: SocketAddr,
    /// The number of its process
    #[arg(long, value_name = "PID")]
    process: u32,
    /// Clients
    #[arg(long, value_name = "N", default_value_t = 500)]
    clients: usize,
    /// Lines when they are piped; a twentieth of them with ten in flight, a fortieth with one
    #[arg(long, value_name = "N", default_value_t = 4000)]
    lines: u64,
    /// Instead, let a tenth of the clients stop reading, and see what becomes of all
    #[arg(long)]
    stall: bool,
    /// Instead, let so many of them talk, each a line at a time
    #[arg(long, value_name = "N")]
    talkers: Option<usize>,
    /// Instead, let so many clients come, say a line and leave
    #[arg(long, value_name = "N")]
    visits: Option<u64>,
}

impl Peer {
    /// Measures, and prints each row as it comes.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn run(&self) -> Result<()> {
        let process = Process::running(self.address, self.process)?;
        if let Some(visits) = self.visits {
            match visits::run(&process, self.dialect, visits) {
                Ok(cost) => println!("{}", Row::new("visits", &self.name, 1, 1, &cost)),
                Err(error) => println!("{:<26} {:<19} {}", "visits", self.name, brief(&error)),
            }
            return Ok(());
        }
        raise_descriptor_limit((2 * self.clients + SENDERS) as u64)?;
        let shape = Shape { clients: self.clients, room_size: self.clients };
        let mut crowd = match Crowd::enter(self.address, self.dialect, shape) {
            Ok((crowd, _)) => crowd,
            Err(error) => {
                println!("{:<26} {:<19} {}", "entering", self.name, brief(&error));
                return Ok(());
            }
        };
        if self.stall {
            return self.stall(&process, crowd);
        }
        let loads = match self.talkers {
            Some(talkers) => vec![
                ("a line at a time", Pace::InFlight(talkers), self.lines),
                ("a line's way", Pace::OneByOne, self.lines / 4),
            ],
            None => vec![
                ("one in flight", Pace::InFlight(1), self.lines / 40),
                ("ten in flight", Pace::InFlight(SENDERS), self.lines / 20),
                ("saturated", Pace::Saturated, self.lines),
            ],
        };
        for (load, pace, lines) in loads {
            match load::run(&process, &mut crowd, pace, lines) {
                Ok(cost) => println!("{}", self.row(load, &cost)),
                Err(error) => {
                    println!("{load:<26} {:<19} {}", self.name, brief(&error));
                    break;
                }
            }
        }
        Ok(())
    }

    fn row(&self, load: &str, cost: &Cost) -> Row {
        Row::new(load, &self.name, self.clients, 1, cost)
    }

    fn stall(&self, process: &Process, mut crowd: Crowd) -> Result<()> {
        crowd.stall_a_tenth()?;
        let before = process.usage()?.resident_bytes;
        let mut outcome = Ok(());
        for _ in 0..FLOODS {
            outcome = load::run(process, &mut crowd, Pace::Saturated, FLOOD_LINES).map(drop);
            if outcome.is_err() {
                break;
            }
        }
        let others = match outcome {
            Ok(()) => "the others got every line".to_owned(),
            Err(error) => format!("the others: {}", brief(&error)),
        };
        let memory = match process.usage() {
            Ok(usage) => format!("{:+} MiB", (usage.resident_bytes as i64 - before as i64) >> 20),
            Err(_) => "the server has ended".to_owned(),
        };
        let stalled = crowd.resume_a_stalled_one()?;
        println!(
            "{:<26} {:<19} {others}; memory {memory}; one that stalled got {stalled}",
            "a tenth stalled", self.name
        );
        Ok(())
    }
}

/// An error in one line.
fn brief(error: &anyhow::Error) -> String {
    let mut text = format!("{error:#}");
    if let Some((cut, _)) = text.char_indices().nth(160) {
        text.truncate(cut);
        text.push('…');
    }
    text
}
