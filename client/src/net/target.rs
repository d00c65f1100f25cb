//! Which server to connect to, and whether with TLS.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::args::server::ServerArgs;
use crate::exit::Failure;

/// A server. Its text is its address.
#[derive(Debug, Clone)]
pub struct Target {
    /// `HOST:PORT` or `HOST`.
    pub address: String,
    /// How to talk TLS with it. `None` is plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// The server that is asked for. Certificates of authorities are read for it.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the options make no sense together.
    pub fn of(server: &ServerArgs) -> Result<Self, Failure> {
        let tls = server.tls.trust()?.map(|trust| trust.load()).transpose()?;
        Ok(Self { address: server.server.clone(), tls })
    }

    /// Another address, to be connected to in the same way.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), tls: self.tls.clone() }
    }
}

/// Over plain TCP.
impl From<&str> for Target {
    fn from(address: &str) -> Self {
        Self { address: address.to_owned(), tls: None }
    }
}

/// Over plain TCP.
impl From<&String> for Target {
    fn from(address: &String) -> Self {
        Self::from(address.as_str())
    }
}

/// Over plain TCP.
impl From<String> for Target {
    fn from(address: String) -> Self {
        Self { address, tls: None }
    }
}

impl From<&Target> for Target {
    fn from(target: &Target) -> Self {
        target.clone()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}
