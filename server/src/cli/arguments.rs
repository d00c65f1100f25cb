//! The command line.

mod meaning;
mod task;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

pub use self::task::Task;
use chat_server::config::{
    BACKLOG_BYTES, COURIERS, DEFAULT_ARRIVALS, DEFAULT_OWED_BYTES, DEFAULT_PER_ADDRESS, KEEPALIVE,
    LINE_BYTES, OWED_BYTES, YEAR,
};
use chat_server::{Network, Origin};
use clap::{ArgAction, ArgGroup, Parser, ValueHint};
use log::LevelFilter;
use ordered_log::Address;
use protocol::limits::{
    self, BURST_LINES, CLIENTS, LINES_PER_SECOND, LOGIN_TIMEOUT, PORT, ROOMS, STALL_TIMEOUT,
};

/// How the server ends.
pub const EXITS: [(u8, &str); 4] =
    [(0, "stopped"), (2, "wrong usage"), (3, "cannot serve"), (130, "stopped by a second signal")];

/// A chat server: rooms of people, a line a message, over TCP or TLS.
///
/// Connect with `chat-client`, or with any program that sends lines: `nc 127.0.0.1 6666`.
#[derive(Debug, Parser)]
#[command(
    version = protocol::VERSION,
    after_help = "Exit codes: 0 stopped, 2 wrong usage, 3 cannot serve, 130 stopped by a second signal."
)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(group(ArgGroup::new("members").multiple(true)))]
#[command(group(ArgGroup::new("page").args(["web", "web_tls"]).multiple(true)))]
#[command(group(ArgGroup::new("encrypted").args(["tls", "web_tls"]).multiple(true)
    .requires_all(["certificate", "key"])))]
pub struct Arguments {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// Take options from this file too: `rate = 50`, one a line, in TOML
    ///
    /// An option of the command line goes before the same one in the file, and that before its default.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Listen here for clients; port 0 takes a free one; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    #[arg(default_value = "127.0.0.1:6666")]
    listen: Vec<SocketAddr>,

    /// Listen here for clients of the course's original server; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    classic: Vec<SocketAddr>,

    /// Serve a page to chat from in a browser here; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    web: Vec<SocketAddr>,

    /// Browsers may know this server by this name too; repeatable
    #[arg(long, value_name = "NAME", requires = "page")]
    web_name: Vec<String>,

    /// Tell nobody on the local network that the server is here, where others can come to it
    #[arg(long)]
    hidden: bool,

    /// Another server of the same chat, where the page goes on when this one is lost; repeatable
    ///
    /// It has to be told of this one as well, and both pages must be http, or both https.
    #[arg(long, value_name = "ORIGIN", requires = "page")]
    web_also: Vec<Origin>,

    /// Listen here for clients over TLS; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address, help_heading = "TLS")]
    tls: Vec<SocketAddr>,

    /// Serve the page over https here; repeatable
    #[arg(long, value_name = "ADDR:PORT", value_parser = address, help_heading = "TLS")]
    web_tls: Vec<SocketAddr>,

