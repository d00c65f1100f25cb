//! The manual page of a program, from the description of its command line.
//!
//! It is in the language of man(7), such that `mandoc -T lint` has nothing to say.

use std::io;

use clap::Command;
use clap_mangen::Man;
pub use clap_mangen::roff::Roff;
use clap_mangen::roff::{bold, roman};

/// Bytes in a line of the page's source.
const LINE_BYTES: usize = 80;

/// The page of `program`, with a part for each of its subcommands. `date` is when it was last changed.
/// `more` makes what follows the options of the subcommand with that name, and of the program itself,
/// whose name here is empty.
///
/// # Errors
///
/// None but those of clap_mangen, which writes into memory.
pub fn page(
    mut program: Command,
    date: &str,
    more: impl Fn(&str) -> Vec<Roff>,
) -> io::Result<Vec<u8>> {
    // Only then do the subcommands know what they are called in full.
    program.build();
    let name = program.get_name().to_owned();
    let man = Man::new(program.clone()).title(name.to_uppercase()).date(date).manual("Chat");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for subcommand in subcommands(&program) {
        let mut part = Vec::new();
        let man = Man::new(subcommand.clone());
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        for section in more(subcommand.get_name()) {
            section.to_writer(&mut part)?;
        }
        let heading = format!("{name} {}", subcommand.get_name());
        Roff::new().control("SH", [heading.as_str()]).to_writer(&mut page)?;
        page.extend(String::from_utf8_lossy(&part).replace("\n.SH ", "\n.SS ").bytes());
    }
    for section in more("") {
        section.to_writer(&mut page)?;
    }
    man.render_version_section(&mut page)?;
    Ok(tidy(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The subcommands that a page has: all but clap's own `help`.
pub fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
}

/// A list of terms, each with what it means.
#[must_use]
pub fn section(heading: &str, rows: impl IntoIterator<Item = (String, impl Into<String>)>) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [heading]);
    for (term, meaning) in rows {
        section.control("TP", []).text([bold(term)]).text([roman(meaning.into())]);
    }
    section
}

/// The page without what `mandoc` finds wrong: breaks where there is an empty line anyway, lines with a
/// blank at their end, and lines of text that are long.
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
