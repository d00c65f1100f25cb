//! The program.

use std::io;
use std::process::ExitCode;

use chat_check::args::Arguments;
use chat_check::program;
use chat_check::stdout::Patient;
use clap::Parser;
use clap::error::ErrorKind;

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        // Without `--` the words of the server's command are taken for this program's own.
        let is_without = std::env::args().skip(1).all(|word| word != "--");
        if error.kind() == ErrorKind::UnknownArgument && is_without {
            eprintln!("chat-check: put -- before the command that starts your program");
        }
        error.exit()
    });
    match program::main(arguments, &mut Patient(io::stdout())) {
        Ok(exit) => exit.into(),
        Err(problem) => {
            eprintln!("chat-check: {problem}");
            problem.exit().into()
        }
    }
}
