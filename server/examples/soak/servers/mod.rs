//! The soak of several servers that are one chat: they and their engine are killed at random moments.
//!
//! Honest clients on all of them number what they say. Whoever loses its server goes to another one. In
//! the end what all of them saw has to be one order with every line once, no two may ever have had one
//! name, and the lists and counts of each server have to be right.

mod chaos;
mod client;
mod order;
mod process;
mod witness;

use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Arguments;
use crate::machine::Machine;
use chaos::Chaos;
use client::{Client, Ends};
use order::Verdict;
use process::{Engine, Server};
use witness::Witness;

/// Runs everything, prints the table, and gives back what was wrong.
pub fn soak(
    arguments: &Arguments,
    servers: usize,
    time: Duration,
    seed: u64,
) -> Result<Vec<String>> {
    let is_there = Command::new("redis-server").arg("--version").output().is_ok();
    ensure!(is_there, "several servers need an engine: install redis-server");
    let mut machine = Machine::new()?;
    let engine = Engine::start()?;
    let servers = (0..servers).map(|_| Server::start(&arguments.server, engine.port));
    let servers = servers.collect::<Result<Vec<_>>>()?;
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let count = arguments.honest;
    let ends = Ends::new(count);
    let mut chaos = Chaos::new(seed, engine, servers);
    let witnesses = thread::scope(|scope| -> Result<Vec<Witness>> {
        let clients: Vec<_> = (0..count)
            .map(|number| Client::new(number, seed, &addresses))
            .map(|client| scope.spawn(|| client.run(&ends)))
            .collect();
        let end = Instant::now() + time;
        let disturbed = chaos.run(end, &mut machine);
        ends.is_over.store(true, Ordering::Relaxed);
        let witnesses = clients.into_iter().map(|client| client.join());
        let witnesses = witnesses.collect::<Result<_, _>>();
        disturbed?;
        witnesses.map_err(|_| anyhow::anyhow!("an honest client panicked"))
    })?;

    let stretches: Vec<_> =
        witnesses.iter().flat_map(|witness| witness.stretches.iter().cloned()).collect();
    let verdict = Verdict::of(&stretches);
    let mut faults = verdict.faults;
    faults.extend(witnesses.iter().flat_map(|witness| witness.faults.iter().cloned()));
    faults.extend(witness::in_the_end(&witnesses));
    println!("\n{chaos}");
    print_witnesses(&witnesses, verdict.order.len())?;
    println!("{machine}");
    drop(witnesses);
    faults.extend(chaos.stop().context("the servers cannot be stopped")?);
    Ok(faults)
}

/// What they saw, of so many lines in all.
fn print_witnesses(witnesses: &[Witness], lines: usize) -> Result<()> {
    let missed: usize = witnesses.iter().map(|witness| witness.missed).sum();
    let sessions: usize = witnesses.iter().map(|witness| witness.sessions).sum();
    let mut echoes: Vec<_> =
        witnesses.iter().flat_map(|witness| witness.echoes.iter().copied()).collect();
    ensure!(!echoes.is_empty(), "nobody said anything, so nothing was shown");
    echoes.sort_unstable();
    let quantile = |part: f64| {
        let at = (echoes.len().saturating_sub(1) as f64 * part) as usize;
        echoes.get(at).map_or(0.0, |echo| echo.as_secs_f64() * 1000.0)
    };
    println!(
        "honest       {} clients in {sessions} sessions; {missed} times lines were missed",
        witnesses.len()
    );
    println!("order        {lines} lines, as all who were there saw them");
    println!(
        "echo ms      half {:.1}; 99 of 100 {:.1}; all {:.1}",
        quantile(0.5),
        quantile(0.99),
        quantile(1.0)
    );
    Ok(())
}
