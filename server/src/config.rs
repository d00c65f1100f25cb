//! What a server can be told to do differently, with the values for when nobody does, and the ranges
//! that they must be in. Whether they are is looked at in `validity`.

mod validity;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ordered_log::Address;
use protocol::{Framing, limits};

use crate::log::room_log::MAX_COURIERS;
use crate::network::Network;
use crate::web::Origin;

/// The number of threads that write.
pub const COURIERS: RangeInclusive<u64> = 1..=MAX_COURIERS as u64;

/// Bytes of a request line: half of what a line without an end may have before its client is closed.
pub const LINE_BYTES: RangeInclusive<u64> = 64..=limits::UNTERMINATED_BYTES as u64 / 2;

/// Bytes that are kept of each room.
pub const BACKLOG_BYTES: RangeInclusive<u64> = 256 * 1024..=1024 * 1024 * 1024;

/// Bytes of replies that all clients together may be owed.
pub const OWED_BYTES: RangeInclusive<u64> = 64 * 1024..=1024 * 1024 * 1024 * 1024;

/// The same where nobody says otherwise: a thousand clients that take nothing.
pub const DEFAULT_OWED_BYTES: u64 = 64 * 1024 * 1024;

/// The longest time that may be asked for, in seconds: a year. No clock runs over with it.
pub const YEAR: u64 = 365 * 24 * 60 * 60;

/// The longest time that the system takes for keep-alive, in seconds: see tcp(7).
pub const KEEPALIVE: u64 = 32_767;

/// Connections of one address: a large lab behind one address, with a few for each seat.
pub const DEFAULT_PER_ADDRESS: u32 = 1000;

/// How often a server that shares its log says that it lives.
pub const PULSE: Duration = Duration::from_secs(2);

/// New connections of one address in a minute: that lab logs in at once, or ten scripts a second.
pub const DEFAULT_ARRIVALS: u32 = 600;

/// How bytes come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As they are, over a TCP connection.
    Tcp,
    /// Over HTTP: the page for browsers, and WebSockets (RFC 6455).
    Web,
}

/// Where and how a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The address. Port 0 takes a free one.
    pub address: SocketAddr,
    /// How bytes come and go.
    pub transport: Transport,
    /// How replies end.
    pub framing: Framing,
    /// Whether all of it goes through TLS. [`Config::credentials`] are needed then.
    pub is_tls: bool,
}

impl Endpoint {
    /// For clients of the protocol.
    #[must_use]
    pub fn line(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Tcp, framing: Framing::Line, is_tls: false }
    }

    /// For the same clients, over TLS.
    #[must_use]
    pub fn tls(address: SocketAddr) -> Self {
        Self { is_tls: true, ..Self::line(address) }
    }

    /// For clients of the course's original server.
    #[must_use]
    pub fn classic(address: SocketAddr) -> Self {
        Self { framing: Framing::Classic, ..Self::line(address) }
    }

    /// For browsers.
    #[must_use]
    pub fn web(address: SocketAddr) -> Self {
        Self { transport: Transport::Web, ..Self::line(address) }
    }

    /// For browsers, over TLS: `https` and `wss`.
    #[must_use]
    pub fn web_tls(address: SocketAddr) -> Self {
        Self { is_tls: true, ..Self::web(address) }
    }
}

/// How a server proves who it is: files in PEM.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The certificate, and behind it those of the authorities between it and a root.
    pub certificate: PathBuf,
    /// The private key that belongs to the certificate.
    pub key: PathBuf,
}

/// The log by which several servers are one chat.
#[derive(Debug, Clone)]
pub struct SharedLog {
    /// Where its engine is, and who one is there.
    pub address: Address,
    /// A file with the password, instead of that of the address.
    pub password: Option<PathBuf>,
    /// A file of certificates in PEM, of the authorities that may vouch for the engine. `None` leaves it to
    /// those of the system.
    pub authorities: Option<PathBuf>,
    /// How often this server says that it lives. After five times in which another one has said nothing that
    /// one counts as gone; and so long without the engine clients are told.
    pub pulse: Duration,
}

