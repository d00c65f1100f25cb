//! `say`: what is said, what is refused, and what a script is told of it.

use std::io::{BufRead, BufReader, Write};
use std::thread;

use crate::fake_server::serve;
use crate::program::{Program, command};
use crate::real_server::RealServer;
use crate::script::{check, objects, run, start};

#[test]
fn say_succeeds_once_the_server_has_echoed_the_line() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "say build broke\n");
        let fence = session.line();
        session.send(format!("bo: build broke\nal: build broke\n{}", answer(&fence)));
        session.rest()
    });
    let outcome = run(server, "say", &["--name", "al", "build", "broke"]);
    check(&outcome, 0, "", "");
    assert_eq!(served.join().unwrap(), b"");
}

fn answer(fence: &str) -> String {
    fence.replacen("ping ", "pong ", 1)
}

#[test]
fn plain_lines_have_no_colours_and_fit() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut say = start(server.address, "say", &["--name", "al", "--plain"]);
    let long = "word ".repeat(1000);
    say.send(format!("\x1b[1mx\x1b[0m\n  y\n{long}\n").as_bytes());
    check(&say.finish(), 0, "", "");
    let said = bob.read_to("al has left the room.");
    assert_eq!(said[..3], ["al has entered the room.", "al: x", "al: \u{a0}\u{a0}y"]);
    let words = said[3..].iter().map(|line| line.strip_prefix("al: ").unwrap().split(' ').count());
    assert_eq!((said.len(), words.sum::<usize>()), (5, 1000));
    let private = run(server.address, "say", &["--name", "al", "--plain", "--to", "bob", &long]);
    check(&private, 0, "", "");
}

#[test]
fn say_tells_when_and_where_each_line_stands() {
    let server = RealServer::start();
    let outcome = run(server.address, "say", &["--name", "al", "--json", "one\ntwo"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let said = objects(&outcome.stdout);
    let history = run(server.address, "history", &["--json"]);
    let history = objects(&history.stdout);
    let rows: Vec<_> = history.iter().filter(|object| object["type"] == "say").collect();
    assert_eq!((said.len(), rows.len()), (2, 2));
    for (said, row) in said.iter().zip(rows) {
        assert_eq!((&said["text"], &said["time"]), (&row["text"], &row["time"]));
        let position = said["position"].as_str().unwrap();
        let (time, lines) = position.rsplit_once('+').unwrap();
        assert_eq!(time, said["time"].as_str().unwrap());
        assert!(lines.parse::<u64>().unwrap() > 0);
    }
    // What others refuse is not said.
    let outcome = run(server.address, "say", &["--name", "al", "--json", "a\u{7}b\nc"]);
    assert_eq!(outcome.code, Some(6));
    assert_eq!(objects(&outcome.stdout).len(), 1);
}

#[test]
fn say_without_an_echo_is_no_success() {
    let text = ["--name", "al", "x"];
    for (after_request, code, stderr) in [
        (
            "",
            5,
            "connection lost: the server closed it; start again with line 1, the first that is not confirmed",
        ),
        (
            "bo: x\n",
            5,
            "connection lost: the server closed it; start again with line 1, the first that is not confirmed",
        ),
        (
            "Server Shutdown\n",
            5,
            "connection lost: Server Shutdown; start again with line 1, the first that is not confirmed",
        ),
        ("pong chat-client-1\n", 6, "refused: the server did not echo it; change it and try again"),
        (
            "Control Character\npong chat-client-1\n",
            6,
            "refused: Control Character; change it and try again",
        ),
        (
            "Muted for 5 minutes\npong chat-client-1\n",
            6,
            "refused: Muted for 5 minutes; change it and try again",
        ),
        // A warning, after which the line was said all the same.
        ("Muted for 5 minutes\nal: x\npong chat-client-1\n", 0, ""),
        (
            "Kicked: spam\n",
            8,
            "connection lost: Kicked: spam; this user was put out; line 1 is the first that is not confirmed",
        ),
        // Of what is missing here nobody knows more than that the server has dealt with the line.
        ("Missed 7 lines\npong chat-client-1\n", 0, ""),
        // The refusal may be of this line, and it may be the warning of a mute after it.
        (
            "Missed 7 lines\nMuted for 5 minutes\npong chat-client-1\n",
            9,
            "not known whether 1 of 1 lines were said, for lines of the room are missing: \
             \"Muted for 5 minutes\"; see chat-client history",
        ),
        ("Missed 7 lines\nMuted for 5 minutes\nal: x\npong chat-client-1\n", 0, ""),
        // A server without `ping` echoes all the same.
        ("al: x\nUnknown command: ping\n", 0, ""),
    ] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "say x\n");
            assert_eq!(session.line(), "ping chat-client-1\n");
            session.send(after_request);
            if matches!(code, 5 | 8) {
                session.close();
            } else {
                session.rest();
            }
        });
        let stderr = if code == 0 { String::new() } else { format!("chat-client: {stderr}\n") };
        check(&run(server, "say", &text), code, "", &stderr);
        served.join().unwrap();
    }
}