    /// The server's certificate in PEM, with those of its authorities; SIGHUP reads it anew
    #[arg(long, value_name = "FILE", requires = "encrypted", help_heading = "TLS")]
    certificate: Option<PathBuf>,

    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "encrypted", help_heading = "TLS")]
    key: Option<PathBuf>,

    /// Threads that write to clients; one a processor by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(COURIERS))]
    couriers: Option<u64>,

    /// The longest request line
    #[arg(long, value_name = "BYTES", default_value_t = limits::LINE_BYTES as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(LINE_BYTES))]
    max_line: u64,

    /// What is kept of each room for slow readers and `history`
    #[arg(long, value_name = "BYTES", default_value_t = limits::BACKLOG_BYTES as u64)]
    #[arg(value_parser = clap::value_parser!(u64).range(BACKLOG_BYTES))]
    backlog: u64,

    /// Connections at once
    #[arg(long, value_name = "N", default_value_t = CLIENTS as u32)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    max_clients: u32,

    /// Connections at once from one address, or one IPv6 network of 64 bits
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PER_ADDRESS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    max_per_address: u32,

    /// New connections of one address in a minute; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ARRIVALS, help_heading = "Limits")]
    max_arrivals: u32,

    /// Where the limits of one address do not count, instead of this machine; repeatable
    #[arg(long, value_name = "ADDRESS[/BITS]", help_heading = "Limits")]
    #[arg(default_values = ["127.0.0.0/8", "::1"])]
    exempt: Vec<Network>,

    /// Replies that all clients together may be owed; past it, who does not take its own waits
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_OWED_BYTES)]
    #[arg(value_parser = clap::value_parser!(u64).range(OWED_BYTES), help_heading = "Limits")]
    max_owed: u64,

    /// Rooms at once; with --data, each that has a file in DIR counts
    #[arg(long, value_name = "N", default_value_t = ROOMS as u32)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    max_rooms: u32,

    /// Let nobody read a room without a name
    #[arg(long, help_heading = "Limits")]
    no_watchers: bool,

    /// How long a connection may go without a login
    #[arg(long, value_name = "SECONDS", default_value_t = LOGIN_TIMEOUT.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=YEAR), help_heading = "Limits")]
    login_timeout: u64,

    /// Lines a second that are read of one client; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = LINES_PER_SECOND, help_heading = "Limits")]
    rate: u32,

    /// Lines of one client that are read at once, before its rate counts
    #[arg(long, value_name = "N", default_value_t = BURST_LINES)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    burst: u32,

    /// How long a client that takes no byte is kept while bytes wait for it
    #[arg(long, value_name = "SECONDS", default_value_t = STALL_TIMEOUT.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=YEAR), help_heading = "Limits")]
    stall_timeout: u64,

    /// Ask silent clients' machines whether they are there after this long; 0 never asks
    #[arg(long, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=KEEPALIVE), help_heading = "Limits")]
    keepalive: Option<u64>,

    /// How long a client's machine may leave bytes unacknowledged; 0 as the system has it
    #[arg(long, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=KEEPALIVE), help_heading = "Limits")]
    user_timeout: Option<u64>,

    /// Be one chat with all servers of this log, `redis://HOST:PORT`, or `rediss://` for TLS
    ///
    /// A password goes into CHAT_LOG_PASSWORD or a file, rather than here, where others may see it.
    #[arg(long, value_name = "URL", conflicts_with = "data", help_heading = "Several servers")]
    log: Option<Address>,

    /// The password of the log's engine is in this file
    #[arg(long, value_name = "FILE", requires = "log", help_heading = "Several servers")]
    log_password: Option<PathBuf>,

    /// Authorities in PEM that may vouch for the log's engine, instead of those of the system
    #[arg(long, value_name = "FILE", requires = "log", help_heading = "Several servers")]
    log_authorities: Option<PathBuf>,

    /// Record each room in DIR/ROOM.log, and go on from there; SIGHUP opens the files anew
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: Option<PathBuf>,

    /// Have each line on the disk before anybody is sent it
    #[arg(long, requires = "data")]
    sync: bool,

    /// Tell each newcomer the lines of this file, except clients of `--classic`
    #[arg(long, value_name = "FILE")]
    motd: Option<PathBuf>,

    /// Let the people in this file, NAME:HASH a line, become operators
    #[arg(long, value_name = "FILE", group = "members")]
    operators: Option<PathBuf>,

    /// Give each name in this file, NAME:HASH a line, to who has its secret alone
    #[arg(long, value_name = "FILE", group = "members")]
    users: Option<PathBuf>,

    /// Let nobody in under a name that is not in --users or --operators
    #[arg(long, requires = "members", conflicts_with = "password")]
    members_only: bool,

    /// Ask everybody else for the password whose HASH is in this file
    #[arg(long, value_name = "FILE")]
    password: Option<PathBuf>,

    /// Stop once no client was connected for so long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=YEAR))]
    exit_when_idle: Option<u64>,

    /// Log more; twice for everything. RUST_LOG sets levels in detail
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log warnings only; twice for errors only
    #[arg(short, long, action = ArgAction::Count)]
    quiet: u8,

    /// Log each line of the wire, in both directions
    #[arg(long)]
    trace: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut addresses = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write it as 127.0.0.1:{PORT} or [::1]:{PORT}"))?;
    addresses.next().ok_or_else(|| "the name has no address".to_owned())
}

impl Arguments {
    /// How much is logged.
    pub fn log_level(&self) -> LevelFilter {
        match (self.quiet, self.verbose) {
            (0, 0) => LevelFilter::Info,
            (0, 1) => LevelFilter::Debug,
            (0, _) => LevelFilter::Trace,
            (1, _) => LevelFilter::Warn,
            _ => LevelFilter::Error,
        }
    }

    /// How much is logged of the wire.
    pub fn wire_level(&self) -> LevelFilter {
        if self.trace { LevelFilter::Trace } else { LevelFilter::Off }
    }
}
