//! Who is under load: the server in its forms, and what it is compared with.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::generator::crowd::Shape;
use crate::generator::dialect::Dialect;
use crate::generator::link::Credentials;
use crate::generator::load::{Pace, SENDERS};
use crate::generator::process::Process;
use crate::generator::relay::Relay;

/// Flags of the server under load: no limit that load would run into.
const SERVER_FLAGS: &[&str] =
    &["--listen", "127.0.0.1:0", "--rate", "0", "--max-clients", "20000", "--quiet"];

/// Who is under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    Server,
    /// The same with browsers for clients.
    Web,
    /// The same over TLS.
    Tls,
    /// The usual way, `examples/simple.rs`.
    Simple,
    Relay(Relay),
}

/// Who is compared where many talk. What a send costs the first one is the unit for the others.
pub const ALL: [Contender; 7] = [
    Contender::Relay(Relay::LineByLine),
    Contender::Relay(Relay::Coalesced),
    Contender::Server,
    Contender::Web,
    Contender::Relay(Relay::Tls),
    Contender::Tls,
    Contender::Simple,
];

/// Who is compared where people talk a line at a time.
pub const SMALL: [Contender; 5] = [
    Contender::Relay(Relay::Batching),
    Contender::Relay(Relay::Threads),
    Contender::Relay(Relay::Sender),
    Contender::Server,
    Contender::Simple,
];

impl Contender {
    /// What it is called in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "chat-server",
            Self::Web => "chat-server, web",
            Self::Tls => "chat-server, TLS",
            Self::Relay(Relay::Tls) => "bare, TLS",
            Self::Relay(Relay::LineByLine) => "bare, line by line",
            Self::Relay(Relay::Coalesced) => "bare, coalesced",
            Self::Relay(Relay::Batching) => "bare, batching",
            Self::Relay(Relay::Threads) => "bare, threads",
            Self::Relay(Relay::Sender) => "bare, sender",
            Self::Simple => "lock and write",
        }
    }

    /// How one speaks to it.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Server | Self::Tls | Self::Simple => Dialect::Chat,
            Self::Web => Dialect::Web,
            Self::Relay(Relay::LineByLine | Relay::Coalesced | Relay::Tls) => Dialect::Bare,
            Self::Relay(Relay::Batching | Relay::Threads | Relay::Sender) => Dialect::Open,
        }
    }

    /// Whether one has to speak TLS.
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Relay(Relay::Tls))
    }

    /// Its process, with room for so many clients. `credentials` is the folder of the certificate.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(self, shape: Shape, server_flags: &str, credentials: &Path) -> Result<Process> {
        let mut command = match self {
            Self::Server | Self::Web | Self::Tls => Command::new(env!("CARGO_BIN_EXE_chat-server")),
            Self::Simple | Self::Relay(_) => Command::new(env::current_exe()?),
        };
        match self {
            Self::Server | Self::Web | Self::Tls => {
                command.args(SERVER_FLAGS).args(server_flags.split_whitespace())
            }
            Self::Simple => command.arg("simple"),
            Self::Relay(relay) => command
                .args(["relay", relay.name()])
                .args([shape.clients, shape.room_size].map(|number| number.to_string()))
                .args((relay == Relay::Tls).then_some(credentials)),
        };
        if self == Self::Tls {
            let Credentials { certificate, key } = Credentials::of(credentials);
            command.args(["--tls", "127.0.0.1:0", "--certificate"]).arg(certificate);
            command.arg("--key").arg(key);
            return Process::start_tls(command);
        }
        if self == Self::Web {
            command.args(["--web", "127.0.0.1:0"]);
            return Process::start_web(command);
        }
        Process::start(command)
    }

    /// How many lines take about so many seconds. A send of one line costs several microseconds;
    /// a line among thousands in a send next to nothing.
    pub fn lines(self, pace: Pace, shape: Shape, seconds: f64) -> u64 {
        let coalesces = !matches!(self, Self::Simple | Self::Relay(Relay::LineByLine));
        let microseconds = match pace {
            Pace::Saturated if coalesces => 0.04,
            Pace::InFlight(senders) if coalesces => 6.0 / senders as f64,
            _ => 6.0,
        };
        let lines = seconds * 1e6 / (microseconds * shape.room_size as f64);
        // A saturated server has half a log of lines before it, whatever the number of clients.
        let least = match pace {
            Pace::Saturated if coalesces => 8_000,
            _ => 2 * shape.rooms().max(SENDERS) as u64,
        };
        (lines as u64).clamp(least, 400_000)
    }
}
