//! Results as rows: one shape for the terminal, for JSON, and for the pages made from that.

use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::generator::load::Cost;

/// A run of the bench.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The processors that server and clients shared.
    pub processors: usize,
    /// One for each measurement.
    pub rows: Vec<Row>,
}

/// One measurement of one contender.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What kind of load.
    pub load: String,
    /// Under whom.
    pub contender: String,
    /// Clients in all.
    pub clients: usize,
    /// Rooms they are in.
    pub rooms: usize,
    /// Lines said.
    pub lines: u64,
    /// Lines that came to somebody, all of them checked.
    pub deliveries: u64,
    /// How long it took.
    pub seconds: f64,
    /// Processor time of the contender.
    pub processor_seconds: f64,
    /// Context switches of the contender.
    pub switches: u64,
    /// Resident memory of the contender for each client, beyond what it had without any.
    pub resident_bytes_a_client: u64,
    /// What one bare send to one of so many sockets cost in this run, in microseconds.
    pub send_microseconds: Option<f64>,
    /// Where latency was measured.
    pub latency: Option<Latency>,
}

/// A distribution of latencies, in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them are below.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
    /// The largest.
    pub max: u64,
    /// Percentile and value, for a plot.
    pub points: Vec<(f64, u64)>,
}

impl Latency {
    /// The figures of a histogram.
    #[must_use]
    pub fn new(histogram: &Histogram<u64>) -> Self {
        let at = |percent| histogram.value_at_percentile(percent);
        let percents = [
            1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5,
            99.8, 99.9, 99.95, 99.99,
        ];
        Self {
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p999: at(99.9),
            max: histogram.max(),
            points: percents.map(|percent| (percent, at(percent))).to_vec(),
        }
    }
}

impl Row {
    /// A row of what was measured under load.
    #[must_use]
    pub fn new(load: &str, contender: &str, clients: usize, rooms: usize, cost: &Cost) -> Self {
        Self {
            load: load.to_owned(),
            contender: contender.to_owned(),
            clients,
            rooms,
            lines: cost.lines,
            deliveries: cost.deliveries,
            seconds: cost.time.as_secs_f64(),
            processor_seconds: cost.processor.as_secs_f64(),
            switches: cost.switches,
            resident_bytes_a_client: 0,
            send_microseconds: None,
            latency: cost.latency.as_ref().map(Latency::new),
        }
    }

    /// Processor time for each delivered line, in microseconds.
    #[must_use]
    pub fn microseconds_a_delivery(&self) -> f64 {
        self.processor_seconds * 1e6 / self.deliveries as f64
    }

    /// The same in bare sends.
    #[must_use]
    pub fn sends_a_delivery(&self) -> Option<f64> {
        self.send_microseconds.map(|send| self.microseconds_a_delivery() / send)
    }
}

/// The heads of the columns that a row's text has.
pub const HEADING: &str = "\
load                       contender           clients rooms     lines  deliveries   time s   \
CPU µs/del  in sends  deliv/s M  switch/line  KiB/client   p50 µs   p99 µs p99.9 µs";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26} {:<19} ", self.load, self.contender)?;
        write!(f, "{:>7} {:>5} {:>9} ", self.clients, self.rooms, self.lines)?;
        write!(f, "{:>11} {:>8.3} ", self.deliveries, self.seconds)?;
        write!(f, "{:>12.4} ", self.microseconds_a_delivery())?;
        match self.sends_a_delivery() {
            Some(sends) => write!(f, "{sends:>9.4} ")?,
            None => write!(f, "{:>9} ", "-")?,
        }
        write!(f, "{:>10.3} ", self.deliveries as f64 / self.seconds / 1e6)?;
        write!(f, "{:>12.1} ", self.switches as f64 / self.lines as f64)?;
        write!(f, "{:>11.1}", self.resident_bytes_a_client as f64 / 1024.0)?;
        if let Some(latency) = &self.latency {
            write!(f, " {:>8} {:>8} {:>8}", latency.p50, latency.p99, latency.p999)?;
        }
        Ok(())
    }
}
