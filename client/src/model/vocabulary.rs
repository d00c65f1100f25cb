//! The commands that there are, and how each is typed. Pure.
//!
//! They are those of `protocol::Command`, and a few of this program's own. A room without a server knows fewer
//! of them: whatever offers, explains or carries out a command asks the [`Vocabulary`] of the place.

use protocol::{Command, Spec};

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

/// The commands that there are where the user is.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary(&'static [Command]);

/// All commands.
impl Default for Vocabulary {
    fn default() -> Self {
        Self(Command::ALL)
    }
}

impl Vocabulary {
    /// The commands of a room that knows these requests alone.
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

    /// Whether this word can be typed after a slash.
    #[must_use]
    pub fn has(self, word: &str) -> bool {
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

    /// The word that was perhaps meant.
    #[must_use]
    pub fn nearest(self, word: &str) -> Option<&'static str> {
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
