//! Where a server listens, and how those who connect there speak.

use std::net::SocketAddr;

use protocol::Framing;

/// What carries the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP as it is.
    Tcp,
    /// HTTP: the page for browsers, and WebSockets (RFC 6455).
    Web,
}

/// One listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// What carries the lines.
    pub transport: Transport,
    /// How replies end.
    pub framing: Framing,
}
