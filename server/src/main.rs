//! The program: arguments, signals, exit codes. Everything else is in the library.

mod arguments;
mod hangups;
mod hash_password;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use chat_server::{Config, Endpoint, Server, StopHandle};
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use protocol::Framing;
use protocol::limits::PORT;

use crate::arguments::{Arguments, Task};
use crate::hangups::Hangups;

/// There is no hash.
const NOT_MADE: u8 = 1;
/// The server could not begin to serve.
const CANNOT_SERVE: u8 = 3;
/// As a shell reports a program that was ended by SIGINT.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Task::HashPassword { name }) = &arguments.task {
        let line = hash_password::make_line(name.as_ref());
        return finish(line.and_then(|line| Ok(writeln!(io::stdout(), "{line}")?)), NOT_MADE);
    }
    env_logger::Builder::new()
        .filter_level(arguments.log_level())
        .filter_module(chat_server::WIRE, arguments.wire_level())
        .format_timestamp_millis()
        .parse_default_env()
        .init();
    raise_descriptor_limit();
    leave_ignored_signals();
    finish(serve(arguments.into()), CANNOT_SERVE)
}

/// Leaves alone a hangup that whoever started the server wants to be ignored, as `nohup` does, and likewise
/// the other signals that stop it: a handler would take them again. Linux tells which are ignored (proc(5),
/// `SigIgn`). To be called before any thread is made, for threads inherit which signals are held back.
fn leave_ignored_signals() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let ours = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    // The bits count from one, as the signals do.
    let held: SigSet =
        ours.into_iter().filter(|&signal| ignored >> (signal as i32 - 1) & 1 == 1).collect();
    // It fails for no set of signals that exist.
    let _ = held.thread_block();
}

fn finish(result: anyhow::Result<()>, failure: u8) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading, and then the exit code still tells.
            let _ = writeln!(io::stderr(), "chat-server: {error:#}");
            ExitCode::from(failure)
        }
    }
}

fn serve(config: Config) -> anyhow::Result<()> {
    // Before any thread is made, for threads inherit which signals they leave alone.
    let hangups = config.data.is_some().then(Hangups::block).transpose()?;
    let server = Server::bind(config)?;
    stop_on_signals(server.stop_handle())?;
    let endpoints = server.endpoints()?;
    announce(&endpoints).context("cannot say on stdout where it listens")?;
    if endpoints.iter().all(|endpoint| endpoint.address.ip().is_loopback()) {
        let port = endpoints.first().map_or(PORT, |endpoint| endpoint.address.port());
        log::info!("only this machine can connect; --listen 0.0.0.0:{port} opens it to the LAN");
    }
    let reopener = match (hangups, server.recorder()) {
        (Some(hangups), Some(recorder)) => {
            Some(hangups.serve(recorder).context("cannot start a thread; see `ulimit -u`")?)
        }
        _ => None,
    };
    let served = server.run();
    if let Some(reopener) = reopener {
        reopener.end();
    }
    Ok(served?)
}

/// One line on stdout for each listener. Scripts wait for it, and read the port from it.
fn announce(endpoints: &[Endpoint]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for Endpoint { address, framing, .. } in endpoints {
        let kind = if *framing == Framing::Classic { " (classic)" } else { "" };
        writeln!(stdout, "listening on {address}{kind}")?;
    }
    stdout.flush()
}

/// The first signal lets the server say goodbye, the second one does not.
fn stop_on_signals(stop: StopHandle) -> Result<(), ctrlc::Error> {
    let is_second = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if is_second.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        log::info!("stopping; a second signal ends it at once");
        stop.stop();
    })
}

/// Each client takes a descriptor, and the usual soft limit of 1024 is for programs that use
/// `select`.
fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        log::warn!("the limit of open files stays as it is: {error}");
    }
}
