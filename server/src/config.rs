//! What a server can be told to do differently, with the values for when nobody does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use protocol::limits;

use crate::room_log::MAX_COURIERS;

/// Everything that a server is told. [`Config::default`] listens nowhere.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen for clients of the protocol. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Where to listen for clients of the course's original server.
    pub classic: Vec<SocketAddr>,
    /// Where to listen for browsers.
    pub web: Vec<SocketAddr>,
    /// Names by which browsers may know this server, beside `localhost` and this machine's.
    pub web_names: Vec<String>,
    /// Threads that write, 1 to 64.
    pub couriers: usize,
    /// Bytes in a request line, without its newline.
    pub max_line: usize,
    /// Bytes of each room's most recent lines that are kept.
    pub backlog: usize,
    /// Connections at once.
    pub max_clients: usize,
    /// Connections at once from one address.
    pub max_per_address: usize,
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
    /// The folder in which rooms are recorded. `None` records nothing.
    pub data: Option<PathBuf>,
    /// Whether each line is on the disk before anybody is sent it.
    pub sync: bool,
    /// A file whose lines each newcomer is told. `None` tells nothing.
    pub motd: Option<PathBuf>,
    /// A file of operators. `None` is a server without any.
    pub operators: Option<PathBuf>,
    /// Stop once no client was connected for so long.
    pub exit_when_idle: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: Vec::new(),
            classic: Vec::new(),
            web: Vec::new(),
            web_names: Vec::new(),
            couriers: cores.min(MAX_COURIERS),
            max_line: limits::LINE_BYTES,
            backlog: limits::BACKLOG_BYTES,
            max_clients: limits::CLIENTS,
            max_per_address: usize::MAX,
            login_timeout: limits::LOGIN_TIMEOUT,
            rate: limits::LINES_PER_SECOND,
            burst: limits::BURST_LINES,
            stall_timeout: limits::STALL_TIMEOUT,
            keepalive: Duration::from_secs(60),
            user_timeout: Duration::from_secs(120),
            data: None,
            sync: false,
            motd: None,
            operators: None,
            exit_when_idle: None,
        }
    }
}
