//! The promises about order, held against many clients at once.

use std::io::ErrorKind;
use std::thread;

use tempfile::TempDir;

use crate::program::not_run;
use crate::recording_faults::hold_up;
use crate::support::{TestClient, TestServer};
use crate::together::{all_see_one_order, at_once};

#[test]
fn replies_stand_where_they_were_asked_for() {
    let server = TestServer::start();
    let mut ann = server.login("ann");
    let requests: String = (0..500).map(|n| format!("say {n}\nlook\nping {n}\n")).collect();
    ann.send(&requests);
    for n in 0..500 {
        for line in [&format!("ann: {n}"), "Online Users:", "ann", &format!("pong {n}")] {
            ann.expect(line);
        }
    }
}

#[test]
fn requests_may_come_byte_by_byte() {
    let server = TestServer::start();
    let mut ann = server.connect();
    for byte in "login ann\nsay käse\nlook\nping 1\n".bytes() {
        ann.send_bytes(&[byte]);
    }
    for line in ["Login Success", "ann: käse", "Online Users:", "ann", "pong 1"] {
        ann.expect(line);
    }
}

#[test]
fn twenty_clients_see_one_order() {
    let server = TestServer::start();
    let clients: Vec<_> = (0..20).map(|n| server.login(&format!("user{n}"))).collect();
    let talk = |(n, mut client): (usize, TestClient)| {
        thread::spawn(move || {
            for m in 0..50 {
                client.send(&format!("say {m}\nlook\n"));
            }
            client.send("logout\n");
            (n, client.rest())
        })
    };
    let threads: Vec<_> = clients.into_iter().enumerate().map(talk).collect();
    for (n, seen) in threads.into_iter().map(|thread| thread.join().unwrap()) {
        check_own_lines(n, &seen);
        check_lists(&seen);
    }
}

/// Each own line is there once, in order, and each list follows the line before it.
fn check_own_lines(n: usize, seen: &str) {
    let own = format!("user{n}: ");
    let said: Vec<_> = seen.lines().filter_map(|line| line.strip_prefix(&own)).collect();
    let expected: Vec<_> = (0..50).map(|m| m.to_string()).collect();
    assert_eq!(said, expected);
    assert_eq!(seen.lines().filter(|line| *line == "Online Users:").count(), 50);
    assert!(!seen.contains(&format!("user{n} has ")), "nobody sees itself come or go");
}

/// Whoever was seen leaving before a list is not in it, and everybody else is.
fn check_lists(seen: &str) {
    let mut gone = Vec::new();
    let mut lines = seen.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_suffix(" has left the room.") {
            gone.push(name);
        } else if line == "Online Users:" {
            let mut listed = 0;
            while let Some(name) = lines.next_if(|line| !line.contains(' ')) {
                assert!(!gone.contains(&name), "{name} has left, and is listed");
                listed += 1;
            }
            assert!(listed + gone.len() <= 20 && listed > 0);
        }
    }
}

#[test]
fn fifty_clients_that_talk_at_once_all_see_the_same() {
    const CLIENTS: usize = 50;
    const LINES: usize = 200;
    let server = TestServer::start();
    let mut clients: Vec<_> = (0..CLIENTS).map(|n| server.login(&format!("user{n}"))).collect();
    for client in &mut clients {
        client.lines_until_fence();
    }
    all_see_one_order(&mut clients, LINES);
}

#[test]
fn coming_and_going_is_seen_by_the_others_alone() {
    let server = TestServer::start();
    let mut watcher = server.login("watcher");
    for round in 0..300 {
        let mut guest = server.connect();
        // All at once, so that the end comes while the courier is on the way.
        guest.send(&format!("login guest{round}\nsay last words"));
        guest.end_input();
        assert_eq!(guest.rest(), format!("Login Success\nguest{round}: last words\n"));
        watcher.expect(&format!("guest{round} has entered the room."));
        watcher.expect(&format!("guest{round}: last words"));
        watcher.expect(&format!("guest{round} has left the room."));
    }
}

#[test]
fn of_two_logins_under_one_name_one_succeeds() {
    let server = TestServer::start();
    for round in 0..50 {
        let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
        let answers = at_once(&mut clients, |_, client| {
            client.send(&format!("login name{round}\n"));
            client.line()
        });
        let count = |text| answers.iter().filter(|answer| *answer == text).count();
        assert_eq!((count("Login Success"), count("UserName Exist")), (1, 7));
    }
}

#[test]
fn a_name_is_free_once_its_connection_has_closed() {
    let server = TestServer::start();
    for _ in 0..100 {
        let mut ann = server.login("ann");
        ann.send("logout\n");
        ann.expect_end();
    }
}

/// A line that is not in the transcript yet is shown to nobody, in `history` no more than in the
/// room. The system holds up the recorder here, as if its disk did not answer.
#[test]
fn no_reply_shows_what_is_not_recorded() {
    let folder = TempDir::new().unwrap();
    let Some(lease) = hold_up(&folder.path().join("main.topic.new")) else {
        return not_run(
            "lines that are not recorded: it takes perl, and a file system with leases",
        );
    };
    let server = TestServer::with(|config| {
        config.data = Some(folder.path().to_owned());
        config.couriers = 1;
    });
    let mut ann = server.login("ann");
    ann.send("topic tea\nrename anna\n");
    let _dave = login_once_free(&server, "ann");
    let mut bob = server.login("bob");
    bob.send("history 1\nrename robert\n");
    let _carl = login_once_free(&server, "bob");

    bob.stream().set_nonblocking(true).unwrap();
    let early = bob.stream().peek(&mut [0; 1]).map_err(|error| error.kind());
    bob.stream().set_nonblocking(false).unwrap();
    drop(lease);
    assert_eq!(early, Err(ErrorKind::WouldBlock));
    bob.expect("History:");
    assert!(bob.line().ends_with("bob has entered the room."));
    bob.expect("Rename Success");
}

/// Takes a name that somebody is about to give up: then the server has done all that was asked of
/// it before.
fn login_once_free(server: &TestServer, name: &str) -> TestClient {
    let mut client = server.connect();
    loop {
        client.send(&format!("login {name}\n"));
        match client.line().as_str() {
            "UserName Exist" => {}
            answer => break assert_eq!(answer, "Login Success"),
        }
    }
    client
}
