//! Browsers and those who only seem to be some: HTTP, the rules of WebSocket, and floods over it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tungstenite::Message;

use crate::program::{Program, not_run};
use crate::support::{TestClient, TestServer};

/// What the server answers to bytes, up to the end of the connection.
fn answer(server: &TestServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.web).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn expect_status(server: &TestServer, request: &str, status: &str) {
    let answer = answer(server, request.as_bytes());
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert_eq!(body.len(), length.parse::<usize>().unwrap());
}

fn get(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn upgrade(host: &str, origin: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[test]
fn http_is_answered_as_http_has_it() {
    let server = TestServer::with(|config| config.web_names = vec!["chat.test".to_owned()]);
    let page = answer(&server, get(&server.web.to_string()).as_bytes());
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</html>\n"));
    for line in [
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Security-Policy: default-src 'none'; script-src 'sha256-",
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n",
    ] {
        assert!(page.contains(line), "{line}");
    }
    let host = "localhost";
    expect_status(&server, &get("chat.test:80"), "200 OK");
    expect_status(&server, &get("evil.test"), "403 Forbidden");
    expect_status(&server, &upgrade(host, "http://evil.test"), "403 Forbidden");
    expect_status(&server, &upgrade("evil.test", "http://evil.test"), "403 Forbidden");
    expect_status(&server, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found");
    expect_status(&server, "PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed");
    expect_status(&server, "GET /chat HTTP/1.1\r\nHost: [::1]\r\n\r\n", "426 Upgrade Required");
    expect_status(&server, "login al\n", "400 Bad Request");
    expect_status(&server, "\u{16}\u{3}\u{1}\u{2}", "400 Bad Request");
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(10_000));
    let mut stream = TcpStream::connect(server.web).unwrap();
    stream.write_all(long.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 431");
}

#[test]
fn half_a_request_has_the_time_of_a_login() {
    let server = TestServer::with(|config| config.login_timeout = Duration::from_millis(200));
    expect_status(&server, "GET / HTTP/1.1\r\nHost: local", "408 Request Timeout");
    let mut silent = loop {
        // On a busy machine the time may be over before it is a WebSocket.
        if let Some(client) = TestClient::try_connect_web(server.web) {
            break client;
        }
    };
    assert_eq!(silent.rest(), "Connect Success\nLogin Timeout\n");
    assert_eq!(silent.web().closed, Some(1000));
}

#[test]
fn a_full_server_says_so() {
    let server = TestServer::with(|config| config.max_clients = 1);
    let _first = server.connect();
    let answer = answer(&server, b"");
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nServer Full\n"), "{answer}");
}

#[test]
fn frames_may_come_with_the_head() {
    let server = TestServer::start();
    let mut stream = TcpStream::connect(server.web).unwrap();
    // A mask of zeros leaves the text as it is.
    let frame = b"\x81\x89\0\0\0\0login al\n\x89\x80\0\0\0\0\x88\x80\0\0\0\0";
    let host = server.web.to_string();
    let request = upgrade(&host, &format!("http://{host}"));
    stream.write_all(&[request.as_bytes(), frame].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = answer.escape_ascii().to_string();
    let (head, frames) = answer.split_once(r"\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.ends_with("Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert!(frames.contains("Connect Success") && frames.contains("Login Success"), "{frames}");
    assert!(frames.ends_with(r"\x88\x02\x03\xe8") && frames.contains(r"\x8a\x00"), "{frames}");
}

#[test]
fn an_end_has_its_code() {
    let mut server = TestServer::start();
    let code = |send: &dyn Fn(&mut TestClient)| {
        let mut client = server.connect_web();
        client.expect("Connect Success");
        send(&mut client);
        client.expect_end();
        client.web().closed
    };
    let raw = |bytes: &'static [u8]| {
        move |client: &mut TestClient| {
            client.stream().write_all(bytes).unwrap();
        }
    };
    assert_eq!(code(&|client| client.send("logout\n")), Some(1000));
    assert_eq!(code(&raw(b"\x81\x00")), Some(1002));
    assert_eq!(code(&raw(b"\xc1\x80\0\0\0\0")), Some(1002));
    assert_eq!(code(&raw(b"\x82\x80\0\0\0\0")), Some(1003));
    assert_eq!(code(&raw(b"\x81\x81\0\0\0\0\xff")), Some(1007));
    assert_eq!(code(&raw(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0")), Some(1009));
    assert_eq!(code(&raw(b"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01\0\0\0\0")), Some(1009));
    let mut last = server.connect_web();
    last.expect("Connect Success");
    server.stop();
    assert_eq!(last.rest(), "Server Shutdown\n");
    assert_eq!(last.web().closed, Some(1000));
}

#[test]
fn who_breaks_the_rules_costs_nobody_else_anything() {
    let server = TestServer::start();
    let mut ann = server.login("ann");
    for number in 0..300 {
        let mut bob = server.connect_web();
        if number % 3 == 0 {
            // One name would be taken until the one before is closed.
            bob.send(&format!("login bob{number}\n"));
            ann.expect(&format!("bob{number} has entered the room."));
            bob.stream().write_all(b"\xc1\x80\0\0\0\0").unwrap();
            ann.expect(&format!("bob{number} has left the room."));
        }
        let mut stranger = TcpStream::connect(server.web).unwrap();
        stranger.write_all(b"GET /chat HTTP/1.1\r\nHost: x").unwrap();
    }
    let mut bob = server.connect_web();
    bob.expect("Connect Success");
    bob.send("login bob\nlook\n");
    assert_eq!(bob.lines_until_fence(), ["Login Success", "Online Users:", "ann", "bob"]);
    ann.expect("bob has entered the room.");
    ann.expect_nothing_but("done");
}

#[test]
fn who_stalls_within_a_frame_gets_whole_frames_and_a_pong_between_them() {
    const LINES: usize = 300_000;
    let server = TestServer::with(|config| config.backlog = 512 * 1024);
    let mut sleeper = server.connect_web();
    sleeper.send("login sleeper\n");
    sleeper.lines_until_fence();
    let mut flooder = server.login("flooder");
    let mut stream = flooder.stream().try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for first in (0..LINES).step_by(1000) {
                let batch: String =
                    (first..first + 1000).map(|n| format!("say {n:050}\n")).collect();
                stream.write_all(batch.as_bytes()).unwrap();
            }
        });
        for n in 0..LINES {
            flooder.expect(&format!("flooder: {n:050}"));
        }
    });
    // It is behind by all that its room has, and in the middle of a frame.
    sleeper.web().ping("alive?");
    // The second text is read once everything that was read with the first one is done.
    for text in ["one", "two"] {
        sleeper.send(&format!("say {text}\n"));
        flooder.expect(&format!("sleeper: {text}"));
    }
    sleeper.expect("flooder has entered the room.");
    let (mut seen, mut missed, mut pongs) = (0, 0, 0);
    let mut longest = 0;
    let mut messages = sleeper.buffered().map(Message::text);
    loop {
        let frame = match messages.take().unwrap_or_else(|| sleeper.web().message()) {
            Message::Pong(payload) => {
                assert_eq!((payload.as_ref(), missed), (&b"alive?"[..], 0), "it has waited");
                pongs += 1;
                continue;
            }
            Message::Text(frame) => frame,
            other => panic!("{other:?}"),
        };
        assert!(frame.ends_with('\n'), "a frame ends in a line");
        longest = longest.max(frame.len());
        for line in frame.lines() {
            let count = line.strip_prefix("Missed ").and_then(|rest| rest.strip_suffix(" lines"));
            if let Some(count) = count {
                missed += count.parse::<usize>().unwrap();
            } else {
                assert_eq!(line, format!("flooder: {:050}", seen + missed));
                seen += 1;
            }
        }
        if seen + missed == LINES + 2 {
            break;
        }
    }
    assert!(missed > 0, "it was not behind");
    assert_eq!(pongs, 1);
    assert!(longest > 10_000, "lines went one by one, in {longest} bytes at most");
    sleeper.expect_nothing_but("done");
}

#[test]
fn the_lines_for_nginx_are_right() {
    let page = include_str!("../../../docs/web.md");
    let location =
        page.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let server = TestServer::with(|config| config.web_names = vec!["chat.test".to_owned()]);
    let location = location.replace("127.0.0.1:8080", &server.web.to_string());
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", path(kind)))
        .concat();
    let (socket, configuration) = (path("socket"), path("nginx.conf"));
    let (pid, errors) = (path("pid"), path("errors"));
    fs::write(
        &configuration,
        format!(
            "daemon off; master_process off; pid {pid}; events {{}}\nhttp {{ access_log off;\n\
             {temporary} server {{ listen unix:{socket};\n{location} }} }}\n"
        ),
    )
    .unwrap();
    let mut nginx = Command::new("nginx");
    nginx.args(["-e", &errors, "-c", &configuration]).stdout(Stdio::null()).stderr(Stdio::null());
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        return not_run("the lines for nginx in docs/web.md: install nginx-light");
    }
    let _nginx = Program::spawn(&mut nginx);
    let deadline = Instant::now() + Duration::from_secs(30);
    let stream = loop {
        // Until it listens.
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => {
                panic!("{error}: {}", fs::read_to_string(errors).unwrap_or_default())
            }
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    };
    let (mut browser, _) = tungstenite::client("ws://chat.test/chat", stream).unwrap();
    browser.send(Message::text("login al\n")).unwrap();
    let mut heard = String::new();
    while !heard.contains("Login Success\n") {
        heard += &browser.read().unwrap().into_text().unwrap();
    }
    let mut stream = UnixStream::connect(&socket).unwrap();
    let request = get("evil.test").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}
