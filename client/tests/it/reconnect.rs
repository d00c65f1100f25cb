//! The mode for terminals: connections that are lost, and found again.

use std::net::TcpListener;
use std::time::Duration;

use chat_client::net::Connection;
use chat_server::Config;

use crate::cable::Cable;
use crate::fake_server::{FakeSession, once_free, own_address, serve, serve_at};
use crate::pty::{CTRL_C, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn ctrl_c_stops_the_attempts_and_what_is_typed_goes_on() {
    let server = RealServer::start();
    let address = server.address;
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/reconnect\r");
    pty.wait_for("-- there is a connection\nal@main>");
    drop(server);
    pty.wait_for("Ctrl-C stops\nal@main>");
    pty.keys(CTRL_C);
    pty.wait_for("-- stopped; /reconnect or /rename NAME goes on, Ctrl-C again leaves\nal@main>");
    pty.keys("kept\r");
    pty.wait_for("-- not connected; kept for later: kept\nal@main>");
    // What was asked for is one attempt, and it fails: there is nobody.
    pty.keys("/reconnect\r");
    pty.wait_until("more attempts", |screen| screen.matches("Ctrl-C stops").count() > 1);
    pty.keys(CTRL_C);
    pty.wait_until("no more", |screen| screen.matches("-- stopped").count() == 2);
    let server = RealServer::start_at(address);
    let thief = server.other("al");
    pty.keys("/rename alf\r");
    pty.wait_for("-- connected again");
    pty.wait_for_last("alf@main>");
    pty.keys("/resend\r");
    pty.wait_for("alf: kept\nalf@main>");
    drop(thief);
}

/// A name that is taken while an attempt is under way is the name of the connection that comes of it.
#[test]
fn another_name_during_an_attempt_is_the_name_that_is_used() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("connection lost");
    let address = served.join().unwrap();
    let listener = once_free(|| TcpListener::bind(address));
    let mut first = FakeSession::accept(&listener);
    pty.keys("/rename alf\r");
    pty.wait_for("-- the next attempt is made as alf");
    first.greet_and_log_in();
    let mut second = FakeSession::accept(&listener);
    second.send("Connect Success\n");
    assert_eq!(second.line(), "login alf\n");
    second.send("Login Success\n");
    pty.wait_for("connected again");
    pty.wait_for_last("alf@main>");
}

#[test]
fn a_gap_in_what_was_missed_is_told() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("bo: one\n");
        assert_eq!(session.line(), "history 200\n");
        session.close()
    });
    let pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("bo: one\n");
    let (_, _served) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        let fence = session.asks_for_history();
        session.send("cy: live\nHistory:\n[2026-11-22T10:04:05Z] bo: nine\n");
        session.send(fence);
        session.rest()
    });
    pty.wait_for("cy: live\n-- there may be more that was missed, before this; the server cannot tell\n| bo: nine\n");
}

#[test]
fn who_is_put_out_is_not_brought_back() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.send("Kicked: spam\n");
        session.close();
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    let screen = pty.wait_for("Kicked: spam\n-- you were put out");
    assert_eq!(pty.wait(), 5);
    assert!(!pty.contents().contains("al@main>"), "a prompt is left: {screen}");
    served.join().unwrap();
}

#[test]
fn who_is_banned_does_not_try_again() {
    for answers in
        [&["Banned for 5 minutes\n"][..], &["Connect Success\n", "Banned for 5 minutes\n"]]
    {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            session.line();
            session.close()
        });
        let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
        let (_, banning) = serve_at(served.join().unwrap(), move |mut session| {
            for answer in answers {
                session.send(answer);
            }
            session.rest()
        });
        pty.wait_for("Banned for 5 minutes");
        assert_eq!(pty.wait(), 5);
        banning.join().unwrap();
    }
}

