//! The soak: bad clients of every kind beside honest ones, against the real server.
//!
//! `scripts/soak` builds and runs it. Honest clients number what they say, and each of them has
//! to see everything that any of them said, once and in one order, its own lines within a second on a
//! machine that is not busy.
//! Meanwhile others flood, stall, reset, lie and vanish. In the end the server must have given
//! back its threads and descriptors, its transcript must have all that was seen, and it must stop
//! in order. The exit code says whether all of this was so.
//!
//! With `--servers 3` there is nobody bad. The servers are one chat, and they and their engine are killed.

#![allow(missing_docs, reason = "a program has no users of its items")]

mod bad;
mod clock;
mod connection;
mod honest;
mod machine;
mod server;
mod servers;
mod session;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;

use crate::bad::{Crowd, Tallies, Tally};
use crate::connection::OPEN_CONNECTIONS;
use crate::honest::{Group, Verdict, Witness};
use crate::machine::Machine;
use crate::server::{Condition, Limits, Stop, UnderTest, Usage};

/// Bad clients of every kind beside honest ones, against a real server.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: 0 nothing was wrong, 1 something was, 2 wrong usage.")]
struct Arguments {
    /// For how long, in minutes
    #[arg(default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,

    /// The server's program
    #[arg(long, value_name = "FILE", default_value = "target/release/chat-server")]
    server: std::path::PathBuf,

    /// Repeats the choices of an earlier run; how they meet is up to the system
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Honest clients
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u8).range(2..))]
    honest: u8,

    /// Bad clients of each kind at once; 0 shows what the honest ones get undisturbed
    #[arg(long, value_name = "N", default_value_t = 1)]
    bad: usize,

    /// Only bad clients of these kinds, to find out which does what
    #[arg(long, value_name = "KIND")]
    only: Vec<String>,

    /// So many servers that are one chat instead of one; they and their engine are killed at random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=9))]
    #[arg(conflicts_with_all = ["bad", "only", "condition", "patience"])]
    servers: Option<u8>,

    /// What the server has to live with as well
    #[arg(long, value_enum)]
    condition: Option<Condition>,

    /// How long the own line of an honest client may take at most, beside what a busy machine takes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    patience: u64,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "this is no number of minutes".to_owned())?;
    let is_sensible = (0.01..=1440.0).contains(&minutes);
    is_sensible.then_some(minutes).ok_or_else(|| "0.01 to 1440 minutes".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match soak(&arguments) {
        Ok(faults) if faults.is_empty() => {
            println!("\nnothing was wrong");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            println!("\nWRONG:");
            for fault in faults {
                println!("  {fault}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs everything, prints the table, and gives back what was wrong.
fn soak(arguments: &Arguments) -> Result<Vec<String>> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let time = Duration::from_secs_f64(arguments.minutes * 60.0);
    println!("seed {seed}, {:.0} s", time.as_secs_f64());
    if let Some(servers) = arguments.servers {
        return servers::soak(arguments, servers.into(), time, seed);
    }
    let mut machine = Machine::new()?;
    let mut server = UnderTest::start(&arguments.server, arguments.condition)?;
    let address = server.address;
    let group = Group::login(address, arguments.honest)?;
    let crowd_of_silent = match arguments.condition {
        Some(Condition::Crowd) => bad::fill(address)?,
        _ => Vec::new(),
    };
    if !crowd_of_silent.is_empty() {
        println!("{} silent clients take all places", crowd_of_silent.len());
    }
    let before = server.usage()?;

    let mut crowd = Crowd::new(address, seed, arguments.bad, &arguments.only)?;
    let mut peak = before;
    let watch = |left: Duration| -> Result<()> {
        machine.sleep(left.min(Duration::from_millis(100)));
        server.disturb()?;
        peak = peak.max(server.usage()?);
        Ok(())
    };
    let (talk, tallies) = for_a_time(time, group, &mut crowd, watch)?;

    let patience = Duration::from_millis(arguments.patience) + machine.held_up();
    let verdict = Verdict::of(&talk, patience);
    let mut faults = verdict.faults.clone();
    let (settled, seconds) = server.settle(before)?;
    let stop = server.stop(talk)?;
    drop(crowd_of_silent);
    let bound = Limits::bound(before, OPEN_CONNECTIONS.most(), bad::ROOMS + 1);

    print_tallies(&tallies);
    println!("\n{verdict}\n{machine}");
    println!(
        "server       {} connections at most; {} rooms",
        OPEN_CONNECTIONS.most(),
        bad::ROOMS + 1
    );
    print_usage(before, peak, settled, bound);
    print_end(seconds, &stop);

    faults.extend(tallies.iter().flat_map(|(kind, tally)| {
        tally.faults.iter().map(move |fault| format!("{kind}: {fault}"))
    }));
    faults.extend(Usage::faults(before, peak, settled, bound));
    faults.extend(stop.faults(&verdict.order));
    Ok(faults)
}

/// Lets all be as they are for this time, and calls `watch` again and again with what is left of it.
fn for_a_time(
    time: Duration,
    group: Group,
    crowd: &mut Crowd,
    mut watch: impl FnMut(Duration) -> Result<()>,
) -> Result<(Vec<Witness>, Tallies)> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let honest = scope.spawn(|| group.talk(&is_over));
        let bad = scope.spawn(|| crowd.run(&is_over));
        let end = Instant::now() + time;
        let mut watched = Ok(());
        while let Some(left) = end.checked_duration_since(Instant::now())
            && watched.is_ok()
        {
            watched = watch(left);
        }
        // Also after an error, for the others go on until then.
        is_over.store(true, Ordering::Relaxed);
        watched?;
        let tallies = bad.join().map_err(|_| anyhow::anyhow!("a bad client panicked"))?;
        let said = honest.join().map_err(|_| anyhow::anyhow!("an honest client panicked"))?;
        Ok((said.context("an honest client was cut off")?, tallies))
    })
}

fn print_tallies(tallies: &[(&str, Tally)]) {
    println!("\n{:<12} {:>8} {:>8} {:>10} {:>10}", "bad", "episodes", "cut off", "KiB sent", "got");
    for (kind, tally) in tallies {
        let (sent, got) = (tally.sent / 1024, tally.got / 1024);
        println!("{kind:<12} {:>8} {:>8} {sent:>10} {got:>10}", tally.episodes, tally.cut_off);
    }
}

fn print_usage(before: Usage, peak: Usage, settled: Usage, bound: usize) {
    println!("             {:>8} {:>8} {:>8} {:>8}", "before", "peak", "settled", "bound");
    let row = |what, usage: fn(Usage) -> usize, bound: &str| {
        let [before, peak, settled] = [before, peak, settled].map(usage);
        println!("{what:<12} {before:>8} {peak:>8} {settled:>8} {bound:>8}");
    };
    row("memory KiB", |usage| usage.kibibytes, &bound.to_string());
    row("threads", |usage| usage.threads, "");
    row("descriptors", |usage| usage.descriptors, "");
}

fn print_end(settled: Duration, stop: &Stop) {
    println!("settled      after {:.1} s", settled.as_secs_f64());
    println!(
        "transcript   {} KiB; {} honest lines, as they were seen",
        stop.transcript_bytes / 1024,
        stop.recorded.len()
    );
    println!("stop         after {:.2} s; exit code {:?}", stop.took.as_secs_f64(), stop.code);
}
