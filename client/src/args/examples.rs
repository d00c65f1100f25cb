//! Examples of each command, for its help and for the manual.

use crate::exit::Exit;

/// By command; the program alone is the empty one. An example, and what it is for.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("chat-client --name al", "chat at a prompt"),
            ("printf 'say hello\\nlook\\n' | chat-client --name al", "send two requests"),
        ],
    ),
    (
        "say",
        &[
            ("chat-client say --name ci -- \"$text\"", "a text that may look like an option"),
            (
                "make 2>&1 | chat-client say --name ci --plain",
                "what a program prints, without colours",
            ),
            ("chat-client say --name ci --to bob 'all done'", "to one user alone"),
        ],
    ),
    ("look", &[("chat-client look --room den", "who is there; nobody sees who asks")]),
    ("rooms", &[("chat-client rooms --json | jq -r .room", "the names of the rooms")]),
    (
        "find",
        &[
            ("chat-client find", "who serves a chat here"),
            (
                "chat-client --server \"$(chat-client find | awk 'NR == 1 { print $2 }')\"",
                "talk at the first that is found",
            ),
        ],
    ),
    ("history", &[("chat-client history 100 --room den", "the last hundred lines")]),
    (
        "follow",
        &[
            ("chat-client follow --reconnect >> chat.log", "keep a log for as long as it runs"),
            ("chat-client follow --from bob --type say --json", "what bob says, as objects"),
        ],
    ),
    (
        "wait",
        &[(
            "chat-client wait --match '^alice: go( |$)' --timeout 60",
            "until alice says so, or a minute",
        )],
    ),
    (
        "ask",
        &[("chat-client ask --name al '!roll 2d6' --match '^dice: ' --timeout 10", "ask a bot")],
    ),
    ("me", &[("chat-client me --name al waves", "the room sees `* al waves`")]),
    (
        "topic",
        &[
            ("chat-client topic --room den", "print it"),
            ("chat-client topic --name al tea at four", "set it"),
        ],
    ),
    (
        "announce",
        &[("chat-client announce --name op --password-file pw 'back at ten'", "tell everyone")],
    ),
    ("who", &[("chat-client who --name op --password-file pw --json", "one object a connection")]),
    ("kick", &[("chat-client kick --name op --password-file pw bob enough", "with a reason")]),
    ("mute", &[("chat-client mute --name op --password-file pw bob 10", "for ten minutes")]),
    (
        "ban",
        &[("chat-client ban --name op --password-file pw 10.0.0.7 60", "an address, for an hour")],
    ),
    (
        "bot",
        &[(
            "chat-client bot --name dice --restart --reconnect ./dice.sh",
            "keep a bot in the room",
        )],
    ),
    ("lan", &[("chat-client lan 7777 --name al", "with everybody who opens port 7777")]),
    (
        "completions",
        &[(
            "chat-client completions bash > ~/.local/share/bash-completion/completions/chat-client",
            "for bash",
        )],
    ),
    ("man", &[("chat-client man | man -l -", "read it")]),
];

/// The examples of a command, each with what it is for.
#[must_use]
pub fn of(command: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

/// What stands at the end of a command's help.
#[must_use]
pub fn help(command: &str) -> String {
    let mut help = "Examples:\n".to_owned();
    for (example, meaning) in of(command) {
        help += &format!("  {example}\n      {meaning}\n");
    }
    help + "\n" + &Exit::help()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{CommandFactory, Parser};

    use super::super::chat::{Args, in_order};
    use super::*;

    /// The words of the last command of a line of the shell, up to a pipe or a redirection.
    fn words(line: &str) -> Vec<OsString> {
        let line = &line[line.rfind("chat-client ").unwrap()..];
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for character in line.chars().chain([' ']) {
            match (character, quote) {
                (end, Some(open)) if end == open => quote = None,
                ('\'' | '"', None) => quote = Some(character),
                ('>' | '|', None) => break,
                (' ', None) => words.push(std::mem::take(&mut word).into()),
                _ => word.push(character),
            }
        }
        words
    }

    #[test]
    fn every_command_has_examples_that_it_understands() {
        let command = Args::command();
        let names = command.get_subcommands().map(clap::Command::get_name);
        for name in names.chain([""]) {
            assert!(!of(name).is_empty(), "{name}");
            for (example, _) in of(name) {
                let args = Args::try_parse_from(in_order(words(example)));
                assert!(args.is_ok(), "{example}: {:?}", args.err());
            }
        }
    }
}
