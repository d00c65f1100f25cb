//! Chat over TLS: two threads on one connection, clients of all kinds, and browsers.

mod certificate;
mod handshake;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use chat_server::{Config, Endpoint};
use protocol::rows::WhoRow;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::program::not_run;
use crate::support::{TestClient, TestServer, operators_file};
use crate::tls_stream::{TlsStream, credentials};

/// A server that also listens with TLS, for clients and for browsers.
struct Secure {
    server: TestServer,
    certificate: CertificateDer<'static>,
    folder: TempDir,
}

impl Secure {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let (files, certificate) = credentials(folder.path());
        let server = TestServer::with(|config| {
            let local = SocketAddr::from(([127, 0, 0, 1], 0));
            config.credentials = Some(files);
            config.listeners.extend([Endpoint::tls(local), Endpoint::web_tls(local)]);
            configure(config);
        });
        Self { server, certificate, folder }
    }

    fn address(&self) -> SocketAddr {
        self.server.more[0]
    }

    fn plain(&self) -> TcpStream {
        patient(self.address())
    }

    fn login(&self, name: &str) -> TestClient {
        TestClient::connect_tls(self.address(), &self.certificate).log_in(name)
    }
}

/// A connection whose reads fail instead of hanging.
fn patient(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn people_with_tls_and_without_share_a_room() {
    let mut secure = Secure::start();
    let mut ann = secure.login("ann");
    let mut bob = secure.server.login("bob");
    ann.expect("bob has entered the room.");
    ann.send("say hi\nlook\n");
    bob.expect("ann: hi");
    ann.expect("ann: hi");
    assert_eq!([ann.line(), ann.line(), ann.line()], ["Online Users:", "ann", "bob"]);
    bob.send("say hi too\n");
    ann.expect("bob: hi too");
    bob.expect("bob: hi too");
    // The end is told by TLS too: a read would fail otherwise.
    secure.server.stop();
    assert_eq!(ann.rest(), "Server Shutdown\n");
}

#[test]
fn the_end_of_the_input_is_no_end_of_the_answers() {
    let secure = Secure::start();
    let mut ann = secure.login("ann");
    ann.send("say one\nping two");
    ann.end_input();
    assert_eq!(ann.rest(), "ann: one\npong two\n");
}

/// With operators a session waits for its socket and for something else, and must not overlook what TLS
/// has opened already: here one record, of more bytes than are read at once at first.
#[test]
fn many_lines_in_one_record_are_all_answered() {
    let operators = TempDir::new().unwrap();
    let file = operators_file(&operators, &[("teacher", "open")]);
    let secure = Secure::with(|config| config.operators = Some(file));
    let mut ann = secure.login("ann");
    for _ in 0..3 {
        let pings = (0..1000).fold(String::new(), |mut text, n| {
            writeln!(text, "ping {n}").unwrap();
            text
        });
        ann.send(&pings);
        (0..1000).for_each(|n| ann.expect(&format!("pong {n}")));
    }
}

#[test]
fn a_long_list_arrives_whole() {
    let secure = Secure::start();
    let mut ann = secure.login("ann");
    let text = "x".repeat(1000);
    (0..200).for_each(|n| ann.send(&format!("say {n} {text}\n")));
    (0..200).for_each(|n| ann.expect(&format!("ann: {n} {text}")));
    ann.send("history 200\n");
    ann.expect("History:");
    (0..200).for_each(|n| assert!(ann.line().ends_with(&format!("ann: {n} {text}"))));
    ann.expect_nothing_but("whole");
}

/// New keys of both sides while both sides send as fast as they can. Were the session to send what TLS has
/// to say, records would leave in another order than that of their numbers.
#[test]
fn keys_change_in_the_middle_of_a_flood() {
    let secure = Secure::start();
    let mut ann = secure.login("ann");
    let mut bob = secure.login("bob");
    ann.expect("bob has entered the room.");
    let rounds = 200;
    let (ann_text, bob_text) = ("a".repeat(200), "b".repeat(200));
    std::thread::scope(|scope| {
        scope.spawn(|| flood(&mut bob, &bob_text, rounds));
        flood(&mut ann, &ann_text, rounds);
    });
    // Both saw each line of both, or are told of those that they missed, in one order.
    for client in [&mut ann, &mut bob] {
        client.expect_nothing_but("end");
    }

    fn flood(client: &mut TestClient, text: &str, rounds: usize) {
        let lines = format!("say {text}\n").repeat(20);
        let mut done = 0;
        let mut read = |client: &mut TestClient| {
            let line = client.line();
            done += usize::from(line.ends_with(": done"));
            (line, done)
        };
        for round in 0..rounds {
            client.tls().renew_keys();
            client.send(&lines);
            client.send(&format!("ping {round}\n"));
            let last = format!("pong {round}");
            while read(client).0 != last {}
        }
        client.send("say done\n");
        // One's own and the other's, which may have come before.
        while read(client).1 < 2 {}
    }
}

#[test]
fn a_strangers_client_can_talk() {
    let secure = Secure::start();
    let certificate = secure.folder.path().join("certificate.pem");
    for version in ["-tls1_2", "-tls1_3"] {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-ign_eof", "-verify_return_error", version])
            .args(["-verify_hostname", "localhost", "-CAfile", certificate.to_str().unwrap()])
            .args(["-connect", &secure.address().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut openssl = match command.spawn() {
            Ok(child) => child,
            Err(error) => return not_run(&format!("openssl as a client: {error}")),
        };
        let requests = b"login ann\nsay hi\nlogout\n";
        openssl.stdin.as_mut().unwrap().write_all(requests).unwrap();
        let output = openssl.wait_with_output().unwrap();
        let expected = "Connect Success\nLogin Success\nann: hi\n";
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{version}");
    }
}

/// Whoever is in between can end a connection, but not make it look as if the client had meant it.
#[test]
fn an_end_without_a_word_of_tls_does_nothing() {
    let secure = Secure::start();
    let mut ann = secure.login("ann");
    let mut bob = secure.login("bob");
    ann.expect("bob has entered the room.");
    bob.send("say begun");
    bob.stream().shutdown(Shutdown::Write).unwrap();
    // Of a plain client the text after the last newline would be said.
    ann.expect("bob has left the room.");
}

#[test]
fn browsers_get_the_page_over_https_and_who_says_so() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let secure = Secure::with(|config| config.operators = Some(operators));
    let address = secure.server.more[1];
    let ask = |path: &str, headers: &str| {
        let mut browser = TlsStream::new(patient(address), &secure.certificate);
        let host = format!("localhost:{}", address.port());
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\n{headers}\r\n"
        );
        browser.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(browser);
        let mut status = String::new();
        lines.read_line(&mut status).unwrap();
        (status, lines)
    };
    let (status, mut page) = ask("/", "");
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    assert!(text.contains("</html>"), "{text}");
    let (status, mut socket) = ask(
        "/chat",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    assert_eq!(status, "HTTP/1.1 101 Switching Protocols\r\n");
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        socket.read_line(&mut line).unwrap();
    }
    let mut frame = [0; 2 + "Connect Success\n".len()];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(&frame[2..], b"Connect Success\n");
    let mut teacher = secure.login("teacher open");
    teacher.send("op open\nwho\n");
    teacher.expect("Operator Success");
    teacher.expect("Online Connections:");
    let carriers = [teacher.line(), teacher.line()]
        .map(|row| WhoRow::parse(&row).map(|row| row.carrier.to_owned()));
    assert_eq!(carriers, [Some("wss".to_owned()), Some("tls".to_owned())]);
}
