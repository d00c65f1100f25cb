//! The manual page and the help, made from the command line's own description.

use std::io::{self, IsTerminal, Write};

use chat_settings::manual::{self, section};
use chat_settings::usage;
use clap::CommandFactory;

use super::arguments::{Arguments, EXITS};
use super::stdio;

/// When this version was made, as CHANGELOG.md has it.
const DATE: &str = "2026-11-25";

/// Prints the help or the version that clap was asked for.
pub fn help(asked: &clap::Error) -> io::Result<()> {
    stdio::stdout()?.write_all(usage::asked(asked, io::stdout().is_terminal()).as_bytes())
}

/// Prints the manual page.
pub fn manual() -> io::Result<()> {
    stdio::stdout()?.write_all(&page()?)
}

fn page() -> io::Result<Vec<u8>> {
    manual::page(Arguments::command(), DATE, |command| {
        if !command.is_empty() {
            return Vec::new();
        }
        let exits = EXITS.map(|(code, meaning)| (code.to_string(), meaning));
        let other = [("chat-client(1)".to_owned(), "to chat with")];
        vec![section("EXIT STATUS", exits), section("SEE ALSO", other)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_version() {
        let changes = include_str!("../../../CHANGELOG.md");
        let heading = format!("\n## {} ({DATE})\n", env!("CARGO_PKG_VERSION"));
        assert!(changes.contains(&heading), "{heading}");
    }
}
