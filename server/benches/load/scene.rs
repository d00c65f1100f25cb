//! A contender with everybody in, under one load after the other.

use std::path::Path;

use anyhow::{Context, Result};

use crate::contender::Contender;
use crate::generator::crowd::entry::Entry;
use crate::generator::crowd::{Crowd, Shape};
use crate::generator::link::Credentials;
use crate::generator::load::{self, Cost, Pace, SENDERS};
use crate::generator::process::{Process, raise_descriptor_limit};
use crate::report::Row;

/// How often each load is measured.
pub const REPETITIONS: usize = 3;

/// Descriptors beside the clients' and their senders'.
const OTHER_DESCRIPTORS: u64 = 100;

/// A contender with everybody in.
pub struct Scene {
    contender: Contender,
    process: Process,
    /// Everybody.
    pub crowd: Crowd,
    /// How they came in.
    pub entry: Entry,
    /// What that cost.
    pub entry_cost: Cost,
    /// Memory before anybody came.
    empty_bytes: u64,
}

impl Scene {
    /// Starts the contender and brings everybody in.
    ///
    /// # Errors
    ///
    /// When the contender does not start, or somebody does not get in.
    pub fn new(
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
            entry_cost,
            empty_bytes: before.resident_bytes,
        })
    }

    /// One measurement, of about so many seconds: the middle one of several.
    ///
    /// # Errors
    ///
    /// When the contender fails, or loses or swaps a line.
    pub fn run(&mut self, pace: Pace, seconds: f64) -> Result<Cost> {
        let lines = self.contender.lines(pace, self.crowd.shape(), seconds);
        self.middle_of(pace, lines)
    }

    /// The same with so many lines.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn middle_of(&mut self, pace: Pace, lines: u64) -> Result<Cost> {
        middle(|| self.say(pace, lines))
    }

    /// The same, measured once.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn say(&mut self, pace: Pace, lines: u64) -> Result<Cost> {
        load::run(&self.process, &mut self.crowd, pace, lines)
            .with_context(|| format!("{} at pace {pace:?}", self.contender.name()))
    }

    /// A row of the results.
    pub fn row(&self, load: &str, cost: &Cost) -> Row {
        let shape = self.crowd.shape();
        let mut row = Row::new(load, self.contender.name(), shape.clients, shape.rooms(), cost);
        row.resident_bytes_a_client =
            cost.resident_bytes.saturating_sub(self.empty_bytes) / shape.clients as u64;
        row
    }
}

/// The middle one of several measurements, by processor time: a machine has other things to do at times.
///
/// # Errors
///
/// When one of them fails.
pub fn middle(mut measure: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut costs = (0..REPETITIONS).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    costs.sort_by_key(|cost| cost.processor);
    Ok(costs.swap_remove(REPETITIONS / 2))
}
