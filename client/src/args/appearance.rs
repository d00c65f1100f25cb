//! How the chat is shown on a terminal.

use std::path::PathBuf;

use clap::ColorChoice;
use jiff::Zoned;

/// How the chat is shown on a terminal.
#[derive(Debug, Clone, clap::Args)]
pub struct Appearance {
    /// Write the time at the left in this strftime format
    #[arg(long, default_value = "%H:%M", value_name = "FORMAT", value_parser = time_format)]
    pub time: String,

    /// Show no time
    #[arg(long)]
    pub no_time: bool,

    /// Do not ring when somebody names you or writes to you alone
    #[arg(long)]
    pub no_bell: bool,

    /// Do not show who enters and leaves
    #[arg(short, long)]
    pub quiet: bool,

    /// Use colours; `auto` looks at the terminal and at NO_COLOR
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Append what is shown to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl Appearance {
    /// The format of the time at the left, if there is one.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        (!self.no_time).then(|| self.time.clone())
    }
}

fn time_format(format: &str) -> Result<String, String> {
    jiff::fmt::strtime::format(format, &Zoned::now()).map_err(|error| error.to_string())?;
    Ok(format.to_owned())
}
