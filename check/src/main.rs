//! The program.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use chat_check::args::Arguments;
use chat_check::program::{self, Problem, print};
use chat_check::stdout::Patient;
use chat_settings::usage;
use clap::Parser;
use clap::error::ErrorKind;

fn main() -> ExitCode {
    let mut stdout = Patient(io::stdout());
    let result = match Arguments::try_parse() {
        Ok(arguments) => program::main(arguments, &mut stdout),
        Err(error) if error.use_stderr() => Err(misused(&error)),
        Err(asked) => print(&mut stdout, &usage::asked(&asked, io::stdout().is_terminal())),
    };
    let exit = result.unwrap_or_else(|problem| {
        // Where it cannot be written, the exit code still tells.
        let _ = Patient(io::stderr()).write_all(format!("chat-check: {problem}\n").as_bytes());
        problem.exit()
    });
    exit.into()
}

/// What is wrong with the command line.
fn misused(error: &clap::Error) -> Problem {
    // Without `--` the words of the server's command are taken for this program's own.
    let is_without = std::env::args().skip(1).all(|word| word != "--");
    Problem::Usage(match error.kind() {
        ErrorKind::UnknownArgument if is_without => {
            let why = usage::reason(error);
            format!("{why}; put -- before the command that starts your program, and see --help")
        }
        _ => usage::wrong(error),
    })
}
