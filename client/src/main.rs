//! Arguments, mode, exit code. This is the only file that ends the process.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use chat_client::args::{Args, Command};
use chat_client::exit::{Exit, Failure};
use chat_client::{documents, interactive, pipe};
use clap::Parser;

fn main() -> ExitCode {
    let exit = run(&Args::parse()).unwrap_or_else(|failure| {
        eprintln!("chat-client: {failure}");
        failure.exit
    });
    ExitCode::from(exit.code())
}

fn run(args: &Args) -> Result<Exit, Failure> {
    match args.command {
        Some(Command::Completions { shell }) => documents::completions(shell),
        Some(Command::Man) => documents::manual(),
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => interactive::run(args),
        None => pipe::run(&args.server, args.name.as_deref()).map(|()| Exit::Done),
    }
}
