//! What a shell may offer for a word of the command line: options, files where a file is meant, and the
//! addresses of this machine where one can listen.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::Ipv4Addr;

use chat_discovery::network::interfaces;
use chat_settings::completions;
use clap::{Command, CommandFactory, ValueHint};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use protocol::limits::PORT;

use super::arguments::Arguments;

/// The variable by which the shell's part of the completions asks this program.
const VARIABLE: &str = "CHAT_SERVER_COMPLETE";

/// The options that take an address, each with the port that the pages of this project have for it.
const LISTENERS: [(&str, u16); 5] =
    [("listen", PORT), ("classic", PORT + 1), ("web", 8080), ("tls", 6697), ("web_tls", 8443)];

/// The lines for a shell.
pub fn registration(shell: Shell) -> io::Result<Vec<u8>> {
    completions::registration(shell, "chat-server", VARIABLE)
}

/// Answers a shell that asks. False when none does.
pub fn answer(arguments: Vec<OsString>) -> io::Result<bool> {
    completions::answer(command, VARIABLE, arguments)
}

/// The command line, which knows what to offer.
fn command() -> Command {
    let known = |command: Command| {
        command.mut_args(|argument| {
            let id = argument.get_id().as_str().to_owned();
            if let Some((_, port)) = LISTENERS.iter().find(|(listener, _)| *listener == id) {
                return argument.add(ArgValueCompleter::new(move |word: &OsStr| {
                    offer(word, addresses(*port))
                }));
            }
            // Where it is no file, none is offered.
            match argument.get_value_hint() {
                ValueHint::Unknown if argument.get_action().takes_values() => {
                    argument.value_hint(ValueHint::Other)
                }
                _ => argument,
            }
        })
    };
    known(Arguments::command()).mut_subcommands(known)
}

/// Where this machine can listen: for itself alone, for everybody, in one network.
fn addresses(port: u16) -> Vec<String> {
    let own = interfaces().unwrap_or_default().into_iter().flat_map(|it| it.addresses);
    let all = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED].into_iter().chain(own);
    all.map(|address| format!("{address}:{port}")).chain([format!("[::]:{port}")]).collect()
}

fn offer(word: &OsStr, values: Vec<String>) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy();
    let fits = |value: &String| value.starts_with(&*word);
    values.into_iter().filter(fits).map(CompletionCandidate::new).collect()
}
