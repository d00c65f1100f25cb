//! What else the machine does while a test measures a time.
#![cfg(target_os = "linux")]

use std::fs;
use std::process;
use std::time::Instant;

use crate::capacity::ticks;

/// A second has so many ticks of processor time: proc_stat(5).
const TICKS: f64 = 100.0;

/// Other processes, from a moment on.
pub struct Others {
    begin: Instant,
    ticks: u64,
}

impl Others {
    pub fn from_now() -> Self {
        Self { begin: Instant::now(), ticks: their_ticks() }
    }

    /// Whether they had more than half of the processors since then.
    pub fn are_busy(&self) -> bool {
        let all = self.begin.elapsed().as_secs_f64() * TICKS * processors() as f64;
        their_ticks().saturating_sub(self.ticks) as f64 > all / 2.0
    }
}

fn stat() -> String {
    fs::read_to_string("/proc/stat").unwrap()
}

fn processors() -> usize {
    let is_one = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    stat().lines().filter(is_one).count()
}

/// The time in which a processor did something, but for this process.
fn their_ticks() -> u64 {
    let stat = stat();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|it| it.parse().unwrap())
        .collect();
    // All but idle and iowait, and guest, which is in user. What a host takes away is in steal.
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| fields.get(*at)).sum();
    busy.saturating_sub(ticks(process::id()))
}
