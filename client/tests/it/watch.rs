//! Commands that only read leave nothing behind, where the server lets people watch.

use std::net::{Shutdown, TcpListener};

use crate::fake_server::FakeSession;
use crate::real_server::RealServer;
use crate::script::{check, run, start};

#[test]
fn who_only_reads_leaves_no_line_and_is_in_no_list() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("join den\ntopic tea\nsay hi\nping x\n");
    bob.read_to("pong x");
    let read = |task, arguments: &[&str]| {
        let outcome = run(server.address, task, &[&["--room", "den"], arguments].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stdout
    };
    assert_eq!(read("look", &[]), "bob\n");
    assert_eq!(read("look", &["--json"]), "{\"room\":\"den\",\"name\":\"bob\"}\n");
    assert_eq!(read("rooms", &[]), "den 1\nmain 0\n");
    assert_eq!(read("topic", &[]), "tea\n");
    assert!(read("history", &["1"]).ends_with("Z] bob: hi\n"));
    assert_eq!(read("wait", &["--match", "^bob: h", "--history", "1"]), "bob: hi\n");
    let followed = read("follow", &["--history", "2", "--count", "2"]);
    let followed: Vec<_> = followed.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    assert_eq!(followed, ["bob set the topic: tea", "bob: hi"]);
    // Nobody was there for bob.
    bob.send("ping y\n");
    assert_eq!(bob.read_to("pong y"), [""; 0]);
    // What is said while somebody watches comes, and what was missed.
    let mut follow =
        start(server.address, "follow", &["--room", "den", "--history", "1", "--reconnect"]);
    assert!(follow.read_to("\n").ends_with("Z] bob: hi\n"));
    bob.send("say more\n");
    assert_eq!(follow.read_to("\n"), "bob: more\n");
}

#[test]
fn a_room_that_cannot_be_is_refused() {
    let server = RealServer::start();
    let outcome = run(server.address, "look", &["--room", "a:b"]);
    let why = "chat-client: refused: RoomName Invalid: : is not allowed; change it and try again\n";
    check(&outcome, 6, "", why);
}

/// A client that was greeted.
fn greeted(listener: &TcpListener) -> FakeSession {
    let mut session = FakeSession::accept(listener);
    session.send("Connect Success\n");
    session
}

#[test]
fn a_server_that_does_not_know_it_gets_a_login() {
    // It says so, as the protocol wants it; or something else, perhaps without an end; or nothing at all;
    // or it closes. Unless it said so, nobody knows what it has understood: there is another connection then.
    for answer in [Some("Unknown command: watch\n"), Some("What?\n"), Some("What?"), Some(""), None]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            let mut session = greeted(&listener);
            assert_eq!(session.line(), "watch\n");
            match answer {
                Some(answer) => session.send(answer),
                None => session.stream.shutdown(Shutdown::Both).unwrap(),
            }
            if answer.is_none_or(|answer| !answer.starts_with("Unknown")) {
                session = greeted(&listener);
            }
            let login = session.line();
            assert!(login.starts_with("login "), "{login:?}");
            session.send("Login Success\n");
            assert_eq!(session.line(), "look\n");
            session.send("Online Users:\nbo\npong chat-client-list\n");
            session.rest();
        });
        check(&run(address, "look", &[]), 0, "bo\n", "");
        serving.join().unwrap();
    }
}
