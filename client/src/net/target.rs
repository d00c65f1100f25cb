//! A server to connect to, and whether with TLS.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use protocol::limits::PORT;
use rustls::ClientConfig;

/// A server. Its text is its address.
#[derive(Debug, Clone)]
pub struct Target {
    /// `HOST:PORT` or `HOST`.
    pub address: String,
    /// How to talk TLS with it. `None` is plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// The host, to which its certificate belongs.
    #[must_use]
    pub fn host(&self) -> &str {
        host_and_port(&self.address).0
    }

    /// Where it is: all that the system knows for its name, the best first. This waits for a name server.
    ///
    /// # Errors
    ///
    /// When its name has no address.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let addresses: Vec<_> = host_and_port(&self.address).to_socket_addrs()?.collect();
        match addresses.is_empty() {
            true => Err(io::ErrorKind::AddrNotAvailable.into()),
            false => Ok(addresses),
        }
    }
}

/// The host and the port of a server, which is the default one when none is named.
///
/// The system is asked for the two apart: only then it takes an IPv6 address with the name of its
/// network, as `fe80::1%eth0`.
fn host_and_port(server: &str) -> (&str, u16) {
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match server.rsplit_once(':') {
            // Its other colons make it a bare address of IPv6.
            Some((host, _)) if host.contains(':') => (server, None),
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    match port.map(str::parse) {
        None => (host, PORT),
        Some(Ok(port)) => (host, port),
        Some(Err(_)) => (server, PORT),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_may_be_left_out() {
        for (server, host, port) in [
            ("chat.example", "chat.example", 6666),
            ("chat.example:7", "chat.example", 7),
            ("127.0.0.1", "127.0.0.1", 6666),
            ("::1", "::1", 6666),
            ("[::1]", "::1", 6666),
            ("[::1]:7", "::1", 7),
            ("fe80::1%eth0", "fe80::1%eth0", 6666),
            ("[fe80::1%eth0]:7", "fe80::1%eth0", 7),
        ] {
            assert_eq!(host_and_port(server), (host, port));
        }
    }
}
