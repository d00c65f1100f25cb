//! How a server proves who it is over TLS: its certificate and its key, which can be read anew.
//!
//! This module knows no socket.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest, Sha256};

use crate::config::Credentials;
use crate::files::read_text;

/// A certificate and its key.
#[derive(Debug)]
pub struct Identity {
    files: Credentials,
    current: RwLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    tls: Arc<ServerConfig>,
    pin: String,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// Says which file cannot be used, why, and what to do.
    pub fn open(files: Credentials) -> io::Result<Self> {
        let current = RwLock::new(load(&files)?);
        Ok(Self { files, current })
    }

    /// Reads both files anew. Clients that connect later are shown the new certificate; those that
    /// are connected stay so.
    ///
    /// # Errors
    ///
    /// As [`Identity::open`]. The old ones stay in use then.
    pub fn reload(&self) -> io::Result<()> {
        // Read before it is locked, for nobody may wait for a disk.
        let loaded = load(&self.files)?;
        *self.current.write() = loaded;
        Ok(())
    }

    /// What `chat-client --pin` takes: the SHA-256 of the certificate, in hexadecimal digits.
    #[must_use]
    pub fn pin(&self) -> String {
        self.current.read().pin.clone()
    }

    /// What the next handshake uses.
    #[must_use]
    pub fn tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().tls)
    }
}

fn load(files: &Credentials) -> io::Result<Loaded> {
    let chain = read_text(&files.certificate)?;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unusable(&files.certificate, &error))?;
    let first =
        chain.first().ok_or_else(|| unusable(&files.certificate, &pem::Error::NoItemsFound))?;
    let pin = pin(first);
    let key = read_text(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|error| unusable(&files.key, &error))?;
    let provider = Arc::new(ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut tls = tls.map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        io::Error::other(format!(
            "cannot use {certificate} with {key}: {error}; give a certificate and the key that it was made for"
        ))
    })?;
    // A handshake costs little, so nothing is kept of it for another one.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Loaded { tls: Arc::new(tls), pin })
}

fn unusable(file: &Path, error: &pem::Error) -> io::Error {
    let file = file.display();
    io::Error::other(match error {
        pem::Error::NoItemsFound => format!(
            "cannot use {file}: nothing in it is in PEM; `chat-server certificate` makes a pair of files"
        ),
        _ => format!("cannot use {file}: {error:?}; it must be in PEM"),
    })
}

/// The SHA-256 of a certificate, in hexadecimal digits.
#[must_use]
pub fn pin(certificate: &[u8]) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(certificate) {
        // Writing to memory does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
