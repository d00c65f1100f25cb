//! What a typed line means: said as it is, or a command after a slash. Pure.

use std::borrow::Cow;

use protocol::{Command, Secret, Spec};

use super::vocabulary::Vocabulary;

/// What fingers type that learned elsewhere, and what it means here.
const ALIASES: &[(&str, &str)] = &[
    ("nick", "rename"),
    ("names", "look"),
    ("list", "rooms"),
    ("j", "join"),
    ("part", "join main"),
    ("leave", "join main"),
    ("m", "msg"),
    ("w", "msg"),
    ("query", "msg"),
    ("reply", "r"),
    ("exit", "quit"),
    ("q", "quit"),
    ("logout", "quit"),
    ("h", "help"),
    ("?", "help"),
];

/// What to do with a typed line.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// It is blank.
    Nothing,
    /// Send this request.
    Send(String),
    /// Explain this command, or all of them.
    Help(Option<String>),
    /// It lacks a word of this usage, which no server could make up for.
    Incomplete(&'static str),
    /// Answer the user who sent the last private message.
    Reply(String),
    /// Hide the lines that tell who comes and goes, or show them again.
    Quiet,
    /// Hide what this user says, or show it again; or list who is ignored.
    Ignore(Option<String>),
    /// Show which lines of the room have this text.
    Grep(String),
    /// Clear the screen.
    Clear,
    /// Leave.
    Quit,
    /// Send again what a lost connection swallowed.
    Resend,
    /// Try at once to connect again.
    Reconnect,
    /// There is no such command. The second is the one that was perhaps meant.
    Unknown(String, Option<&'static str>),
}

impl Input {
    /// Reads a line without its end, where there are these commands.
    #[must_use]
    pub fn read(line: &str, vocabulary: Vocabulary) -> Self {
        if line.trim().is_empty() {
            return Input::Nothing;
        }
        if let Some((command, name, password)) = confidential(line) {
            let Spec { name: word, usage, .. } = command.spec();
            return match (command, name, password.trim_end()) {
                _ if !vocabulary.has(word) => Input::Unknown((*word).to_owned(), None),
                (_, _, "") => Input::Incomplete(usage),
                (_, "", password) => Input::Send(format!("{word} {password}")),
                (_, name, password) => Input::Send(format!("{word} {name} {password}")),
            };
        }
        let Some(command) = line.strip_prefix('/') else {
            return Input::Send(format!("say {line}"));
        };
        if command.starts_with('/') {
            return Input::Send(format!("say {command}"));
        }
        let command = without_alias(command);
        let (word, rest) = command.split_once(' ').unwrap_or((&command, ""));
        let mut arguments = rest.split_ascii_whitespace();
        if !vocabulary.has(word) {
            return Input::Unknown(word.to_owned(), vocabulary.nearest(word));
        }
        match word {
            "quit" => return Input::Quit,
            "quiet" => return Input::Quiet,
            "ignore" => return Input::Ignore(arguments.next().map(str::to_owned)),
            "clear" => return Input::Clear,
            "r" if rest.trim().is_empty() => return Input::Incomplete("r TEXT"),
            "r" => return Input::Reply(rest.to_owned()),
            "grep" if rest.trim().is_empty() => return Input::Incomplete("grep TEXT"),
            "grep" => return Input::Grep(rest.trim().to_owned()),
            "resend" => return Input::Resend,
            "reconnect" => return Input::Reconnect,
            "help" => {
                let about = arguments.next().map(|word| word.trim_start_matches('/').to_owned());
                return Input::Help(about);
            }
            _ => {}
        }
        match vocabulary.requests().find(|known| known.name == word) {
            Some(known) if arguments.count() < needed(known) => Input::Incomplete(known.usage),
            _ => Input::Send(command.into_owned()),
        }
    }
}

/// The requests that say several lines as they are: nothing in them is a command. Empty lines at the
/// beginning and the end are left out.
///
/// What a server trims must not be lost, so white space at the beginning of a line becomes no-break spaces.
#[must_use]
pub fn verbatim(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<_> = text.split(['\n', '\r']).map(str::trim_end).collect();
    let is_full = |line: &&str| !line.is_empty();
    let start = lines.iter().position(is_full).unwrap_or(lines.len());
    let end = lines.iter().rposition(is_full).map_or(start, |last| last + 1);
    let say = |line: &&str| {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match text {
            "" => "say".to_owned(),
            text => format!("say {}{text}", "\u{a0}".repeat(columns(indent))),
        }
    };
    lines[start..end].iter().map(say).collect()
}

/// How many columns the white space at the beginning of a line takes.
#[must_use]
pub fn columns(indent: &str) -> usize {
    indent.chars().map(|it| if it == '\t' { TAB_COLUMNS } else { 1 }).sum()
}

/// Columns that a tab is worth where it cannot stay one.
const TAB_COLUMNS: usize = 4;

/// The command in this program's own words.
fn without_alias(command: &str) -> Cow<'_, str> {
    let (word, rest) = command.split_at(command.find(' ').unwrap_or(command.len()));
    match ALIASES.iter().find(|(alias, _)| *alias == word) {
        // What it leads to is the whole command.
        Some((_, meant)) if meant.contains(' ') => (*meant).into(),
        Some((_, meant)) => format!("{meant}{rest}").into(),
        None => command.into(),
    }
}

/// The line that was typed for a request: the other way round than [`Input::read`].
#[must_use]
pub fn as_typed(request: &str) -> String {
    match request.strip_prefix("say ") {
        Some(text) if text.starts_with('/') => format!("/{text}"),
        Some(text) => text.to_owned(),
        None => format!("/{request}"),
    }
}

/// How many words must follow a command. Those in brackets need not.
fn needed(command: &Spec) -> usize {
    command.usage.split(' ').skip(1).filter(|word| !word.starts_with('[')).count()
}

/// Whether a typed line holds a password, and is to be kept nowhere.
#[must_use]
pub fn is_secret(line: &str) -> bool {
    secret_start(line).is_some()
}

/// Where the password in a typed line begins, in bytes.
#[must_use]
pub fn secret_start(line: &str) -> Option<usize> {
    confidential(line).map(|(.., secret)| line.len() - secret.len())
}

/// The line as it may be shown: without its password, if it holds one.
#[must_use]
pub fn without_secret(line: &str) -> String {
    match secret_start(line) {
        Some(start) => line[..start].trim().to_owned(),
        None => line.to_owned(),
    }
}

/// The command in a typed line, what stands before its password, and the password. It is meant as one
/// however carelessly the command is typed: in capitals, or behind a space that would make a text of it
/// for everybody to read.
fn confidential(line: &str) -> Option<(Command, &str, &str)> {
    let line = line.trim_start();
    let (word, after) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
    let typed = word.strip_prefix('/')?;
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(typed));
    let command = Command::find_secret(alias.map_or(typed, |(_, meant)| meant).as_bytes())?;
    let argument = after.trim_start();
    if command.spec().secret == Secret::All {
        return Some((command, "", argument));
    }
    let (name, after) =
        argument.split_at(argument.find(char::is_whitespace).unwrap_or(argument.len()));
    let secret = after.trim_start();
    (!secret.is_empty()).then_some((command, name, secret))
}

#[cfg(test)]
mod tests;
