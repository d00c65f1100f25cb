//! The runs of a simulator, each with a seed of its own, which a run that fails tells.

/// Runs it so often, with other seeds each time, and gives the sum of what it counted.
pub fn run_all(runs: u64, run: fn(u64) -> u64) -> u64 {
    let first = fastrand::u64(..);
    let seeds = (0..runs).map(|run| first.wrapping_add(run));
    let counts = seeds.map(|seed| {
        let outcome = std::panic::catch_unwind(|| run(seed));
        outcome.unwrap_or_else(|_| panic!("it failed with the seed {seed}"))
    });
    counts.sum()
}
