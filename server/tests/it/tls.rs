//! TLS: the handshake and its limits, two threads on one connection, and certificates that change.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chat_server::{Config, Endpoint, pin};
use nix::sys::signal::Signal;
use protocol::rows::WhoRow;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::program::{Program, not_run};
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
        let mut client = TestClient::connect_tls(self.address(), &self.certificate);
        client.send(&format!("login {name}\n"));
        client.expect("Connect Success");
        client.expect("Login Success");
        client
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

/// However slowly the bytes come, a handshake has ten seconds in all, and nobody else waits for it.
#[test]
fn a_byte_a_second_is_no_handshake() {
    let secure = Secure::start();
    let begin = Instant::now();
    let mut slow = secure.plain();
    let mut silent = secure.plain();
    slow.write_all(&[22, 3, 1, 1, 0, 1, 0, 0]).unwrap();
    let mut drip = slow.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        // Until the server has closed.
        while drip.write_all(&[0]).is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    secure.login("ann").expect_nothing_but("meanwhile");
    assert!(begin.elapsed() < Duration::from_secs(9), "ann had to wait");
    let end = rest(&mut slow);
    assert!(begin.elapsed() >= Duration::from_secs(9), "closed too early");
    // An alert, and no text.
    assert!(end.is_empty() || end[0] == 21, "{end:?}");
    drop(slow);
    dripping.join().unwrap();
    // Who says nothing at all waits for a greeting, and gets an answer.
    let told = String::from_utf8(rest(&mut silent)).unwrap();
    assert!(told.starts_with("Wrong Protocol: this port speaks TLS"), "{told}");
}

#[test]
fn who_speaks_no_tls_is_told_so() {
    let secure = Secure::start();
    let mut plain = secure.plain();
    plain.write_all(b"login ann\n").unwrap();
    let told = String::from_utf8(rest(&mut plain)).unwrap();
    assert!(told.starts_with("Wrong Protocol: this port speaks TLS; "), "{told}");
    assert!(told.ends_with("\n") && told.lines().count() == 1, "{told}");

    let mut browser = patient(secure.server.more[1]);
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let told = String::from_utf8(rest(&mut browser)).unwrap();
    assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("https://"), "{told}");

    // The other way round it can be seen in what comes.
    let mut confused = patient(secure.server.address);
    confused.write_all(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let told = String::from_utf8(rest(&mut confused)).unwrap();
    assert!(
        told.contains("Wrong Protocol: this port speaks chat in plain text, not TLS"),
        "{told}"
    );
}

/// Who has no place cannot read a text before the handshake, and is told by an alert.
#[test]
fn a_connection_counts_from_the_beginning() {
    let secure = Secure::with(|config| config.max_clients = 1);
    // It has not even begun its handshake.
    let mut first = secure.plain();
    first.write_all(&[22]).unwrap();
    let mut second = secure.plain();
    assert_eq!(rest(&mut second), [21, 3, 3, 0, 2, 2, 49]);
    drop(first);
    // Its place is free once the server has seen that it is gone.
    loop {
        let mut client = TestClient::connect_tls(secure.address(), &secure.certificate);
        if client.next_line().as_deref() == Some("Connect Success") {
            break;
        }
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
fn a_server_that_stops_waits_for_no_handshake() {
    let mut secure = Secure::start();
    let mut idle = secure.plain();
    idle.write_all(&[22, 3]).unwrap();
    // It came before this one, which was greeted.
    let ann = secure.login("ann");
    let begin = Instant::now();
    drop(ann);
    secure.server.stop();
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
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

/// The program as its user starts it, with the files that it has made itself.
#[test]
fn a_certificate_is_made_and_read_anew() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let make = |out: &str| {
        let arguments = ["certificate", "localhost", "127.0.0.1", "--out", &path(out)];
        let output = Program::start(&arguments).output();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = make("now");
    assert_eq!(code, Some(0));
    let old_pin = text.lines().last().unwrap().strip_prefix("pin ").unwrap().to_owned();
    // Nothing is overwritten.
    assert_eq!(make("now").0, Some(1));
    let key = fs::metadata(path("now/key.pem")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
    make("new");

    let (certificate, key) = (path("now/certificate.pem"), path("now/key.pem"));
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--tls",
        "127.0.0.1:0",
        "--certificate",
        &certificate,
        "--key",
        &key,
    ]);
    program.address();
    let (address, remark) = program.address();
    assert_eq!(remark, "(tls)");
    assert_eq!(program.pin(), old_pin);
    let mut log = BufReader::new(program.stderr());
    let mut log_line = |what: &str| {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the log ended before {what:?}");
        }
        line
    };
    let old = read_certificate(&certificate);
    assert_eq!(pin(&old), old_pin);
    let mut ann = TestClient::connect_tls(address, &old);
    ann.send("login ann\n");
    ann.expect("Connect Success");
    ann.expect("Login Success");

    // A key that belongs to another certificate changes nothing.
    fs::copy(path("new/key.pem"), &key).unwrap();
    program.signal(Signal::SIGHUP);
    log_line("the old certificate stays in use: cannot use ");
    ann.expect_nothing_but("talk goes on");
    TestClient::connect_tls(address, &old).expect("Connect Success");

    fs::copy(path("new/certificate.pem"), &certificate).unwrap();
    program.signal(Signal::SIGHUP);
    let new = read_certificate(&certificate);
    let line = log_line("the certificate is read anew");
    assert!(line.contains(&pin(&new)), "{line}");
    TestClient::connect_tls(address, &new).expect("Connect Success");
    // The connection of before goes on with the old one.
    ann.expect_nothing_but("talk goes on");
    program.signal(Signal::SIGTERM);
    assert_eq!(ann.rest(), "Server Shutdown\n");
    drop(ann);
    assert_eq!(program.output().status.code(), Some(0));
}

fn read_certificate(file: impl AsRef<Path>) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;

    CertificateDer::from_pem_file(file).unwrap()
}

#[test]
fn what_cannot_be_used_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let (files, _) = credentials(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    fs::write(path("empty"), "").unwrap();
    let local = "127.0.0.1:0";
    for (certificate, key, expected) in [
        (path("none"), key.clone(), "none: "),
        (path("empty"), key.clone(), "empty: nothing in it is in PEM; "),
        (certificate.clone(), certificate.clone(), "certificate.pem: nothing in it is in PEM; "),
    ] {
        let arguments =
            ["--listen", local, "--tls", local, "--certificate", &certificate, "--key", &key];
        let output = Program::start(&arguments).output();
        assert_eq!(output.status.code(), Some(3));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{stderr}");
    }
    assert!(files.certificate.exists());
    for wrong in [
        &["--tls", local][..],
        &["--web-tls", local],
        &["--tls", local, "--certificate", &certificate],
        &["--certificate", &certificate, "--key", &key],
        &["certificate", "localhost"],
        &["certificate", "--out", "x"],
    ] {
        assert_eq!(Program::start(wrong).output().status.code(), Some(2), "{wrong:?}");
    }
}
