//! A server in this process, and clients that wait for what must come instead of for time.

mod habits;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use argon2::{Argon2, Params, PasswordHasher};
use chat_server::{Config, Endpoint, Server, StopHandle};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::tls_stream::TlsStream;
use crate::web_socket::WebSocketStream;

/// No test waits for this. It only ends those that would never end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file of operators by name and password. The hashes are the cheapest that there are.
pub fn operators_file(folder: &TempDir, operators: &[(&str, &str)]) -> PathBuf {
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
    let argon2 = Argon2::from(cheap);
    let line = |(name, password): &(&str, &str)| {
        let hash = argon2.hash_password_with_salt(password.as_bytes(), b"salt in tests").unwrap();
        format!("{name}:{hash}\n")
    };
    let path = folder.path().join("operators");
    fs::write(&path, operators.iter().map(line).collect::<String>()).unwrap();
    path
}

/// A running server, stopped and joined when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub classic: SocketAddr,
    pub web: SocketAddr,
    /// Those that the test has added.
    pub more: Vec<SocketAddr>,
    stop: StopHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = vec![Endpoint::line(local), Endpoint::classic(local), Endpoint::web(local)];
        let mut config = Config { listeners, rate: 0, ..Config::default() };
        configure(&mut config);
        let server = Server::bind(config).unwrap();
        let addresses = server.endpoints().unwrap();
        let stop = server.stop_handle();
        let thread = thread::spawn(move || server.run().unwrap());
        Self {
            address: addresses[0].address,
            classic: addresses[1].address,
            web: addresses[2].address,
            more: addresses[3..].iter().map(|endpoint| endpoint.address).collect(),
            stop,
            thread: Some(thread),
        }
    }

    /// A client over a WebSocket, that was not greeted yet.
    pub fn connect_web(&self) -> TestClient {
        TestClient::connect_web(self.web)
    }

    pub fn connect(&self) -> TestClient {
        let mut client = TestClient::connect(self.address);
        client.expect("Connect Success");
        client
    }

    pub fn login(&self, name: &str) -> TestClient {
        TestClient::connect(self.address).log_in(name)
    }

    /// The same with classic framing.
    pub fn login_classic(&self, name: &str) -> TestClient {
        let mut client = TestClient::connect(self.classic);
        assert_eq!(client.packet(), b"Connect Success");
        client.send(&format!("login {name}\n"));
        assert_eq!(client.packet(), b"Login Success");
        client
    }

    /// Stops the server and waits until its last thread has ended.
    pub fn stop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What carries the bytes of a client.
enum Carrier {
    Tcp(TcpStream),
    WebSocket(Box<WebSocketStream>),
    Tls(Box<TlsStream>),
}

impl Read for Carrier {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::WebSocket(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

pub struct TestClient {
    reader: BufReader<Carrier>,
}

impl TestClient {
    pub fn connect(address: SocketAddr) -> Self {
        Self { reader: BufReader::new(Carrier::Tcp(connect(address))) }
    }

    /// The same over a WebSocket.
    pub fn connect_web(address: SocketAddr) -> Self {
        Self::try_connect_web(address).unwrap()
    }

    /// The same, unless the server ends the connection before it is one.
    pub fn try_connect_web(address: SocketAddr) -> Option<Self> {
        let stream = WebSocketStream::new(connect(address), address)?;
        Some(Self { reader: BufReader::new(Carrier::WebSocket(Box::new(stream))) })
    }

    /// The same over TLS, with a server whose certificate is this one.
    pub fn connect_tls(address: SocketAddr, certificate: &CertificateDer<'static>) -> Self {
        let stream = TlsStream::new(connect(address), certificate);
        Self { reader: BufReader::new(Carrier::Tls(Box::new(stream))) }
    }

    /// The TLS, which there must be.
    pub fn tls(&mut self) -> &mut TlsStream {
        match self.reader.get_mut() {
            Carrier::Tls(stream) => stream,
            Carrier::Tcp(_) | Carrier::WebSocket(_) => panic!("it is no TLS"),
        }
    }

    pub fn stream(&self) -> &TcpStream {
        match self.reader.get_ref() {
            Carrier::Tcp(stream) => stream,
            Carrier::WebSocket(stream) => stream.tcp(),
            Carrier::Tls(stream) => stream.tcp(),
        }
    }

    /// The WebSocket, which there must be.
    pub fn web(&mut self) -> &mut WebSocketStream {
        match self.reader.get_mut() {
            Carrier::Tcp(_) | Carrier::Tls(_) => panic!("it is no WebSocket"),
            Carrier::WebSocket(stream) => stream,
        }
    }

    /// What has come of a WebSocket and was not read. `None` when all was.
    pub fn buffered(&mut self) -> Option<String> {
        let mut bytes = self.reader.buffer().to_vec();
        self.reader.consume(bytes.len());
        bytes.extend(self.web().take_text());
        (!bytes.is_empty()).then(|| String::from_utf8(bytes).unwrap())
    }

    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        match self.reader.get_mut() {
            Carrier::Tcp(stream) => stream.write_all(bytes).unwrap(),
            Carrier::WebSocket(stream) => stream.send(bytes).unwrap(),
            Carrier::Tls(stream) => stream.write_all(bytes).unwrap(),
        }
    }

    /// The next line, without its newline.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "not a whole line: {line:?}");
        line.pop();
        line
    }

    /// The same. `None` when none came in time.
    pub fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(str::to_owned)
    }

    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// What a single `recv` returns.
    pub fn packet(&mut self) -> Vec<u8> {
        assert!(self.reader.buffer().is_empty());
        let packet = self.reader.fill_buf().unwrap().to_vec();
        self.reader.consume(packet.len());
        packet
    }

    /// All lines before `last`.
    pub fn lines_until(&mut self, last: &str) -> Vec<String> {
        std::iter::repeat_with(|| self.line()).take_while(|line| line != last).collect()
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.reader.read_to_string(&mut rest).unwrap();
        rest
    }

    #[track_caller]
    pub fn expect_end(&mut self) {
        assert_eq!(self.rest(), "");
    }

    pub fn end_input(&mut self) {
        match self.reader.get_mut() {
            Carrier::Tcp(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Carrier::WebSocket(stream) => stream.close(),
            Carrier::Tls(stream) => stream.end_input(),
        }
    }
}

/// Set when it is dropped, by a panic even: else threads that go on until then would be waited for for
/// ever.
pub struct Until<'a>(pub &'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
