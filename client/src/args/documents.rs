//! What is made from the command line's own description: help, shell completions, the manual page.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use chat_settings::manual::{self, Roff, section, subcommands};
use chat_settings::{completions, usage};
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::chat::Args;
use super::examples;
use crate::exit::{Exit, Failure};
use crate::sys::stdout;

/// When the manual was last changed.
const CHANGED: &str = "2026-11-25";

/// Prints the help or the version that clap was asked for.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn help(asked: &clap::Error) -> Result<Exit, Failure> {
    print(usage::asked(asked, io::stdout().is_terminal()).as_bytes())
}

/// The variable by which the shell's part of the completions asks this program what a word may become.
pub const COMPLETE: &str = "CHAT_CLIENT_COMPLETE";

/// Prints the completions for a shell: a few lines that ask this program.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let text = completions::registration(shell, "chat-client", COMPLETE);
    print(&text.map_err(Failure::local)?)
}

/// Prints the manual page, with a part for each subcommand.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn manual() -> Result<Exit, Failure> {
    print(&page().map_err(Failure::local)?)
}

fn page() -> io::Result<Vec<u8>> {
    manual::page(Args::command(), CHANGED, |command| {
        let mut sections = vec![examples_of(command)];
        if command.is_empty() {
            let exits = Exit::TABLE.iter();
            let exits = exits.map(|(exit, meaning)| (exit.code().to_string(), *meaning));
            sections.push(section("EXIT STATUS", exits));
            sections.push(section("ENVIRONMENT", variables(&Args::command())));
        }
        sections
    })
}

fn examples_of(command: &str) -> Roff {
    let examples = examples::of(command).iter();
    section("EXAMPLES", examples.map(|(example, meaning)| ((*example).to_owned(), *meaning)))
}

/// The variables that stand in for options, each with the option.
fn variables(command: &Command) -> BTreeMap<String, String> {
    let commands = std::iter::once(command).chain(subcommands(command));
    let arguments = commands.flat_map(Command::get_arguments);
    let named = arguments.filter_map(|argument| {
        let variable = argument.get_env()?.to_string_lossy().into_owned();
        Some((variable, format!("--{}, where it is not given", argument.get_long()?)))
    });
    named.collect()
}

/// Whether somebody reads it is not asked.
fn print(text: &[u8]) -> Result<Exit, Failure> {
    stdout::print(&mut stdout::unbuffered()?, text).map(|_| Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/client.md");

    #[test]
    fn the_page_about_the_client_names_every_option_and_exit_code() {
        for argument in Args::command().get_arguments().filter_map(clap::Arg::get_long) {
            assert!(PAGE.contains(&format!("`--{argument}")), "--{argument}");
        }
        for (exit, meaning) in Exit::TABLE {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(PAGE.contains(&row), "{row}");
        }
        for word in crate::model::vocabulary::Vocabulary::default().words() {
            assert!(PAGE.contains(&format!("`/{word}")) || word == "say", "/{word}");
        }
    }

    #[test]
    fn under_the_heading_of_tls_stands_nothing_else() {
        let mut command = Args::command();
        command.build();
        for command in command.get_subcommands().chain([&command]) {
            let is_under = |option: &&clap::Arg| option.get_help_heading() == Some("TLS");
            let under = command.get_arguments().filter(is_under).filter_map(clap::Arg::get_long);
            let under: Vec<_> = under.collect();
            let has_tls = command.get_arguments().any(|option| option.get_long() == Some("tls"));
            let expected = if has_tls { &["tls", "ca", "pin"][..] } else { &[] };
            assert_eq!(under, expected, "{}", command.get_name());
        }
    }

    #[test]
    fn the_manual_has_every_subcommand_option_exit_code_and_variable() {
        let manual = String::from_utf8(page().unwrap()).unwrap().replace('\\', "");
        let mut command = Args::command();
        command.build();
        for subcommand in subcommands(&command) {
            let heading = format!(".SH \"chat-client {}\"\n", subcommand.get_name());
            let part = manual.split_once(&heading).expect(&heading).1;
            let part = part.split("\n.SH").next().unwrap();
            for argument in subcommand.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(part.contains(&format!("fB--{argument}fR")), "--{argument}: {part}");
            }
        }
        let exits = manual.split_once(".SH \"EXIT STATUS\"\n").unwrap().1;
        for (exit, meaning) in Exit::TABLE {
            let row = format!(".TP\nfB{}fR\n{meaning}\n", exit.code());
            assert!(exits.contains(&row), "{row} {exits}");
        }
        for variable in ["CHAT_SERVER", "CHAT_NAME", "CHAT_ROOM"] {
            assert!(exits.contains(&format!("fB{variable}fR")), "{variable}");
        }
    }
}
