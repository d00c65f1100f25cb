//! The options of a program, read from a file in [TOML](https://toml.io).
//!
//! A key is the long name of an option, without its dashes. What is said on the command line or in
//! the environment goes before what the file says. This module knows the command line's own
//! description and nothing of what the options mean.
//!
//! The same description makes the [manual page](manual), the [completions] for shells, and what is said of
//! a command line that is wrong ([usage]).

pub mod completions;
pub mod manual;
pub mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::{fs, io};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

/// Options that a file cannot have: the first two print something, the third names the file.
const NEVER: [&str; 3] = ["help", "version", "config"];

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct Wrong {
    /// The line, the first of which is 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub why: String,
}

/// An option that a file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The long name of the option.
    pub key: String,
    /// The option as the command line has it, again for each of its values.
    pub arguments: Vec<OsString>,
}

/// What a file gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Options, in the order of the file.
    pub settings: Vec<Setting>,
    /// What stands in the table of short names, each with what it is short for.
    pub names: BTreeMap<String, String>,
}

/// The text of a file of settings. A pipe to which nobody writes would be waited for without an end; but
/// `/dev/null` is how one says that there is nothing.
///
/// # Errors
///
/// When it cannot be read, or is no regular file.
pub fn text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() && fs::canonicalize(path)? != Path::new("/dev/null") {
        return Err(io::Error::other("it is no regular file"));
    }
    fs::read_to_string(path)
}

/// What stands in `text`: options of `command`, each with a value that it takes, and short names in
/// the table that is called `names`, where the program has such a thing.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn read(text: &str, command: &Command, names: Option<&str>) -> Result<File, Wrong> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Wrong { line: line(at), why: error.message().to_owned() }
    })?;
    let mut entries: Vec<_> = table.into_inner().into_iter().collect();
    // In the order of the file, so that the first fault is the one that is told.
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut file = File::default();
    for (key, value) in &entries {
        let wrong = |why| Wrong { line: line(key.span().start), why };
        if let (true, DeValue::Table(table)) = (names == Some(key.get_ref()), value.get_ref()) {
            for (name, value) in table {
                let long = scalar(name.get_ref(), value.get_ref());
                let long = long.map_err(|why| Wrong { line: line(name.span().start), why })?;
                file.names.insert(name.get_ref().to_string(), long);
            }
            continue;
        }
        let option = option(command, key.get_ref()).map_err(wrong)?;
        let words = words(option, key.get_ref(), value.get_ref()).map_err(wrong)?;
        takes(command, &words).map_err(wrong)?;
        file.settings.push(Setting { key: key.get_ref().to_string(), arguments: words });
    }
    Ok(file)
}

/// `arguments`, of which the first is the program, with the settings that they do not give
/// themselves. `matches` is what they are by themselves. Of two `rivals` only one can hold: whoever gives
/// one of them does without the other one of the file.
#[must_use]
pub fn joined(
    arguments: Vec<OsString>,
    settings: Vec<Setting>,
    matches: &ArgMatches,
    command: &Command,
    rivals: &[[&str; 2]],
) -> Vec<OsString> {
    let is_given = |key: &str| {
        let id = command.get_arguments().find(|option| option.get_long() == Some(key));
        let source = id.and_then(|option| matches.value_source(option.get_id().as_str()));
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let is_out = |key: &str| {
        let pairs = rivals.iter().filter(|pair| pair.contains(&key));
        is_given(key) || pairs.flatten().any(|rival| is_given(rival))
    };
    let given = settings.into_iter().filter(|setting| !is_out(&setting.key));
    let given: Vec<_> = given.flat_map(|setting| setting.arguments).collect();
    let mut arguments = arguments.into_iter();
    arguments.next().into_iter().chain(given).chain(arguments).collect()
}

fn option<'a>(command: &'a Command, key: &str) -> Result<&'a Arg, String> {
    let options = command
        .get_arguments()
        .filter(|option| option.get_long().is_some_and(|long| !NEVER.contains(&long)));
    let mut options: Vec<_> = options.collect();
    if let Some(at) = options.iter().position(|option| option.get_long() == Some(key)) {
        return Ok(options.swap_remove(at));
    }
    let dashed = key.replace('_', "-");
    let meant = options.iter().find(|option| option.get_long() == Some(dashed.trim_matches('-')));
    Err(match meant.and_then(|option| option.get_long()) {
        Some(meant) => format!("there is no {key}; write {meant}"),
        None => {
            format!("there is no {key}; the keys are the options in --help, without their dashes")
        }
    })
}

