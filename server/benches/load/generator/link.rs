//! A client's connection, with TLS or without, for who reads and for who sends.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use rcgen::KeyPair;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

/// A certificate and its key, as files, for the servers under load.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Credentials {
    /// Those in a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    /// Makes both in a folder.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(["localhost".to_owned()])?;
        let certificate = params.self_signed(&key)?;
        let files = Self::of(folder);
        std::fs::write(&files.certificate, certificate.pem())?;
        std::fs::write(&files.key, key.serialize_pem())?;
        Ok(files)
    }

    /// What a client needs that trusts the certificate.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.certificate)?)?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// What a server needs, as this project's has it.
    ///
    /// # Errors
    ///
    /// When the files cannot be used.
    pub fn server(&self) -> Result<Arc<ServerConfig>> {
        let certificate = CertificateDer::from_pem_file(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// A connection. Who sends may be another thread than who reads.
#[derive(Debug)]
pub struct Link {
    /// Its socket.
    pub stream: TcpStream,
    tls: Option<Arc<Mutex<ClientConnection>>>,
}

impl Link {
    /// A connection, which begins with a handshake where there is something for it.
    ///
    /// # Errors
    ///
    /// When there can be none.
    pub fn new(stream: TcpStream, tls: Option<&Arc<ClientConfig>>) -> Result<Self> {
        let tls = tls
            .map(|config| {
                let name = ServerName::try_from("localhost")?;
                let mut connection = ClientConnection::new(Arc::clone(config), name)?;
                connection.set_buffer_limit(None);
                anyhow::Ok(Arc::new(Mutex::new(connection)))
            })
            .transpose()?;
        Ok(Self { stream, tls })
    }

    /// A second handle.
    ///
    /// # Errors
    ///
    /// When there are no descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, tls: self.tls.clone() })
    }

    /// Sends bytes; before the end of the handshake, once that is over. One thread at a time may.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &self.tls else { return (&self.stream).write_all(bytes) };
        let mut connection = lock(tls);
        connection.writer().write_all(bytes)?;
        let records = records(&mut connection)?;
        drop(connection);
        (&self.stream).write_all(&records)
    }

    /// Puts the plaintext of what was received into `plain`. `false` where it is plaintext already.
    ///
    /// # Errors
    ///
    /// When it breaks the rules, or the handshake cannot go on.
    pub fn open(&self, received: &[u8], plain: &mut Vec<u8>) -> Result<bool> {
        let Some(tls) = &self.tls else { return Ok(false) };
        let mut connection = lock(tls);
        let mut rest = received;
        while !rest.is_empty() {
            connection.read_tls(&mut rest)?;
            let state = connection.process_new_packets().context("no TLS")?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            connection.reader().read_exact(&mut plain[start..])?;
        }
        // Only the handshake has something to say, before anybody else sends.
        let records = records(&mut connection)?;
        drop(connection);
        (&self.stream).write_all(&records)?;
        Ok(true)
    }
}

fn lock(tls: &Mutex<ClientConnection>) -> MutexGuard<'_, ClientConnection> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn records(connection: &mut ClientConnection) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    Ok(records)
}
