//! What is made from the command line's own description: shell completions, the manual page.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

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
    let mut command = Arguments::command();
    // Only then do the subcommands know what they are called in full.
    command.build();
    let man = Man::new(command.clone()).date(DATE).manual("Chat");
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
        let heading = format!("chat-server {}", subcommand.get_name());
        Roff::new().control("SH", [heading.as_str()]).to_writer(&mut page)?;
        page.extend(String::from_utf8_lossy(&part).replace("\n.SH ", "\n.SS ").bytes());
    }
    let mut exits = Roff::new();
    exits.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXITS {
        exits.control("TP", []).text([bold(code.to_string())]).text([roman(meaning)]);
    }
    exits.control("SH", ["SEE ALSO"]).text([bold("chat-client"), roman("(1)")]);
    exits.to_writer(&mut page)?;
    // clap_mangen breaks the line where a space follows, which does it already.
    let page = String::from_utf8_lossy(&page).replace("\n.br\n\n.br\n", "\n.sp\n").into_bytes();
    Ok(page)
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
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
