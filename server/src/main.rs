//! The program: arguments, signals, exit codes. Everything else is in the library.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use chat_server::{Config, Endpoint, Server, StopHandle, Transport};
use chat_settings::usage;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use protocol::Framing;
use protocol::limits::PORT;

use crate::cli::arguments::{Arguments, Task};
use crate::cli::log_queue::LogQueue;
use crate::cli::logger::Logger;
use crate::cli::make_users;
use crate::cli::sighup::{BlockedSighup, Reloads};
use crate::cli::signals;
use crate::cli::{certificate, completions, documents, hash_password, settings, stdio};

/// What the command line or its file says makes no sense.
const WRONG_USAGE: u8 = 2;
/// What was to be made is not there.
const NOT_MADE: u8 = 1;
/// The server could not begin to serve.
const CANNOT_SERVE: u8 = 3;
/// How long the program waits at its end for somebody to take the rest of its log.
const LOG_PATIENCE: Duration = Duration::from_millis(500);
/// As a shell reports a program that was ended by SIGINT.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    match completions::answer(std::env::args_os().collect()) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return finish(Err(error.into()), WRONG_USAGE, &mut io::stderr()),
    }
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if let Some(task) = &arguments.task {
        return finish(instead(task), NOT_MADE, &mut io::stderr());
    }
    let mut queue = LogQueue::default();
    if let Err(error) = begin(&queue) {
        return finish(Err(error), CANNOT_SERVE, &mut io::stderr());
    }
    start_log(&arguments, &queue);
    raise_descriptor_limit();
    let code = finish(serve(arguments.into()), CANNOT_SERVE, &mut queue);
    queue.flush(LOG_PATIENCE);
    code
}

/// What the command line and its file say, or how the program ends because of them.
fn arguments() -> Result<Arguments, ExitCode> {
    let given = settings::with_file(std::env::args_os().collect())
        .map_err(|error| finish(Err(error), WRONG_USAGE, &mut io::stderr()))?;
    Arguments::try_parse_from(given).map_err(|error| match error.use_stderr() {
        true => {
            let wrong = anyhow::Error::msg(usage::wrong(&error));
            finish(Err(wrong), WRONG_USAGE, &mut io::stderr())
        }
        false => {
            let printed = documents::help(&error).context("cannot write to stdout");
            finish(printed, NOT_MADE, &mut io::stderr())
        }
    })
}

/// What the program does instead of serving.
fn instead(task: &Task) -> anyhow::Result<()> {
    match task {
        Task::HashPassword { name } => {
            let line = hash_password::make_line(name.as_ref())?;
            stdio::stdout()?.write_all(format!("{line}\n").as_bytes())?;
        }
        Task::MakeUsers { names, sheet } => make_users::run(names, sheet.as_deref())?,
        Task::Certificate { names, out } => {
            let (files, pin) = certificate::make(names, out)?;
            let (certificate, key) = (files.certificate.display(), files.key.display());
            let told = format!("certificate {certificate}\nkey {key}\npin {pin}\n");
            stdio::stdout()?.write_all(told.as_bytes())?;
        }
        Task::CheckConfig { file } => settings::check(file)?,
        Task::Completions { shell } => {
            stdio::stdout()?.write_all(&completions::registration(*shell)?)?;
        }
        Task::Man => documents::manual()?,
    }
    Ok(())
}

/// What has to be so before any thread is made, and the thread of the log.
fn begin(queue: &LogQueue) -> anyhow::Result<()> {
    signals::block_harmless().context("cannot block signals")?;
    signals::shielded(|| queue.spawn(stdio::stderr()?))
        .context("cannot start a thread; see `ulimit -u`")
}

/// Lets the log go to the queue.
///
/// # Panics
///
/// When it was called before.
fn start_log(arguments: &Arguments, queue: &LogQueue) {
    let mut builder = env_logger::Builder::new();
    builder
        .filter_level(arguments.log_level())
        .filter_module(chat_server::WIRE, arguments.wire_level())
        .format_timestamp_millis()
        .parse_default_env();
    Logger::new(builder, queue.clone()).install().expect("the program has one logger");
}

/// Says on `stderr` what went wrong, in one line and one write.
fn finish(result: anyhow::Result<()>, failure: u8, stderr: &mut impl Write) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading, and then the exit code still tells.
            let _ = stderr.write_all(format!("chat-server: {error:#}\n").as_bytes());
            ExitCode::from(failure)
        }
    }
}

fn serve(config: Config) -> anyhow::Result<()> {
    // Before any thread is made, for threads inherit which signals they leave alone.
    let has_files = config.data.is_some() || config.credentials.is_some();
    let sighup = has_files.then(BlockedSighup::block).transpose()?;
    let server = Server::bind(config)?;
    stop_on_signals(server.stop_handle())?;
    let endpoints = server.endpoints()?;
    let identity = server.identity();
    let pin = identity.as_ref().map(|identity| identity.pin());
    let reloads = Reloads { recorder: server.recorder(), identity };
    let sighup_thread = sighup.map(|sighup| sighup.serve(reloads)).transpose();
    let sighup_thread = sighup_thread.context("cannot start a thread; see `ulimit -u`")?;
    let served = server.run_and_tell(|| {
        announce(&endpoints, pin.as_deref()).map_err(|error| {
            let text = format!("cannot say on stdout where it listens: {error}");
            io::Error::new(error.kind(), text)
        })?;
        if endpoints.iter().all(|endpoint| endpoint.address.ip().is_loopback()) {
            let port = endpoints.first().map_or(PORT, |endpoint| endpoint.address.port());
            log::info!(
                "only this machine can connect; --listen 0.0.0.0:{port} opens it to the LAN"
            );
        }
        Ok(())
    });
    if let Some(sighup_thread) = sighup_thread {
        sighup_thread.end();
    }
    Ok(served?)
}

/// One line on stdout for each listener, and one with the pin of the certificate. Scripts wait for
/// it, and read the port from it.
fn announce(endpoints: &[Endpoint], pin: Option<&str>) -> io::Result<()> {
    let mut text = String::new();
    for Endpoint { address, transport, framing, is_tls } in endpoints {
        let place = match (transport, framing, is_tls) {
            (Transport::Web, _, false) => format!("http://{address}/"),
            (Transport::Web, _, true) => format!("https://{address}/"),
            (Transport::Tcp, Framing::Classic, _) => format!("{address} (classic)"),
            (Transport::Tcp, Framing::Line, false) => address.to_string(),
            (Transport::Tcp, Framing::Line, true) => format!("{address} (tls)"),
        };
        text += &format!("listening on {place}\n");
    }
    if let Some(pin) = pin {
        text += &format!("pin {pin}\n");
    }
    // In one write, for who waits for the first line may go away then.
    stdio::stdout()?.write_all(text.as_bytes())
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
