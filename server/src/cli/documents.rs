//! What is made from the command line's own description: shell completions, the manual page.

use std::io::{self, Write};

use chat_settings::manual::{self, section};
use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::{Arguments, EXITS};

/// When this version was made, as CHANGELOG.md has it.
const DATE: &str = "2026-11-25";

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "chat-server", &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if shell == Shell::Bash {
        // clap_complete writes the hyphen of a program's name in two ways, and so completes nothing
        // of a subcommand: https://github.com/clap-rs/clap/issues/6421
        text = text.replace("chat__subcmd__server", "chat__server");
    }
    io::stdout().write_all(text.as_bytes())
}

/// Prints the manual page.
pub fn manual() -> io::Result<()> {
    io::stdout().write_all(&page()?)
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