/// The option with its value, or with each of them.
fn words(option: &Arg, key: &str, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    let flag = OsString::from(format!("--{key}"));
    match (option.get_action(), value) {
        (ArgAction::SetTrue, DeValue::Boolean(true)) => Ok(vec![flag]),
        (ArgAction::SetTrue, DeValue::Boolean(false)) => Ok(Vec::new()),
        (ArgAction::SetTrue, _) => Err(format!("{key} is true or false")),
        (ArgAction::Count, value) => {
            let times = scalar(key, value)?.parse::<u8>().ok().filter(|times| *times <= 9);
            let times = times.ok_or_else(|| format!("{key} is a number from 0 to 9"))?;
            Ok(vec![flag; times.into()])
        }
        (ArgAction::Append, DeValue::Array(values)) => values
            .iter()
            .map(|value| Ok(format!("--{key}={}", scalar(key, value.get_ref())?).into()))
            .collect(),
        (_, value) => Ok(vec![format!("--{key}={}", scalar(key, value)?).into()]),
    }
}

fn scalar(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|error| format!("{key}: {error}")),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        _ => Err(format!("{key} takes a text or a number")),
    }
}

/// Whether the option takes this value, whatever else is given.
fn takes(command: &Command, words: &[OsString]) -> Result<(), String> {
    let program = OsString::from(command.get_name());
    let parsed = command.clone().try_get_matches_from([&[program], words].concat());
    match parsed {
        Err(error)
            if matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) =>
        {
            Err(usage::reason(&error))
        }
        // What an option needs beside it may stand on the command line.
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
mod tests {
    use super::*;

    fn command() -> Command {
        Command::new("p").args([
            Arg::new("rate").long("rate").value_parser(clap::value_parser!(u32)),
            Arg::new("listen").long("listen").action(ArgAction::Append).default_value("here"),
            Arg::new("sync").long("sync").action(ArgAction::SetTrue).requires("data"),
            Arg::new("data").long("data"),
            Arg::new("max-line").long("max-line"),
            Arg::new("verbose").long("verbose").action(ArgAction::Count),
            Arg::new("config").long("config"),
        ])
    }

    #[test]
    fn options_are_read_whatever_their_kind() {
        let text =
            "# all of them\nrate = 0x10\nlisten = ['a:1', \"b:2\"]\nsync = true\nverbose = 2\n";
        let given = read(text, &command(), None).unwrap().settings;
        let words: Vec<_> = given.iter().flat_map(|setting| &setting.arguments).collect();
        assert_eq!(
            words,
            ["--rate=16", "--listen=a:1", "--listen=b:2", "--sync", "--verbose", "--verbose"]
        );
        let given = read("sync = false\nlisten = 'c'\n", &command(), None).unwrap();
        assert_eq!(given.settings.len(), 2);
        let given =
            read("rate = 1\n[servers]\nlab = 'h:1'\n", &command(), Some("servers")).unwrap();
        assert_eq!(given.names, BTreeMap::from([("lab".to_owned(), "h:1".to_owned())]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, why) in [
            ("rate = 1\nrata = 2\n", 2, "there is no rata; the keys"),
            ("max_line = 2\n", 1, "write max-line"),
            ("config = 'x'\n", 1, "there is no config"),
            ("\n\nrate = 'many'\n", 3, "invalid value 'many' for '--rate"),
            ("rate = true\n", 1, "takes a text or a number"),
            ("sync = 'yes'\n", 1, "true or false"),
            ("verbose = -1\n", 1, "0 to 9"),
            ("data = 'a'\nrate = [1\n", 2, "unclosed array"),
            ("data = {a = 1}\n", 1, "takes a text"),
            ("rate = 1\nrate = 2\n", 2, "duplicate key"),
            ("servers = 1\n", 1, "there is no servers"),
            ("[servers]\na = 'x'\nb = true\n", 3, "b takes a text"),
            ("[server]\n", 1, "there is no server"),
        ] {
            let wrong = read(text, &command(), Some("servers")).unwrap_err();
            assert_eq!(wrong.line, line, "{text}: {wrong}");
            assert!(wrong.why.contains(why), "{text}: {wrong}");
        }
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let command = command();
        let settings =
            read("rate = 1\nlisten = 'file'\ndata = 'd'\n", &command, None).unwrap().settings;
        let arguments: Vec<OsString> = ["p", "--rate", "9"].map(OsString::from).to_vec();
        let matches = command.clone().get_matches_from(&arguments);
        let alone = joined(arguments.clone(), settings.clone(), &matches, &command, &[]);
        assert_eq!(alone, ["p", "--listen=file", "--data=d", "--rate", "9"]);
        // What excludes it goes before it as well.
        let rivals = [["data", "rate"], ["sync", "listen"]];
        let joined = joined(arguments, settings, &matches, &command, &rivals);
        assert_eq!(joined, ["p", "--listen=file", "--rate", "9"]);
    }
}
