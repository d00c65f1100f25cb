//! The command line. Nothing here connects, prints or reads a terminal.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::{env, io};

use clap::{ColorChoice, Parser, Subcommand};
use jiff::Zoned;

use crate::exit::{Exit, Failure};
use crate::lan::Lan;
use crate::render::Looks;
use crate::script::args::Task;

/// Where a server is looked for when none is named.
pub const DEFAULT_SERVER: &str = "127.0.0.1:6666";

/// Talk in a chat room.
///
/// On a terminal it is a prompt with the chat above it. With a pipe at its standard input it sends
/// each line of it as a request, prints every line from the server, and ends when the server has
/// answered everything.
#[derive(Debug, Parser)]
#[command(version, after_help = Exit::help(), args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead of chatting
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The server
    #[arg(long, env = "CHAT_SERVER", value_name = "HOST:PORT", default_value = DEFAULT_SERVER)]
    #[arg(value_parser = server)]
    pub server: String,

    /// Log in under this name; without it, a terminal asks
    #[arg(long, env = "CHAT_NAME", value_parser = one_line)]
    pub name: Option<String>,

    /// Go to this room after the login
    #[arg(long, env = "CHAT_ROOM", value_parser = one_line)]
    pub room: Option<String>,

    /// How the chat is shown
    #[command(flatten)]
    pub appearance: Appearance,
}

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
    #[arg(long)]
    pub quiet: bool,

    /// Use colours; `auto` looks at the terminal and at NO_COLOR
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Append what is shown to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What scripts do
    #[command(flatten)]
    Script(Task),
    /// Chat without a server: everybody on the local network who opens the same port
    ///
    /// As without a subcommand it is a prompt on a terminal, and a filter in a pipe.
    #[command(after_help = Exit::help())]
    Lan(Lan),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Args {
    /// The name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        given(self.name.as_deref())
    }

    /// The room to go to, if it is not the one that a login leads to.
    #[must_use]
    pub fn room(&self) -> Option<&str> {
        given(self.room.as_deref())
    }
}

impl Appearance {
    /// How lines look.
    #[must_use]
    pub fn looks(&self) -> Looks {
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !is_unwanted && io::stdout().is_terminal()
            }
        };
        Looks { color, bell: !self.no_bell, quiet: self.quiet }
    }

    /// The format of the time at the left, if there is one.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        (!self.no_time).then(|| self.time.clone())
    }
}

/// What is wrong with a command line, in one line. clap itself takes several.
#[must_use]
pub fn misused(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let what = text.split("\n\nUsage:").next().unwrap_or_default();
    let what = what.split("\n\nFor more").next().unwrap_or_default();
    let mut reason = String::new();
    for line in what.lines().map(str::trim).filter(|line| !line.is_empty()) {
        reason += match reason.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) => "; ",
        };
        reason += line.trim_start_matches("error: ");
    }
    Failure::new(Exit::Usage, reason + "; see --help")
}

/// An empty variable in the environment is no answer.
pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Where to go, which is the usual place when it is not said.
pub(crate) fn server(text: &str) -> Result<String, Infallible> {
    Ok(given(Some(text)).unwrap_or(DEFAULT_SERVER).to_owned())
}

/// What goes to the server as part of a line must not end that line.
pub(crate) fn one_line(text: &str) -> Result<String, &'static str> {
    if text.contains(['\n', '\r']) {
        return Err("a name is one line");
    }
    Ok(text.to_owned())
}

fn time_format(format: &str) -> Result<String, String> {
    jiff::fmt::strtime::format(format, &Zoned::now()).map_err(|error| error.to_string())?;
    Ok(format.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_as_good_as_not_given() {
        let args = ["chat-client", "--server", " ", "--name", ""];
        let args = Args::try_parse_from(args).unwrap();
        assert_eq!((args.server.as_str(), args.name()), (DEFAULT_SERVER, None));
    }
}
