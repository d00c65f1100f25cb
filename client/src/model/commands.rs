//! What a typed line means: said as it is, or a command after a slash. Pure.
//!
//! The commands are those of `protocol::Command`, and a few of this program's own.

use std::borrow::Cow;

use protocol::{Command, Secret, Spec};

/// A command that this program carries out by itself.
#[derive(Debug)]
pub struct Local {
    /// The word after the slash.
    pub name: &'static str,
    /// The word and what follows it.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
}

/// The commands that no server knows.
pub const LOCAL: &[Local] = &[
    Local { name: "r", usage: "r TEXT", help: "answer whoever wrote to you alone last" },
    Local {
        name: "quiet",
        usage: "quiet",
        help: "do not show who comes and goes, or show it again",
    },
    Local {
        name: "ignore",
        usage: "ignore [NAME]",
        help: "hide what NAME says, or show it again; list who is ignored",
    },
    Local { name: "grep", usage: "grep TEXT", help: "show what this room said with TEXT in it" },
    Local { name: "clear", usage: "clear", help: "clear the screen; so does Ctrl-L" },
    Local { name: "quit", usage: "quit", help: "leave; so does Ctrl-D" },
    Local { name: "resend", usage: "resend", help: "send again what a lost connection swallowed" },
    Local { name: "reconnect", usage: "reconnect", help: "try at once to connect again" },
];

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

/// Commands that speak to everybody or act on others. To suggest one of them for a slip of the fingers
/// could publish a secret, or put somebody out.
const LOUD: [Command; 8] = [
    Command::Say,
    Command::Me,
    Command::Topic,
    Command::Operator,
    Command::Kick,
    Command::Mute,
    Command::Ban,
    Command::Announce,
];

/// Requests that make no sense here: who is logged in is in a room, `/quit`, `/ignore` and `/help` do it
/// better, and positions are for programs.
const NOT_TYPED: [Command; 6] = [
    Command::Login,
    Command::Watch,
    Command::Logout,
    Command::Since,
    Command::Ignore,
    Command::Unignore,
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
    /// Answer whoever wrote to this user alone last.
    Reply(String),
    /// Hide who comes and goes, or show it again.
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

/// The commands that there are where the user is.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary(&'static [Command]);

/// All of them.
impl Default for Vocabulary {
    fn default() -> Self {
        Self(Command::ALL)
    }
}

impl Vocabulary {
    /// Those of a room that knows these requests alone.
    #[must_use]
    pub fn of(requests: &'static [Command]) -> Self {
        Self(requests)
    }

    /// The requests that can be typed after a slash.
    pub fn requests(self) -> impl Iterator<Item = &'static Spec> {
        self.0.iter().filter(|command| !NOT_TYPED.contains(command)).map(|it| it.spec())
    }

    /// The commands that this program carries out by itself. To answer somebody alone is a request in the end.
    pub fn local(self) -> impl Iterator<Item = &'static Local> {
        let has_private = self.0.contains(&Command::Message);
        LOCAL.iter().filter(move |local| has_private || local.name != "r")
    }

    /// Every word that can be typed after a slash.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.requests().map(|command| command.name).chain(self.local().map(|local| local.name))
    }

    fn has(self, word: &str) -> bool {
        self.words().any(|known| known == word)
    }

    /// How a command is typed.
    #[must_use]
    pub fn usage(self, word: &str) -> Option<&'static str> {
        let request = self.requests().find(|command| command.name == word).map(|it| it.usage);
        request.or_else(|| self.local().find(|local| local.name == word).map(|local| local.usage))
    }

    /// The commands with this name, or all of them: how each is typed, and what it does.
    #[must_use]
    pub fn explained(self, about: Option<&str>) -> Vec<(String, &'static str)> {
        let requests = self
            .requests()
            .filter(|command| command.name != Command::Help.spec().name)
            .map(|command| (command.name, command.usage, command.help));
        let local = self.local().map(|local| (local.name, local.usage, local.help));
        requests
            .chain(local)
            .filter(|(name, ..)| about.is_none_or(|about| about == *name))
            .map(|(_, usage, help)| (format!("/{usage}"), help))
            .collect()
    }

    fn nearest(self, word: &str) -> Option<&'static str> {
        // Two slips in a word of three letters make any other word of it.
        let slips = if word.chars().count() < 4 { 1 } else { 2 };
        let is_loud = |word: &&str| LOUD.iter().any(|command| command.spec().name == *word);
        self.words()
            .filter(|word| !is_loud(word))
            .map(|known| (strsim::damerau_levenshtein(word, known), known))
            // Something of what was typed must be left.
            .filter(|(distance, _)| *distance <= slips && *distance < word.chars().count())
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known)
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
