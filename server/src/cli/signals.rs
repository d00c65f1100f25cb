//! Signals that must not end the server.
//!
//! The crate `ctrlc` takes SIGINT, SIGTERM and SIGHUP for a wish to end. While all threads block a
//! signal, that handler is never called.

use std::fs;
use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Sent where a quota is used up. The write fails too, and that is dealt with where it happens.
const QUOTAS: [Signal; 2] = [Signal::SIGXFSZ, Signal::SIGXCPU];

/// Those that end the server unless they were ignored at its start, as `nohup` does it, or a shell
/// for what it starts in the background.
const ENDINGS: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// Blocks those signals in this thread and in all that it makes from now on.
///
/// # Errors
///
/// When the system knows none of them.
pub fn block_harmless() -> nix::Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut blocked = SigSet::empty();
    QUOTAS.into_iter().for_each(|signal| blocked.add(signal));
    ENDINGS
        .into_iter()
        .filter(|signal| is_ignored(&status, *signal))
        .for_each(|signal| blocked.add(signal));
    blocked.thread_block()
}

/// Makes a thread that gets no signals, whatever other threads wait for later.
///
/// # Errors
///
/// When it cannot be made.
pub fn shielded(spawn: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = spawn();
    before.thread_set_mask()?;
    spawned
}

/// Whether a process with this status ignores the signal: see proc(5), `SigIgn`.
fn is_ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as u32 - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_what_is_ignored() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001003\n";
        let ignored = ENDINGS.map(|signal| is_ignored(status, signal));
        assert_eq!(ignored, [true, true, false]);
        assert!(!is_ignored("", Signal::SIGHUP));
    }
}
