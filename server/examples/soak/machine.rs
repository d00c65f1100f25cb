//! What the machine was like meanwhile: figures of a busy one tell more of it than of the server.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Through whose hands a line goes: who said it, the session, the courier, and who said it again.
const THREADS: u32 = 4;

/// The load of a minute, from its beginning on, and how late sleepers woke.
#[derive(Debug)]
pub struct Machine {
    load_before: f32,
    longest_delay: Duration,
}

impl Machine {
    /// Looks at it for the first time.
    pub fn new() -> Result<Self> {
        Ok(Self { load_before: load()?, longest_delay: Duration::ZERO })
    }

    /// Sleeps, and notes how much later than wanted it woke.
    pub fn sleep(&mut self, time: Duration) {
        let begin = Instant::now();
        thread::sleep(time);
        self.longest_delay = self.longest_delay.max(begin.elapsed().saturating_sub(time));
    }

    /// For how long it may have held up a line, whatever the server does: on its way and back the line is in
    /// the hands of some threads one after the other, and each waits for a processor as the sleeper does.
    pub fn held_up(&self) -> Duration {
        self.longest_delay * THREADS
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processors = thread::available_parallelism().map_or(0, usize::from);
        write!(
            formatter,
            "machine      {processors} processors; load {:.1} before",
            self.load_before
        )?;
        if let Ok(load) = load() {
            write!(formatter, ", {load:.1} now")?;
        }
        let delay = self.longest_delay.as_secs_f64() * 1000.0;
        write!(formatter, "; a sleeper woke {delay:.1} ms late at most")
    }
}

/// How many wanted to run, in the mean of a minute: see proc(5).
fn load() -> Result<f32> {
    let text = fs::read_to_string("/proc/loadavg").context("no load")?;
    let load = text.split_whitespace().next().context("no load")?;
    Ok(load.parse()?)
}
