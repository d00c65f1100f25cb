//! Arguments, mode, exit code. This is the only file that ends the process.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use chat_client::args::chat::{Args, Command, in_order, misused, unsaid, wants_objects};
use chat_client::args::documents;
use chat_client::args::limits::deadline;
use chat_client::args::settings::{self, Refusal};
use chat_client::exit::{Exit, Failure};
use chat_client::lan;
use chat_client::pipe;
use chat_client::prompt::interactive;
use chat_client::script;
use chat_client::script::record::{self, ErrorObject};
use chat_client::sys::{files, signals, stderr};

fn main() -> ExitCode {
    signals::leave_ignored();
    let arguments = in_order(env::args_os().collect());
    let result = match script::candidates::answer() {
        Ok(false) => act(&arguments),
        answered => answered.map(|_| Exit::Done.code()),
    };
    let code = result.unwrap_or_else(|failure| {
        match wants_objects(&arguments) {
            true => stderr::print(&record::json(&ErrorObject::new(&failure))),
            false => stderr::warn(&failure),
        }
        failure.exit.code()
    });
    ExitCode::from(code)
}

fn act(arguments: &[OsString]) -> Result<u8, Failure> {
    let config = files::config("config.toml");
    match settings::parse(arguments, config.as_deref(), io::stdin().is_terminal()) {
        Ok(args) => run(&args),
        Err(Refusal::File(failure)) => Err(failure),
        Err(Refusal::CommandLine(error)) if error.use_stderr() => Err(misused(&error)),
        Err(Refusal::CommandLine(asked)) => match unsaid(&asked, arguments) {
            Some(failure) => Err(failure),
            None => documents::help(&asked).map(Exit::code),
        },
    }
}

fn run(args: &Args) -> Result<u8, Failure> {
    match &args.command {
        Some(Command::Script(task)) => return script::run(task),
        Some(Command::Lan(lan)) => lan::run(lan),
        Some(Command::Completions { shell }) => documents::completions(*shell),
        Some(Command::Man) => documents::manual(),
        None if io::stdin().is_terminal() => {
            if args.timeout.is_some() {
                stderr::warn("--timeout only means something in a pipe");
            }
            interactive::run(&args.server, &args.appearance, None)
        }
        None => {
            let ignored = args.appearance.only_at_a_prompt();
            if !ignored.is_empty() {
                stderr::warn(format!("{} only means something at a prompt", ignored.join(", ")));
            }
            pipe::run(&args.server, deadline(args.timeout)).map(|()| Exit::Done)
        }
    }
    .map(Exit::code)
}
