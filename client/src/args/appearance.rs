//! How the chat is shown on a terminal.

use std::path::PathBuf;

use clap::ColorChoice;
use jiff::Zoned;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};

/// The time at the left, unless the user wants another.
const TIME: &str = "%H:%M";

/// How the chat is shown on a terminal.
#[derive(Debug, Clone, clap::Args)]
pub struct Appearance {
    /// Write the time at the left in this strftime format
    #[arg(long, default_value = TIME, value_name = "FORMAT", value_parser = time_format)]
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

    /// Whole lines and no escape sequences, as on a terminal that cannot move its cursor
    #[arg(long)]
    pub plain: bool,

    /// Run this command of the shell when somebody names you or writes to you alone
    ///
    /// The line is in the variable CHAT_LINE.
    #[arg(long, value_name = "COMMAND")]
    pub on_mention: Option<String>,

    /// Append what is shown to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl Appearance {
    /// The options that were given and mean nothing without a prompt.
    #[must_use]
    pub fn only_at_a_prompt(&self) -> Vec<&'static str> {
        let given = [
            ("--log", self.log.is_some()),
            ("--quiet", self.quiet),
            ("--time", self.time != TIME),
            ("--no-time", self.no_time),
            ("--no-bell", self.no_bell),
            ("--on-mention", self.on_mention.is_some()),
            ("--plain", self.plain),
            ("--color", self.color != ColorChoice::Auto),
        ];
        given.iter().filter(|(_, is_given)| *is_given).map(|(option, _)| *option).collect()
    }

    /// The format of the time at the left, if there is one.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        (!self.no_time).then(|| self.time.clone())
    }
}

/// The time as the C library's `strftime` writes it in its plain locale, `%c` and `%x` too.
///
/// # Errors
///
/// When the format has a part that means nothing.
pub fn written(at: &Zoned, format: &str) -> Result<String, jiff::Error> {
    let as_in_c = Config::new().custom(PosixCustom::new());
    BrokenDownTime::from(at).to_string_with_config(&as_in_c, format)
}

fn time_format(format: &str) -> Result<String, String> {
    written(&Zoned::now(), format).map_err(|error| error.to_string())?;
    Ok(format.to_owned())
}
