//! Certificates of a test, and a server with one of them that does what the test tells it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use chat_server::{Config, Credentials, Endpoint, pin};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use tempfile::TempDir;

use crate::real_server::RealServer;

/// A certificate for `localhost`, its key and its files.
pub struct Identity {
    folder: TempDir,
    certificate: CertificateDer<'static>,
    pub key: KeyPair,
}

impl Identity {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { folder, certificate: certificate.der().clone(), key }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn ca(&self) -> String {
        self.file("certificate.pem").to_str().unwrap().to_owned()
    }

    pub fn pin(&self) -> String {
        pin(&self.certificate)
    }

    /// The project's server, with TLS at its first address.
    pub fn serve(&self, address: SocketAddr) -> RealServer {
        self.serve_with(address, |_| {})
    }

    fn serve_with(&self, address: SocketAddr, set_up: impl FnOnce(&mut Config)) -> RealServer {
        RealServer::with(address, |mut config| {
            config.listeners[0] = Endpoint::tls(address);
            config.credentials = Some(Credentials {
                certificate: self.file("certificate.pem"),
                key: self.file("key.pem"),
            });
            set_up(&mut config);
            config
        })
    }

    pub fn start(&self) -> RealServer {
        self.start_with(|_| {})
    }

    /// One that is set up as the test needs it.
    pub fn start_with(&self, set_up: impl FnOnce(&mut Config)) -> RealServer {
        self.serve_with(SocketAddr::from(([127, 0, 0, 1], 0)), set_up)
    }

    /// A server of one connection, which does what it likes once that is greeted and logged in.
    pub fn fake<T: Send + 'static>(
        &self,
        key: &KeyPair,
        act: impl FnOnce(&mut FakeTls) -> T + Send + 'static,
    ) -> (String, JoinHandle<Option<T>>) {
        let config = with_key(&self.certificate, key);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut tls = ServerConnection::new(config).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut stream).ok()?;
            }
            let mut fake = FakeTls { stream, tls };
            fake.send("Connect Success\n");
            fake.read_to("\n");
            fake.send("Login Success\n");
            Some(act(&mut fake))
        });
        (format!("localhost:{}", address.port()), serving)
    }
}

/// Shows this certificate whatever the key, as somebody in between would.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub fn with_key(certificate: &CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let shown = Shown(Arc::new(CertifiedKey::new(vec![certificate.clone()], key)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    Arc::new(config)
}

pub struct FakeTls {
    pub stream: std::net::TcpStream,
    pub tls: ServerConnection,
}

impl FakeTls {
    /// The records of a text, which are not sent.
    pub fn seal(&mut self, text: &str) -> Vec<u8> {
        self.tls.writer().write_all(text.as_bytes()).unwrap();
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).unwrap();
        }
        records
    }

    pub fn send(&mut self, text: &str) {
        let records = self.seal(text);
        self.stream.write_all(&records).unwrap();
    }

    /// Reads until the end of this text.
    pub fn read_to(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut stream = rustls::Stream::new(&mut self.tls, &mut self.stream);
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended after {text:?}");
            text.push(byte[0].into());
        }
        text
    }
}