/// An answer to one user alone is never among the lines of a room that are missing.
#[test]
fn a_gap_in_the_room_hides_no_private_answer() {
    for (answers, why) in [
        ("Missed 7 lines\nMuted for 5 minutes\n", "Muted for 5 minutes"),
        ("Missed 7 lines\n", "the server did not echo it"),
    ] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            session.line();
            session.send(format!("{answers}pong chat-client-1\n"));
            session.rest()
        });
        let stderr = format!("chat-client: refused: {why}; change it and try again\n");
        check(&run(server, "say", &["--name", "al", "--to", "bo", "x"]), 6, "", &stderr);
        served.join().unwrap();
    }
}

#[test]
fn say_says_each_line_of_stdin() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut program = start(server.address, "say", &["--name", "al"]);
    bob.read_to("al has entered the room.");
    program.send(b"one\n  two  \r\n\nfo");
    // A line is said when it is complete, and not only at the end.
    assert_eq!(bob.read_to("al: two"), ["al: one"]);
    program.send("ür".as_bytes());
    check(&program.finish(), 0, "", "");
    assert_eq!(bob.read_to("al has left the room."), ["al:", "al: foür"]);
}

#[test]
fn say_reports_each_refused_line_and_says_the_others() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut program = start(server.address, "say", &["--name", "al"]);
    let long = "x".repeat(100_000);
    program.send(b"one\n\xff\ntwo\nthr\x07ee\n");
    program.send(format!("{long}\nlast").as_bytes());
    let expected = "chat-client: line 2 refused: Invalid UTF-8\n\
        chat-client: line 4 refused: Control Character\n\
        chat-client: line 5 refused: Line Too Long: 4096\n\
        chat-client: 3 of 6 lines were refused, the last with \"Line Too Long: 4096\"; change them\n";
    check(&program.finish(), 6, "", expected);
    bob.read_to("al has entered the room.");
    assert_eq!(bob.read_to("al has left the room."), ["al: one", "al: two", "al: last"]);
}

#[test]
fn say_tells_at_once_that_nobody_hears_it() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "say one\n");
        session.send("Muted for 5 minutes\n");
        // Nothing more comes as long as stdin is silent.
        let fence = session.line();
        session.send(answer(&fence));
        session.rest()
    });
    let (stderr, writer) = std::io::pipe().unwrap();
    let mut program = Program::run_with_stderr(
        &mut command(&["say", "--server", &server, "--name", "al"]),
        writer.into(),
    );
    program.send(b"one\n");
    let mut lines = BufReader::new(stderr).lines().map(Result::unwrap);
    let told = "chat-client: Muted for 5 minutes; what is said meanwhile is refused";
    assert_eq!(lines.next().as_deref(), Some(told));
    check(&program.finish(), 6, "", "");
    let refused = "chat-client: line 1 refused: Muted for 5 minutes";
    assert_eq!(lines.next().as_deref(), Some(refused));
    served.join().unwrap();
}

#[test]
fn nobody_has_to_read_the_errors() {
    let server = RealServer::start();
    let address = server.address.to_string();
    for (arguments, code) in [
        (&["say", "--server", &address, "--name", "al"][..], 6),
        (&["look", "--server", "127.0.0.1:1"], 3),
        (&["look", "--nonsense"], 2),
    ] {
        let (reader, stderr) = std::io::pipe().unwrap();
        drop(reader);
        let mut program = Program::run_with_stderr(&mut command(arguments), stderr.into());
        // Only `say` reads it.
        let _ = program.stdin.as_mut().unwrap().write_all(b"\x07\nfine\n");
        check(&program.finish(), code, "", "");
    }
}

#[test]
fn what_a_server_says_does_not_touch_the_terminal() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.send("No Such User: \x1b[2J\u{9b}\npong chat-client-1\n");
        session.rest()
    });
    let stderr =
        "chat-client: refused: No Such User: \u{241b}[2J<U+009B>; change it and try again\n";
    check(&run(server, "say", &["--name", "al", "--to", "bo", "x"]), 6, "", stderr);
    served.join().unwrap();
}

#[test]
fn say_to_one_user_tells_when_he_is_not_there() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let text = ["--name", "al", "--to", "bob", "psst", "[to", "x]"];
    check(&run(server.address, "say", &text), 0, "", "");
    bob.read_to("[from al] psst [to x]");
    let refused = "chat-client: refused: No Such User: eve; change it and try again\n";
    check(&run(server.address, "say", &["--name", "al", "--to", "eve", "x"]), 6, "", refused);
}

#[test]
fn say_ends_when_the_server_does_even_while_stdin_is_silent() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "say one\n");
        session.send("al: one\nServer Shutdown\n");
        session.close();
    });
    let mut program = start(server, "say", &["--name", "al"]);
    program.send(b"one\n");
    let stdin = program.stdin.take();
    let outcome = program.wait();
    check(&outcome, 5, "", "chat-client: connection lost: Server Shutdown; start again\n");
    drop(stdin);
    served.join().unwrap();
}

#[test]
fn a_hundred_thousand_lines_are_said_in_order() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut program = start(server.address, "say", &["--name", "al"]);
    let text: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    let mut stdin = program.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(text.as_bytes()));
    let lines = bob.read_to("al has left the room.");
    check(&program.wait(), 0, "", "");
    writer.join().unwrap().unwrap();
    let expected = (0..100_000).map(|number| format!("al: {number}"));
    assert!(lines.into_iter().skip(1).eq(expected));
}
