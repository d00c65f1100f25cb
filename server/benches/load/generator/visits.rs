//! Visits: one client after the other comes, says a line, and leaves.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use memchr::memmem;

use super::dialect::Dialect;
use super::link::Link;
use super::load::Cost;
use super::mark::Mark;
use super::member::Entering;
use super::process::Process;

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has `visits` clients come, each once the one before it was let go by the server. The latency is
/// how long a visit took.
///
/// # Errors
///
/// When one does not get in, or is not let go.
pub fn run(process: &Process, dialect: Dialect, visits: u64) -> Result<Cost> {
    let before = process.usage()?;
    let start = Instant::now();
    let mut latency = Histogram::new(3)?;
    for visit in 0..visits {
        let since = Instant::now();
        visit_once(process, dialect, visit).with_context(|| format!("visit {visit}"))?;
        latency.record(since.elapsed().as_micros() as u64)?;
    }
    let time = start.elapsed();
    let after = process.usage()?;
    Ok(Cost {
        lines: visits,
        deliveries: visits,
        time,
        processor: after.processor - before.processor,
        // Threads that have ended take their counters with them.
        switches: after.switches.saturating_sub(before.switches),
        resident_bytes: after.resident_bytes,
        latency: Some(latency),
    })
}

fn visit_once(process: &Process, dialect: Dialect, visit: u64) -> Result<()> {
    let stream = TcpStream::connect(process.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let link = Link::new(stream, None)?;
    link.send(&dialect.greeting((visit % 100_000) as usize, None))?;
    let mut buffer = [0; 4096];
    let mut entering = Entering::new(Instant::now());
    let mut seen = loop {
        let count = (&link.stream).read(&mut buffer)?;
        ensure!(count > 0, "it was closed before it was in");
        if let Some(rest) = entering.take(&buffer[..count], dialect, None, &link)? {
            break rest;
        }
    };
    let mut requests = Vec::new();
    let mark = Mark { lane: 0, number: visit };
    dialect.say(0, None, mark, &mut requests);
    requests.extend_from_slice(dialect.farewell().context("one cannot say that one leaves")?);
    link.send(&requests)?;
    loop {
        let count = (&link.stream).read(&mut buffer)?;
        if count == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..count]);
    }
    if dialect.echoes() {
        let mut text = Vec::new();
        mark.write(&mut text);
        ensure!(memmem::find(&seen, &text).is_some(), "the line did not come back");
    }
    Ok(())
}
