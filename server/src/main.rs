//! The program: arguments, signals, exit codes. Everything else is in the library.

use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_server::{Config, Server, StopHandle};
use clap::Parser;
use protocol::Framing;
use protocol::limits::{BACKLOG_BYTES, LINE_BYTES, PORT};

/// The server could not begin to serve.
const CANNOT_SERVE: u8 = 3;
/// As a shell reports a program that was ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// A chat server: rooms of people, a line a message, over plain TCP.
///
/// Connect with `chat-client`, or with any program that sends lines: `nc 127.0.0.1 6666`.
#[derive(Debug, Parser)]
#[command(version, after_help = "Exit codes: 0 stopped, 2 wrong usage, 3 cannot serve.")]
struct Arguments {
    /// Listen here for clients; port 0 takes a free one; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    #[arg(default_value = "127.0.0.1:6666")]
    listen: Vec<SocketAddr>,

    /// Listen here for clients of the course's original server; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    classic: Vec<SocketAddr>,

    /// Threads that write to clients; one a processor by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    couriers: Option<u8>,

    /// The longest request line
    #[arg(long, value_name = "BYTES", default_value_t = LINE_BYTES as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(64..=32768))]
    max_line: u64,

    /// What is kept of each room for slow readers and `history`
    #[arg(long, value_name = "BYTES", default_value_t = BACKLOG_BYTES as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(262_144..=1_073_741_824))]
    backlog: u64,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut addresses = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write it as 127.0.0.1:{PORT} or [::1]:{PORT}"))?;
    addresses.next().ok_or_else(|| "the name has no address".to_owned())
}

impl From<Arguments> for Config {
    fn from(arguments: Arguments) -> Self {
        let default = Self::default();
        Self {
            listen: arguments.listen,
            classic: arguments.classic,
            couriers: arguments.couriers.map_or(default.couriers, usize::from),
            max_line: arguments.max_line as usize,
            backlog: arguments.backlog as usize,
            ..default
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    env_logger::Builder::new().filter_level(log::LevelFilter::Info).init();
    match serve(arguments.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat-server: {error:#}");
            ExitCode::from(CANNOT_SERVE)
        }
    }
}

fn serve(config: Config) -> anyhow::Result<()> {
    let server = Server::bind(config)?;
    stop_on_signals(server.stop_handle())?;
    let addresses = server.addresses()?;
    announce(&addresses)?;
    if addresses.iter().all(|(address, _)| address.ip().is_loopback()) {
        eprintln!(
            "only this machine can connect; for the local network: --listen 0.0.0.0:{}",
            addresses.first().map_or(PORT, |(address, _)| address.port())
        );
    }
    Ok(server.run()?)
}

/// One line on stdout for each listener. Scripts wait for it, and read the port from it.
fn announce(addresses: &[(SocketAddr, Framing)]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for (address, framing) in addresses {
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
