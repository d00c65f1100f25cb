//! Further attempts: to get in, and to come again after a connection is lost.

use std::net::TcpListener;

use crate::fake_server::{FakeSession, serve, serve_at};
use crate::real_server::RealServer;
use crate::script::{run, start};

#[test]
fn it_is_tried_again_where_it_may_help() {
    // First it is full, then the name is taken, then it goes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = std::thread::spawn(move || {
        FakeSession::accept(&listener).send("Server Full\n");
        let mut session = FakeSession::accept(&listener);
        session.send("Connect Success\n");
        session.line();
        session.send("UserName Exist\n");
        session.close();
        let mut session = FakeSession::accept(&listener);
        session.greet_and_log_in();
        session.line();
        session.send("Online Users:\nal\npong chat-client-list\n");
        session.rest();
    });
    let outcome = run(&address, "look", &["--name", "al", "--retry", "2"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "al\n"), "{outcome:?}");
    let why: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(
        why,
        [
            "chat-client: Server Full; try again later; trying again in 1 s",
            "chat-client: login refused: UserName Exist; choose another name; trying again in 2 s",
        ]
    );
    serving.join().unwrap();
    // A name that is not allowed does not get better.
    let server = RealServer::start();
    let outcome = run(server.address, "look", &["--name", "a b", "--retry", "5"]);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(8), 1), "{outcome:?}");
    drop(server);
    // And no attempt begins for which there is no time.
    let outcome = run("127.0.0.1:1", "look", &["--retry", "5", "--timeout", "0.5"]);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{outcome:?}");
}

#[test]
fn follow_and_wait_come_again_and_miss_nothing() {
    for (task, options) in [("follow", &[][..]), ("wait", &["--match", "four"])] {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "since\n");
            session.send("Room Position: 2026-11-22T10:04:05.000Z+1\nbo: one\nbo: two\n");
            session.close()
        });
        let arguments = [&["--name", "al", "--reconnect", "--timeout", "60"], options].concat();
        let program = start(&server, task, &arguments);
        let (_, again) = serve_at(served.join().unwrap(), |mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "since 2026-11-22T10:04:05.000Z+3\n");
            assert_eq!(session.line(), "since\n");
            let fence = session.fence();
            session.send("History:\n[2026-11-22T10:04:05.000Z] bo: three\nbo: four\n");
            session.send(format!("Room Position: 2026-11-22T10:04:06.000Z+1\n{fence}"));
            session.send("bo: five\nKicked: enough\n");
            session.close();
        });
        let outcome = program.finish();
        again.join().unwrap();
        let (code, stdout) = match task {
            "wait" => (0, "bo: four\n"),
            _ => (
                8,
                "bo: one\nbo: two\n[2026-11-22T10:04:05.000Z] bo: three\nbo: four\nbo: five\nKicked: enough\n",
            ),
        };
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), stdout), "{outcome:?}");
        let told = "chat-client: connection lost: the server closed it; start again; trying again in 1 s\n";
        assert!(outcome.stderr.starts_with(told), "{outcome:?}");
    }
}

#[test]
fn who_comes_again_is_told_what_the_server_has_forgotten() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "since\n");
        session.send("Room Position: 2026-11-22T10:04:05.000Z+1\nbo: one\n");
        session.close()
    });
    let program = start(&server, "follow", &["--name", "al", "--reconnect", "--count", "2"]);
    let (_, again) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        let wanted = session.line();
        assert_eq!(wanted, "since 2026-11-22T10:04:05.000Z+2\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.fence();
        session.send("Position Gone: 2026-11-22T10:04:05.000Z+2\n");
        session.send(format!("History:\n[2026-11-22T10:04:05Z] bo: nine\n{fence}"));
        session.rest();
    });
    let outcome = program.finish();
    again.join().unwrap();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "bo: one\n[2026-11-22T10:04:05Z] bo: nine\n");
    assert!(outcome.stderr.contains("Missed lines"), "{outcome:?}");
}
