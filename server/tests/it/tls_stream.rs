//! TLS as tests need it: certificates, and a client of one thread.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;

use chat_server::Credentials;
use rcgen::{CertificateParams, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate for `localhost` and its key, as files in this folder.
pub fn credentials(folder: &Path) -> (Credentials, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let files =
        Credentials { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    (files, certificate.der().clone())
}

/// What a client needs that trusts this certificate.
pub fn client_config(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// A connection of a client that trusts this certificate, before its handshake.
pub fn client(certificate: &CertificateDer<'static>) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(client_config(certificate), name).unwrap()
}

/// A client's end of TLS. A read fails at an end that the server did not tell of.
pub struct TlsStream(StreamOwned<ClientConnection, TcpStream>);

impl TlsStream {
    pub fn new(stream: TcpStream, certificate: &CertificateDer<'static>) -> Self {
        Self(StreamOwned::new(client(certificate), stream))
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.0.sock
    }

    pub fn end_input(&mut self) {
        self.0.conn.send_close_notify();
        self.flush().unwrap();
        self.0.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// Has both sides take new keys.
    pub fn renew_keys(&mut self) {
        self.0.conn.refresh_traffic_keys().unwrap();
    }
}

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
