//! What is made from the command line's own description: help, shell completions, the manual page.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_complete::env::Shells;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::chat::Args;
use super::examples;
use crate::exit::{Exit, Failure};
use crate::sys::stdout;

/// When the manual was last changed.
const CHANGED: &str = "2026-11-25";

/// Bytes in a line of the manual's source.
const LINE_BYTES: usize = 80;

/// Prints the help or the version that clap was asked for.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn help(asked: &clap::Error) -> Result<Exit, Failure> {
    let text = asked.render();
    match io::stdout().is_terminal() {
        true => print(text.ansi().to_string().as_bytes()),
        false => print(text.to_string().as_bytes()),
    }
}

/// The variable by which the shell's part of the completions asks this program what a word may become.
pub const COMPLETE: &str = "CHAT_CLIENT_COMPLETE";

/// Prints the completions for a shell: a few lines that ask this program.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let (mut text, name) = (Vec::new(), "chat-client");
    if let Some(completer) = Shells::builtins().completer(&shell.to_string()) {
        completer
            .write_registration(COMPLETE, name, name, name, &mut text)
            .map_err(Failure::local)?;
    }
    print(&text)
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
    let mut command = Args::command();
    // Only then do the subcommands know what they are called in full.
    command.build();
    let man = Man::new(command.clone()).title("CHAT-CLIENT").date(CHANGED);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for subcommand in subcommands(&command) {
        let mut part = Vec::new();
        let man = Man::new(subcommand.clone());
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        examples_of(subcommand.get_name()).to_writer(&mut part)?;
        let heading = format!("chat-client {}", subcommand.get_name());
        Roff::new().control("SH", [heading.as_str()]).to_writer(&mut page)?;
        page.extend(String::from_utf8_lossy(&part).replace("\n.SH ", "\n.SS ").bytes());
    }
    examples_of("").to_writer(&mut page)?;
    let exits = Exit::TABLE.iter().map(|(exit, meaning)| (exit.code().to_string(), *meaning));
    section("EXIT STATUS", exits).to_writer(&mut page)?;
    section("ENVIRONMENT", variables(&command)).to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(tidy(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The page as `mandoc -T lint` wants it: no breaks where there is an empty line anyway, no line with a blank at
/// its end, and none of text that is long.
fn tidy(page: &str) -> String {
    let mut tidy = String::new();
    for line in page.replace(".br\n\n.br\n", "\n").lines() {
        let is_request = line.starts_with(['.', '\'']);
        let mut width = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            // A line that begins with one of the two would be a request.
            let may_break = !is_request && !word.starts_with(['.', '\'']);
            let separator = match width {
                0 => "",
                _ if may_break && width + 1 + word.len() > LINE_BYTES => "\n",
                _ => " ",
            };
            width = if separator == "\n" { 0 } else { width + separator.len() };
            tidy.extend([separator, word]);
            width += word.len();
        }
        tidy.push('\n');
    }
    tidy
}

fn examples_of(command: &str) -> Roff {
    let examples = examples::of(command).iter();
    section("EXAMPLES", examples.map(|(example, meaning)| ((*example).to_owned(), *meaning)))
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
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

/// A list of terms, each with what it means.
fn section(heading: &str, rows: impl IntoIterator<Item = (String, impl Into<String>)>) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [heading]);
    for (term, meaning) in rows {
        section.control("TP", []).text([bold(term)]).text([roman(meaning.into())]);
    }
    section
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
        for word in crate::model::commands::Vocabulary::default().words() {
            assert!(PAGE.contains(&format!("`/{word}")) || word == "say", "/{word}");
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