#[test]
fn what_was_missed_is_shown_and_nothing_twice() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let fence = session.asks_for_history();
        session.send("History:\n[2026-11-22T10:04:05Z] bo: old\nRoom Position: 2026Z+1\n");
        session.send(fence);
        session.send("bo: live\ncy: live\n");
        assert_eq!(session.line(), "topic\n");
        assert_eq!(session.line(), "join lobby\n");
        session.send("Join Success\n");
        let fence = session.asks_for_history();
        session.send("History:\nRoom Position: 2027Z+1\n");
        session.send(fence);
        session.send("bo: one\nbo: two\n");
        assert_eq!(session.line(), "topic\n");
        assert_eq!(session.line(), "say mine\n");
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("| bo: old\nbo: live\ncy: live\nal@main>");
    pty.keys("/join lobby\r");
    pty.wait_for("bo: one\nbo: two\nal@lobby>");
    pty.keys("mine\r");
    let (_, served) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "join lobby\n");
        assert_eq!(session.line(), "since 2027Z+3\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.fence();
        session.send("Join Success\nHistory:\n");
        for line in ["al: mine", "al has left the room.", "bo: al, three"] {
            session.send(format!("[2026-11-22T10:04:05Z] {line}\n"));
        }
        session.send(fence);
        session.send("bo: four\n");
        session.rest()
    });
    let screen = pty.wait_for("bo: four\nal@lobby>");
    let again = screen.split("connected again\n").nth(1).unwrap();
    let missed =
        "| al: mine\n| bo: al, three\n-- you missed 2 lines; 1 of them name you\nbo: four\n";
    assert!(again.starts_with(missed), "{screen}");
    pty.leave();
    assert_eq!(pty.raw().matches('\x07').count(), 1, "it rings for what was missed");
    assert!(pty.raw().contains("\x1b[1;7mal\x1b[0m\x1b[2m, three"), "and marks the name");
    assert_eq!(served.join().unwrap(), b"logout\n");
}

#[test]
fn a_server_that_does_not_greet_is_not_said_to_be_something_else() {
    for greets in [true, false] {
        let (server, served) = serve(move |mut session| {
            if !greets {
                return session.close();
            }
            session.send("HTTP/1.1 400 Bad Request\r\n");
            session.close()
        });
        let error = Connection::open(&server, Duration::from_secs(10)).unwrap_err().to_string();
        let expected = match greets {
            true => "what answers is no chat server; check the address",
            false => {
                "no chat server has greeted: the server closed it; try again; if it stays so, check the address"
            }
        };
        assert_eq!(error, expected);
        served.join().unwrap();
    }
}

#[test]
fn who_finds_the_own_name_taken_comes_back_under_another() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    // Somebody has the name before the user can come back.
    let server = RealServer::start();
    let thief = server.other("al");
    Cable::at(served.join().unwrap(), server.address).plug_all();
    pty.wait_for("-- your name is taken, perhaps by your lost connection;");
    pty.keys("/rename a:b\r");
    pty.wait_for("-- UserName Invalid! : is not allowed");
    pty.keys("/rename alf\r");
    pty.wait_for("-- the next attempt is made as alf");
    pty.wait_for("connected again");
    pty.keys("here\r");
    pty.wait_for("alf: here\nalf@main>");
    drop(thief);
}

/// A server that has recorded the room and has a message of the day is stopped and started again.
#[test]
fn a_server_that_comes_back_tells_what_was_missed_and_nothing_else() {
    let folder = fresh_directory();
    std::fs::create_dir_all(&folder).unwrap();
    let motd = folder.join("motd");
    std::fs::write(&motd, "Welcome to the lab\n").unwrap();
    let start = |address| {
        let motd = Some(motd.clone());
        RealServer::with(address, |config| Config { data: Some(folder.clone()), motd, ..config })
    };
    let server = start(own_address());
    let address = server.address;
    let mut bob = server.other("bob");
    let arguments = ["--server", &address.to_string(), "--name", "al", "--no-time"];
    // Each attempt that fails has a row too.
    let mut pty = Pty::start_with(&arguments, 60, &fresh_directory(), &[]);
    pty.wait_for_last("al@main>");
    pty.keys("ok\r");
    pty.wait_for("al: ok\nal@main>");
    bob.send("say one\nsay two\n");
    pty.wait_for("bob: two\nal@main>");
    let mut server = server;
    for round in 1..=2 {
        drop(server);
        server = start(address);
        // The first line of somebody who is back sooner or later is one that was missed or not.
        pty.wait_until("another connection", |screen| {
            screen.matches("connected again").count() == round
        });
        pty.keys(&format!("/ping {round}\r"));
        pty.wait_for(&format!("pong {round}\nal@main>"));
    }
    let screen = pty.contents();
    assert!(!screen.contains("may be more"), "{screen}");
    assert_eq!(screen.matches("al: ok").count(), 1, "{screen}");
    assert_eq!(screen.matches("bob: ").count(), 2, "{screen}");
    assert_eq!(screen.matches("* Welcome").count(), 3, "{screen}");
    // The first word of the message is nobody, and has the colour of nobody.
    assert!(pty.raw().contains("* Welcome to the lab"), "{:?}", pty.raw());
    pty.keys("Wel\t!\r");
    pty.wait_for("al: Wel!\nal@main>");
    std::fs::remove_dir_all(folder).unwrap();
}
