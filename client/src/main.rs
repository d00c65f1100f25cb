//! Arguments, mode, exit code. This is the only file that ends the process.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use chat_client::args::{Args, Command};
use chat_client::exit::{Exit, Failure};
use chat_client::{documents, interactive, lan, pipe, script};
use clap::Parser;

fn main() -> ExitCode {
    let code = run(&Args::parse()).unwrap_or_else(|failure| {
        eprintln!("chat-client: {failure}");
        failure.exit.code()
    });
    ExitCode::from(code)
}

fn run(args: &Args) -> Result<u8, Failure> {
    match &args.command {
        Some(Command::Script(task)) => return script::run(task),
        Some(Command::Lan(lan)) => lan::run(lan),
        Some(Command::Completions { shell }) => documents::completions(*shell),
        Some(Command::Man) => documents::manual(),
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => interactive::run(args),
        None => pipe::run(&args.server, args.name.as_deref(), args.room()).map(|()| Exit::Done),
    }
    .map(Exit::code)
}
