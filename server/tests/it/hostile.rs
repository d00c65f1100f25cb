//! What a bad client does costs nobody else anything.

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chat_server::{Endpoint, Network};
use nix::sys::socket::{setsockopt, sockopt};
use tempfile::TempDir;

use crate::support::{TestClient, TestServer, Until, operators_file};

/// Two honest users who must notice nothing.
struct Witnesses {
    ann: TestClient,
    bob: TestClient,
}

impl Witnesses {
    fn of(server: &TestServer) -> Self {
        let (mut ann, bob) = (server.login("ann"), server.login("bob"));
        ann.expect("bob has entered the room.");
        Self { ann, bob }
    }

    #[track_caller]
    fn saw_nothing(&mut self) {
        self.ann.send("say all well?\n");
        for witness in [&mut self.ann, &mut self.bob] {
            witness.expect("ann: all well?");
            witness.expect_nothing_but("all well");
        }
    }
}

#[test]
fn random_bytes_disturb_nobody() {
    let server = TestServer::start();
    let mut witnesses = Witnesses::of(&server);
    // The multiplicative generator of Park and Miller: the same bytes in every run.
    let mut seed: u64 = 20_261_122;
    let mut noise = || {
        seed = seed * 48_271 % 2_147_483_647;
        (seed >> 8) as u8
    };
    for _ in 0..20 {
        let mut vandal = server.connect();
        let mut bytes: Vec<u8> = (0..10_000).map(|_| noise()).collect();
        bytes.push(b'\n');
        vandal.send_bytes(&bytes);
        let answers = vandal.lines_until_fence();
        assert!(!answers.is_empty());
    }
    witnesses.saw_nothing();
}

#[test]
fn nothing_but_nuls_is_refused() {
    let server = TestServer::start();
    let mut witnesses = Witnesses::of(&server);
    let mut vandal = server.connect();
    vandal.send_bytes(&[0; 1000]);
    vandal.send("\n");
    vandal.expect("Control Character");
    vandal.expect_nothing_but("still here");
    witnesses.saw_nothing();
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_its_client_closed() {
    let server = TestServer::start();
    let mut witnesses = Witnesses::of(&server);
    let mut vandal = server.connect();
    // The server closes in the middle of it, so that writing may fail.
    let _ = vandal.stream().write_all(&vec![b'x'; 10 * 1024 * 1024]);
    vandal.expect("Line Too Long: 4096");
    witnesses.saw_nothing();
}

#[test]
fn a_client_that_vanishes_in_the_middle_of_a_line_says_nothing() {
    let server = TestServer::start();
    let mut witnesses = Witnesses::of(&server);
    let mut ghost = server.connect();
    ghost.send("login");
    drop(ghost);
    witnesses.saw_nothing();
}

/// A reset may be found by the courier instead of the session, if there is much to send.
#[test]
fn a_reset_in_the_middle_of_a_line_says_nothing() {
    const ROUNDS: usize = 300;
    let server = TestServer::start();
    let mut watcher = server.login("watcher");
    let talker = server.login("talker");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let echo = talker.stream().try_clone().unwrap();
        scope.spawn(move || std::io::copy(&mut &echo, &mut std::io::sink()));
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                talker.stream().write_all(&b"say on and on\n".repeat(20)).unwrap();
            }
            talker.stream().shutdown(Shutdown::Both).unwrap();
        });
        let end = Until(&is_over);
        let mut torn = Vec::new();
        for round in 0..ROUNDS {
            let ghost = TestClient::connect(server.address);
            (ghost.stream()).write_all(format!("login ghost{round}\nsay torn").as_bytes()).unwrap();
            watcher.lines_until(&format!("ghost{round} has entered the room."));
            let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            setsockopt(ghost.stream(), sockopt::Linger, &at_once).unwrap();
            drop(ghost);
            let lines = watcher.lines_until(&format!("ghost{round} has left the room."));
            torn.extend(lines.into_iter().filter(|line| line.ends_with(": torn")));
        }
        drop(end);
        watcher.stream().shutdown(Shutdown::Both).unwrap();
        assert_eq!(torn, [""; 0]);
    });
}

