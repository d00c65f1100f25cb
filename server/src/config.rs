//! What a server can be told to do differently, with the values for when nobody does, and the ranges
//! that they must be in.

use std::io;
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

impl Config {
    /// Looks whether a server can be run like this.
    ///
    /// # Errors
    ///
    /// Names the first value that cannot be used, and its range.
    pub fn validate(&self) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(invalid("listeners: there must be one at least"));
        }
        let has_tls = self.listeners.iter().any(|endpoint| endpoint.is_tls);
        if has_tls && self.credentials.is_none() {
            return Err(invalid("credentials: TLS needs a certificate and its key"));
        }
        if self.log.is_some() && self.data.is_some() {
            // Each room would be recorded by every server, from when it was first entered there.
            return Err(invalid(
                "data: a server that shares its log with others keeps no transcripts",
            ));
        }
        if self.members_only && self.users.is_none() && self.operators.is_none() {
            return Err(invalid("members_only: there must be users or operators"));
        }
        in_range("couriers", self.couriers as u64, &COURIERS)?;
        in_range("max_line", self.max_line as u64, &LINE_BYTES)?;
        in_range("backlog", self.backlog as u64, &BACKLOG_BYTES)?;
        let any = 1..=u64::MAX;
        in_range("max_clients", self.max_clients as u64, &any)?;
        in_range("max_per_address", self.max_per_address as u64, &any)?;
        in_range("max_owed", self.max_owed as u64, &OWED_BYTES)?;
        in_range("max_rooms", self.max_rooms as u64, &any)?;
        in_range("burst", self.burst.into(), &any)?;
        some_time("login_timeout", self.login_timeout, YEAR)?;
        some_time("stall_timeout", self.stall_timeout, YEAR)?;
        if let Some(limit) = self.exit_when_idle {
            some_time("exit_when_idle", limit, YEAR)?;
        }
        // Zero has a meaning of its own here.
        in_range("keepalive", self.keepalive.as_secs(), &(0..=KEEPALIVE))?;
        in_range("user_timeout", self.user_timeout.as_secs(), &(0..=KEEPALIVE))
    }
}

fn in_range(name: &str, value: u64, range: &RangeInclusive<u64>) -> io::Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let wanted = match *range.end() {
        u64::MAX => format!("{} or more", range.start()),
        most => format!("{} to {most}", range.start()),
    };
    Err(invalid(&format!("{name} is {value}, but must be {wanted}")))
}

/// A time may be as short as it likes, but not zero.
fn some_time(name: &str, time: Duration, most: u64) -> io::Result<()> {
    if !time.is_zero() && time.as_secs() <= most {
        return Ok(());
    }
    Err(invalid(&format!("{name} is {time:?}, but must be more than 0 and at most {most} s")))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut Config)) -> String {
        let listeners = vec![Endpoint::line(([127, 0, 0, 1], 0).into())];
        let mut config = Config { listeners, ..Config::default() };
        config.validate().unwrap();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_served_is_named_with_its_range() {
        let nothing = Duration::ZERO;
        let forever = Duration::MAX;
        for (error, expected) in [
            (error(|config| config.listeners.clear()), "listeners: there must be one at least"),
            (
                error(|config| config.listeners[0].is_tls = true),
                "credentials: TLS needs a certificate and its key",
            ),
            (
                error(|config| config.members_only = true),
                "members_only: there must be users or operators",
            ),
            (error(|config| config.couriers = 0), "couriers is 0, but must be 1 to 64"),
            (error(|config| config.couriers = 65), "couriers is 65, but must be 1 to 64"),
            (error(|config| config.max_line = 63), "max_line is 63, but must be 64 to 32768"),
            (
                error(|config| config.max_line = 32_769),
                "max_line is 32769, but must be 64 to 32768",
            ),
            (error(|config| config.backlog = 0), "backlog is 0, but must be 262144 to 1073741824"),
            (error(|config| config.max_clients = 0), "max_clients is 0, but must be 1 or more"),
            (
                error(|config| config.max_per_address = 0),
                "max_per_address is 0, but must be 1 or more",
            ),
            (error(|config| config.max_rooms = 0), "max_rooms is 0, but must be 1 or more"),
            (error(|config| config.burst = 0), "burst is 0, but must be 1 or more"),
            (
                error(|config| config.login_timeout = nothing),
                "login_timeout is 0ns, but must be more than 0 and at most 31536000 s",
            ),
            (
                error(|config| config.exit_when_idle = Some(nothing)),
                "exit_when_idle is 0ns, but must be more than 0 and at most 31536000 s",
            ),
            (
                error(|config| config.keepalive = Duration::from_secs(40_000)),
                "keepalive is 40000, but must be 0 to 32767",
            ),
        ] {
            assert_eq!(error, expected);
        }
        assert!(error(|config| config.stall_timeout = forever).starts_with("stall_timeout is "));
        assert!(error(|config| config.user_timeout = forever).starts_with("user_timeout is "));
    }
}
