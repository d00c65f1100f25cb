//! What a typed line means: said as it is, or a command after a slash. Pure.
//!
//! The commands are those of `protocol::COMMANDS`, and a few of this program's own.

use protocol::{COMMANDS, Command, Request};

/// A command that this program carries out by itself.
#[derive(Debug)]
pub struct Local {
    /// The word after the slash.
    pub name: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
}

/// The commands that no server knows.
pub const LOCAL: &[Local] = &[
    Local { name: "quit", help: "leave; so does Ctrl-D" },
    Local { name: "resend", help: "send again what a lost connection swallowed" },
];

/// Requests that make no sense here: the login is done, and `/quit` and `/help` do it better.
const NOT_TYPED: [&str; 2] = ["login", "logout"];

/// What to do with a typed line.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// It is blank.
    Nothing,
    /// Send this request.
    Send(String),
    /// Explain the commands.
    Help,
    /// Leave.
    Quit,
    /// Send again what a lost connection swallowed.
    Resend,
    /// There is no such command. The second is the one that was perhaps meant.
    Unknown(String, Option<&'static str>),
}

impl Typed {
    /// Reads a line without its end.
    #[must_use]
    pub fn read(line: &str) -> Self {
        if line.trim().is_empty() {
            return Typed::Nothing;
        }
        let Some(command) = line.strip_prefix('/') else {
            return Typed::Send(format!("say {line}"));
        };
        if command.starts_with('/') {
            return Typed::Send(format!("say {command}"));
        }
        let word = command.split(' ').next().unwrap_or_default();
        match word {
            "quit" | "logout" => Typed::Quit,
            "resend" => Typed::Resend,
            "help" => Typed::Help,
            _ if commands().any(|known| known.name == word) => Typed::Send(command.to_owned()),
            _ => Typed::Unknown(word.to_owned(), nearest(word)),
        }
    }
}

/// The line that was typed for a request: the other way round than [`Typed::read`].
#[must_use]
pub fn as_typed(request: &str) -> String {
    match request.strip_prefix("say ") {
        Some(text) if text.starts_with('/') => format!("/{text}"),
        Some(text) => text.to_owned(),
        None => format!("/{request}"),
    }
}

/// The server's commands that can be typed after a slash.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| !NOT_TYPED.contains(&command.name))
}

/// Every word that can be typed after a slash.
pub fn words() -> impl Iterator<Item = &'static str> {
    commands().map(|command| command.name).chain(LOCAL.iter().map(|local| local.name))
}

/// Whether a typed line holds a password, and is to be kept nowhere.
#[must_use]
pub fn is_secret(line: &str) -> bool {
    let word = line.trim_start().split(char::is_whitespace).next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("/op"))
}

fn nearest(word: &str) -> Option<&'static str> {
    // Two slips in a word of three letters make any other word of it.
    let slips = if word.chars().count() < 4 { 1 } else { 2 };
    words()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The text that a request carries, as its sender typed it: what is worth keeping when it is lost.
#[must_use]
pub fn carries_text(request: &Request<'_>) -> bool {
    match request {
        Request::Say(_) | Request::Me(_) | Request::Message { .. } => true,
        Request::Topic(text) => !text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_secret() {
        for (line, expected) in
            [("/op x", true), (" /OP\tx", true), ("/opera", false), ("op x", false), ("", false)]
        {
            assert_eq!(is_secret(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_typed_is_said_unless_it_is_a_command() {
        let send = |line: &str| Typed::Send(line.to_owned());
        let unknown = |word: &str, meant| Typed::Unknown(word.to_owned(), meant);
        for (line, expected) in [
            ("", Typed::Nothing),
            ("  ", Typed::Nothing),
            ("hi", send("say hi")),
            ("say hi", send("say say hi")),
            ("//look", send("say /look")),
            ("/look", send("look")),
            ("/msg bo  hi", send("msg bo  hi")),
            ("/quit", Typed::Quit),
            ("/logout", Typed::Quit),
            ("/resend", Typed::Resend),
            ("/help", Typed::Help),
            ("/help me", Typed::Help),
            ("/lokk", unknown("lokk", Some("look"))),
            ("/jion main", unknown("jion", Some("join"))),
            ("/qiut", unknown("qiut", Some("quit"))),
            ("/m", unknown("m", Some("me"))),
            ("/login x", unknown("login", Some("join"))),
            ("/xyzzy", unknown("xyzzy", None)),
            ("/", unknown("", None)),
        ] {
            let typed = Typed::read(line);
            assert_eq!(typed, expected, "{line:?}");
            if let Typed::Send(request) = typed {
                assert_eq!(as_typed(&request), line);
            }
        }
    }
}
