//! Arguments, mode, exit code. This is the only file that ends the process.

use std::process::ExitCode;

use chat_client::args::Args;
use chat_client::exit::Exit;
use chat_client::pipe;
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    let exit = match pipe::run(&args.server, args.name.as_deref()) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            eprintln!("chat-client: {failure}");
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}