/// Everything that a server is told. [`Config::default`] listens nowhere, which has to be changed.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, at one place at least.
    pub listeners: Vec<Endpoint>,
    /// The certificate and its key, where something listens with TLS.
    pub credentials: Option<Credentials>,
    /// Names by which browsers may know this server, beside `localhost` and this machine's.
    pub web_names: Vec<String>,
    /// Other servers of the same chat: the page may go on there, and theirs here.
    pub web_also: Vec<Origin>,
    /// Threads that write, of [`COURIERS`].
    pub couriers: usize,
    /// Bytes in a request line, without its newline, of [`LINE_BYTES`].
    pub max_line: usize,
    /// Bytes of each room's most recent lines that are kept, of [`BACKLOG_BYTES`].
    pub backlog: usize,
    /// Connections at once.
    pub max_clients: usize,
    /// Connections at once from one address, or one IPv6 network of 64 bits.
    pub max_per_address: usize,
    /// New connections of one address in a minute. 0 is no limit.
    pub max_arrivals: u32,
    /// Where the limits of one address do not count, and from where operators have places when all
    /// others are taken.
    pub exempt: Vec<Network>,
    /// Bytes of replies that all clients together may be owed, of [`OWED_BYTES`].
    pub max_owed: usize,
    /// Rooms at once. With [`Self::data`], each name that has a transcript counts, for ever.
    pub max_rooms: usize,
    /// Whether anybody may read a room without a name.
    pub watchers: bool,
    /// How long a connection may stay in the login room.
    pub login_timeout: Duration,
    /// Lines a second that are read of one client in the long run. 0 is no limit.
    pub rate: u32,
    /// Lines of one client that are read at once, before its rate counts.
    pub burst: u32,
    /// How long a client that takes nothing is kept while bytes wait for it.
    pub stall_timeout: Duration,
    /// After this long without a word the system asks a client's machine whether it is there.
    /// Zero never asks.
    pub keepalive: Duration,
    /// How long a client's machine may leave bytes unacknowledged. Zero leaves it to the system.
    pub user_timeout: Duration,
    /// The log that this server shares with others, as one chat. `None` for a server alone.
    pub log: Option<SharedLog>,
    /// The folder in which rooms are recorded. `None` records nothing.
    pub data: Option<PathBuf>,
    /// Whether each line is on the disk before anybody is sent it.
    pub sync: bool,
    /// A file whose lines each newcomer is told. `None` tells nothing.
    pub motd: Option<PathBuf>,
    /// A file of operators. `None` is a server without any.
    pub operators: Option<PathBuf>,
    /// A file of names that are given with their secrets only. Those of operators are in it already.
    pub users: Option<PathBuf>,
    /// A file with what everybody else has to know. `None` asks nothing.
    pub password: Option<PathBuf>,
    /// Whether only names of [`Self::users`] and [`Self::operators`] come in.
    pub members_only: bool,
    /// Whether the local network is told nothing of a server that others can come to.
    pub hidden: bool,
    /// Stop once no client was connected for so long.
    pub exit_when_idle: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            listeners: Vec::new(),
            credentials: None,
            web_names: Vec::new(),
            web_also: Vec::new(),
            couriers: cores.min(MAX_COURIERS),
            max_line: limits::LINE_BYTES,
            backlog: limits::BACKLOG_BYTES,
            max_clients: limits::CLIENTS,
            max_per_address: DEFAULT_PER_ADDRESS as usize,
            max_arrivals: DEFAULT_ARRIVALS,
            exempt: loopback(),
            max_owed: DEFAULT_OWED_BYTES as usize,
            max_rooms: limits::ROOMS,
            watchers: true,
            login_timeout: limits::LOGIN_TIMEOUT,
            rate: limits::LINES_PER_SECOND,
            burst: limits::BURST_LINES,
            stall_timeout: limits::STALL_TIMEOUT,
            keepalive: Duration::from_secs(60),
            user_timeout: Duration::from_secs(120),
            log: None,
            data: None,
            sync: false,
            motd: None,
            operators: None,
            users: None,
            password: None,
            members_only: false,
            hidden: false,
            exit_when_idle: None,
        }
    }
}

/// The addresses of this machine alone.
fn loopback() -> Vec<Network> {
    let v4 = Network::new(Ipv4Addr::LOCALHOST.into(), 8);
    v4.into_iter().chain([Network::of_one(Ipv6Addr::LOCALHOST.into())]).collect()
}