#[test]
fn requests_whose_answers_nobody_reads_are_not_read_on() {
    let server = TestServer::start();
    let mut witnesses = Witnesses::of(&server);
    let greedy = server.connect();
    greedy.stream().set_nonblocking(true).unwrap();
    // Unread answers fill the sockets' buffers, then the outbox; then requests fill theirs.
    let requests = "help\n".repeat(10_000);
    let mut accepted = 0;
    let mut refusals = 0;
    while refusals < 3 {
        match greedy.stream().write(requests.as_bytes()) {
            Ok(count) => accepted += count,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                refusals += 1;
                // Each of these rounds gives the server time to read on, if it did.
                witnesses.saw_nothing();
            }
        }
        assert!(accepted < 64 * 1024 * 1024, "the server reads without end");
    }
    witnesses.saw_nothing();
}

#[test]
fn a_client_without_a_word_is_served_until_the_server_stops() {
    let mut server = TestServer::start();
    let mut silent = server.connect();
    let mut ann = server.login("ann");
    server.stop();
    assert_eq!(silent.rest(), "Server Shutdown\n");
    assert_eq!(ann.rest(), "Server Shutdown\n");
}

#[test]
fn what_was_said_before_the_stop_is_delivered() {
    let mut server = TestServer::start();
    let mut ann = server.login("ann");
    let mut bob = server.login("bob");
    ann.expect("bob has entered the room.");
    ann.send("say one\nsay two\nping said\n");
    assert_eq!(ann.lines_until("pong said"), ["ann: one", "ann: two"]);
    server.stop();
    assert_eq!(ann.rest(), "Server Shutdown\n");
    assert_eq!(bob.rest(), "ann: one\nann: two\nServer Shutdown\n");
}

#[test]
fn no_more_clients_than_allowed() {
    let server = TestServer::with(|config| config.max_clients = 2);
    let mut witnesses = Witnesses::of(&server);
    for _ in 0..3 {
        assert_eq!(TestClient::connect(server.address).rest(), "Server Full\n");
    }
    witnesses.saw_nothing();
    let Witnesses { mut ann, mut bob } = witnesses;
    bob.send("logout\n");
    bob.expect_end();
    ann.expect("bob has left the room.");
    server.login("carl");
}

#[test]
fn no_more_clients_of_one_address_than_allowed() {
    let server = TestServer::with(|config| {
        config.max_per_address = 1;
        config.exempt = Vec::new();
        config.listeners[1] = Endpoint::classic("[::ffff:127.0.0.1]:0".parse().unwrap());
    });
    let mut first = server.connect();
    assert_eq!(TestClient::connect(server.address).rest(), "Server Full\n");
    // Through a listener of the other family it is the same address.
    assert_eq!(TestClient::connect(server.classic).rest(), "Server Full\n");
    first.send("logout\n");
    first.expect_end();
    assert_eq!(TestClient::connect(server.classic).packet(), b"Connect Success");
}

/// Also when one address has taken all the others.
#[test]
fn an_operator_finds_a_place() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let start = |exempt: Vec<Network>| {
        TestServer::with(|config| {
            config.max_clients = 8;
            config.operators = Some(operators.clone());
            config.exempt = exempt;
        })
    };
    let strangers = start(Vec::new());
    let _crowd: Vec<_> = (0..6).map(|_| strangers.connect()).collect();
    assert_eq!(TestClient::connect(strangers.address).rest(), "Server Full\n");
    let friends = start(vec!["127.0.0.1".parse().unwrap()]);
    let _crowd: Vec<_> = (0..8).map(|_| friends.connect()).collect();
    assert_eq!(TestClient::connect(friends.address).rest(), "Server Full\n");
}
