//! What a log costs: records a second, and how long a record takes from `submit` to `apply`, for one, two
//! and three programs, beside bare `XADD` and `XREAD` of the same records in the same run.
//!
//! `cargo bench -p ordered-log` takes half a minute and needs `redis-server`; `-- --help` says what can be
//! asked for.

mod bare;
#[path = "../../tests/it/engine.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is a part of the tests, which use the rest")]
mod engine;
mod logs;
#[path = "../../tests/it/ports.rs"]
#[expect(clippy::unwrap_used, reason = "it is a part of the tests, which use the rest")]
mod ports;
#[path = "../../src/resp.rs"]
#[allow(dead_code, reason = "it has tests of its own")]
mod resp;

use std::time::{Duration, Instant};

use clap::Parser;
use hdrhistogram::Histogram;

use crate::engine::Engine;

/// Measures logs over Redis, beside bare Redis.
#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of logs, each of which is a program
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,2,3")]
    logs: Vec<usize>,

    /// How long each measurement takes
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,

    /// Threads of each log that submit
    #[arg(long, value_name = "N", default_value_t = 10)]
    threads: usize,

    /// Bytes of a record
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(16..=4096))]
    bytes: u64,

    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Programs.
    pub programs: usize,
    /// Threads of each that submit.
    pub threads: usize,
    /// How long.
    pub time: Duration,
    /// Of a record.
    pub bytes: usize,
}

const ENGINES: [(&str, &[&str]); 2] =
    [("in memory", &[]), ("fsync always", &["--appendonly", "yes", "--appendfsync", "always"])];

fn main() {
    let arguments = Arguments::parse();
    println!(
        "{:<14} {:<10} {:>8} {:>12} {:>10} {:>10}",
        "engine", "what", "programs", "records/s", "p50 µs", "p99 µs"
    );
    for (name, options) in ENGINES {
        for &programs in &arguments.logs {
            let load = Load {
                programs,
                threads: arguments.threads,
                time: Duration::from_secs_f64(arguments.seconds),
                bytes: arguments.bytes as usize,
            };
            // Each of them gets an engine of its own, so that none has what another one left.
            let Some(engine) = Engine::start(options) else { return };
            let (rate, times) = (bare::rate(&engine, load), bare::round_trips(&engine, load));
            print(name, "XADD/XREAD", programs, rate, &times);
            let Some(engine) = Engine::start(options) else { return };
            let (rate, times) = (logs::rate(&engine, load), logs::round_trips(&engine, load));
            print(name, "log", programs, rate, &times);
        }
    }
}

fn print(engine: &str, what: &str, programs: usize, rate: f64, times: &Histogram<u64>) {
    let micros = |quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    let (half, most) = (micros(0.5), micros(0.99));
    println!("{engine:<14} {what:<10} {programs:>8} {rate:>12.0} {half:>10.0} {most:>10.0}");
}

/// Times in nanoseconds.
fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are few enough")
}

fn record_time(times: &mut Histogram<u64>, began: Instant) {
    let nanoseconds = u64::try_from(began.elapsed().as_nanos()).expect("no run takes centuries");
    times.record(nanoseconds).expect("it grows");
}
