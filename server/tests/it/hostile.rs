//! What a bad client does costs nobody else anything.

use std::io::Write;

use crate::support::{TestClient, TestServer};

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
    let server = TestServer::with(|config| config.max_per_address = 1);
    let first = server.connect();
    assert_eq!(TestClient::connect(server.address).rest(), "Server Full\n");
    drop(first);
}
