//! What a server can be told to do differently, with the values for when nobody does.

use std::net::SocketAddr;
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
    /// How long a client that takes nothing is kept.
    pub stall_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: Vec::new(),
            classic: Vec::new(),
            couriers: cores.min(MAX_COURIERS),
            max_line: limits::LINE_BYTES,
            backlog: limits::BACKLOG_BYTES,
            max_clients: 10_000,
            max_per_address: usize::MAX,
            stall_timeout: Duration::from_secs(60),
        }
    }
}
