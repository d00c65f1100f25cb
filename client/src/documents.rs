//! What is made from the command line's own description: shell completions and the manual page.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::{Exit, Failure};

/// Prints the completions for a shell.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "chat-client", &mut text);
    print(&text)
}

/// Prints the manual page.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn manual() -> Result<Exit, Failure> {
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(Args::command()).render(&mut text);
    rendered.map_err(|error| Failure::new(Exit::Local, error.to_string()))?;
    print(&text)
}

fn print(text: &[u8]) -> Result<Exit, Failure> {
    match io::stdout().write_all(text).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Local, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../docs/client.md");
    const README: &str = include_str!("../../README.md");

    #[test]
    fn the_page_about_the_client_names_every_option_and_exit_code() {
        for argument in Args::command().get_arguments().filter_map(clap::Arg::get_long) {
            assert!(PAGE.contains(&format!("`--{argument}")), "--{argument}");
        }
        for (exit, meaning) in Exit::TABLE {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(PAGE.contains(&row) && README.contains(&row), "{row}");
        }
        for word in crate::typed::words() {
            assert!(PAGE.contains(&format!("`/{word}")) || word == "say", "/{word}");
        }
    }
}
