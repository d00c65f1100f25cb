//! How long a command may take, and whether it tries again. The same for every command of a script.

use std::time::{Duration, Instant};

use clap::ValueHint;

use super::server::ServerArgs;

/// Where to go, as whom, and how long that may take.
#[derive(Debug, Clone, clap::Args)]
pub struct Visit {
    /// Where to go, and as whom
    #[command(flatten)]
    pub server: ServerArgs,

    /// How long it may take
    #[command(flatten)]
    pub limits: Limits,
}

/// How long a command may take, and whether it tries again.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Give up after so long, all in all, with exit code 1
    #[arg(long, value_name = "SECONDS", value_hint = ValueHint::Other, value_parser = seconds, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,

    /// Give up an attempt to get in after so long; 10 when not given
    #[arg(long, value_name = "SECONDS", value_hint = ValueHint::Other, value_parser = seconds, allow_negative_numbers = true)]
    pub connect_timeout: Option<Duration>,

    /// Try up to N times more to get in where it may help: exit codes 3, 4 and 5
    ///
    /// After 1, 2, 4 ... 30 seconds. What was said is not said again.
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, default_value_t = 0, hide_default_value = true)]
    pub retry: u32,

    /// Print an error as a JSON object
    #[arg(long)]
    pub json_errors: bool,
}

impl Limits {
    /// When all must be done, if the time is limited. A time beyond what the clock can count is not.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        deadline(self.timeout)
    }

    /// How long an attempt to get in may take: `usual` when nothing is said. An hour is as good as more,
    /// and no clock overflows.
    #[must_use]
    pub fn connect_patience(&self, usual: Duration) -> Duration {
        self.connect_timeout.unwrap_or(usual).min(Duration::from_secs(3600))
    }
}

/// When so long has passed from now, if that is limited.
#[must_use]
pub fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Reads a number of seconds, for options that take a time.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or("not a number of seconds")
}
