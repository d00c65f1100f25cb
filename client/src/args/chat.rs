//! The command line as a whole.

use std::ffi::OsString;
use std::time::Duration;

use chat_settings::usage;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueHint};

use super::appearance::Appearance;
use super::examples;
use super::lan::Lan;
use super::limits::seconds;
use super::script::Task;
use super::server::ServerArgs;
use crate::exit::{Exit, Failure};

/// Talk in a chat room.
///
/// On a terminal it is a prompt with the chat above it. With a pipe at its standard input it sends
/// each line of it as a request, prints every line from the server, and ends when the server has
/// answered everything.
///
/// Options of the prompt, and short names of servers, may stand in ~/.config/chat-client/config.toml. The
/// command line goes before the environment, that before the file, and the file before the default.
#[derive(Debug, Parser)]
#[command(version = protocol::VERSION, after_help = examples::help(""), args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead of chatting
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where to go, and as whom
    #[command(flatten)]
    pub server: ServerArgs,

    /// In a pipe: give up after so long, all in all, with exit code 1
    #[arg(long, value_name = "SECONDS", value_hint = ValueHint::Other, value_parser = seconds, allow_negative_numbers = true)]
    pub timeout: Option<Duration>,

    /// How the chat is shown
    #[command(flatten)]
    pub appearance: Appearance,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What scripts do
    #[command(flatten)]
    Script(Box<Task>),
    /// Chat without a server: everybody on the local network who opens the same port
    ///
    /// As without a subcommand it is a prompt on a terminal, and a filter in a pipe.
    #[command(after_help = examples::help("lan"))]
    Lan(Lan),
    /// Print the completions for a shell
    #[command(after_help = examples::help("completions"))]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = examples::help("man"))]
    Man,
}

/// The arguments with the subcommand in front, as in `chat-client --name al say hi`: what stands before it
/// is meant for it. The first one is the program.
#[must_use]
pub fn in_order(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let command = Args::command();
    let is_command = |word: &str| word == "help" || command.find_subcommand(word).is_some();
    let takes_value = |word: &str| {
        let is_meant = |argument: &&clap::Arg| match word.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long),
            None => argument.get_short().is_some_and(|short| word == format!("-{short}")),
        };
        match command.get_arguments().find(is_meant) {
            Some(argument) => argument.get_action().takes_values(),
            // They are options of subcommands alone.
            None => matches!(word, "--connect-timeout" | "--retry"),
        }
    };
    let mut at = 1;
    while let Some(word) = arguments.get(at).and_then(|argument| argument.to_str()) {
        if !word.starts_with('-') || word == "--" {
            if is_command(word) {
                arguments[1..=at].rotate_right(1);
            }
            break;
        }
        at += if takes_value(word) { 2 } else { 1 };
    }
    arguments
}

/// Whether errors are to be objects, as far as that is known of arguments that make no sense.
#[must_use]
pub fn wants_objects(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json-errors")
}

/// What is wrong with a command line, in one line.
#[must_use]
pub fn misused(error: &clap::Error) -> Failure {
    Failure::new(Exit::Usage, usage::wrong(error))
}

/// What is wrong with a `say` whose words have a `--help` among them. Help is no success there: the other
/// words were to be said.
#[must_use]
pub fn unsaid(asked: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    let says = arguments.get(1).is_some_and(|command| command == "say") && arguments.len() > 3;
    (says && asked.kind() == ErrorKind::DisplayHelp).then(|| {
        let reason = "nothing was said, for -h and --help ask for help; put -- before the text, \
                      or see say --help";
        Failure::new(Exit::Usage, reason)
    })
}

#[cfg(test)]
mod tests {
    use super::super::server::DEFAULT_SERVER;
    use super::*;

    #[test]
    fn options_may_stand_before_the_subcommand() {
        let order = |line: &str| {
            let arguments = line.split(' ').map(OsString::from).collect();
            in_order(arguments).join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        for (line, expected) in [
            ("c --name al say hi", "c say --name al hi"),
            ("c -n say say hi", "c say -n say hi"),
            ("c --name=al --timeout 3 look --json", "c look --name=al --timeout 3 --json"),
            ("c --quiet say", "c say --quiet"),
            ("c say --name al hi", "c say --name al hi"),
            ("c --name say", "c --name say"),
            ("c -- say", "c -- say"),
            ("c --name al sya hi", "c --name al sya hi"),
        ] {
            assert_eq!(order(line), expected);
        }
    }

    #[test]
    fn what_is_empty_is_as_good_as_not_given() {
        let args = ["chat-client", "--server", " ", "--name", ""];
        let server = Args::try_parse_from(args).unwrap().server;
        assert_eq!((server.server.as_str(), server.name()), (DEFAULT_SERVER, None));
    }
}
