//! The program.

use std::io;
use std::process::ExitCode;

use chat_check::args::Arguments;
use chat_check::program;
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match program::main(arguments, &mut io::stdout()) {
        Ok(exit) => exit.into(),
        Err(problem) => {
            eprintln!("chat-check: {problem}");
            problem.exit().into()
        }
    }
}
