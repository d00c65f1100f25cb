//! `follow`, `wait` and `ask`: the room as it goes on.

use std::io::Write;
use std::process::Stdio;

use crate::fake_server::{FakeSession, serve};
use crate::program::{Program, command};
use crate::real_server::RealServer;
use crate::script::{check, objects, run, start};

#[test]
fn follow_prints_what_was_said_before_and_what_is_said_now() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("join den\nsay one\nsay two\nping x\n");
    bob.read_to("pong x");
    let arguments = ["--room", "den", "--history", "2", "--name", "al", "--json", "--count", "8"];
    let mut program = start(server.address, "follow", &arguments);
    let before = program.read_to("\"two\",\"replayed\":true}\n");
    bob.send(
        "me waves\ntopic t\nmsg al psst\nrename bo\nsay \u{85}x\"\\\nsay \"\\\u{2028}\nlogout\n",
    );
    let outcome = program.finish();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let seen: Vec<_> = objects(&(before + &outcome.stdout))
        .iter()
        .map(|object| {
            let of = |field: &str| object[field].as_str().unwrap_or("-").to_owned();
            let fields = ["type", "room", "from", "text"].map(of);
            (fields.join(" "), object["replayed"].as_bool().unwrap())
        })
        .collect();
    let expected = [
        ("say den bob one", true),
        ("say den bob two", true),
        ("me den bob waves", false),
        ("topic den bob t", false),
        ("private - bob psst", false),
        ("rename den bob bo", false),
        ("say den bo \"\\\u{2028}", false),
        ("leave den bo -", false),
    ];
    assert_eq!(seen, expected.map(|(text, replayed)| (text.to_owned(), replayed)));
}

#[test]
fn follow_shows_gaps_and_the_end_of_the_server() {
    let lines = "bo: hi\nMissed 3 lines\nwhat?\nServer Shutdown\n";
    for json in [false, true] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            session.send(lines);
            session.close();
        });
        let arguments: &[&str] = if json { &["--name", "al", "--json"] } else { &["--name", "al"] };
        let outcome = run(server, "follow", arguments);
        served.join().unwrap();
        let stderr = "chat-client: connection lost: Server Shutdown; start again\n";
        let stdout = if json { &outcome.stdout } else { lines };
        check(&outcome, 5, stdout, stderr);
        if json {
            let objects = objects(stdout);
            assert_eq!(objects[1]["lines"], 3);
            let types: Vec<_> = objects.iter().map(|object| &object["type"]).collect();
            assert_eq!(types, ["say", "missed", "notice", "shutdown"]);
        }
    }
}

#[test]
fn follow_ends_quietly_when_nobody_reads_it() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("bo: hi\n");
        session.rest()
    });
    let mut program = start(server, "follow", &["--name", "al"]);
    program.read_to("bo: hi\n");
    drop(program.stdout.take());
    check(&program.finish(), 0, "", "");
    assert_eq!(served.join().unwrap(), b"logout\n");
}

#[test]
fn wait_prints_the_line_that_matches() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = start(server.address, "wait", &["--name", "al", "--match", "^bob: go( |$)"]);
    bob.read_to("al has entered the room.");
    bob.send("say not yet\nsay gone\nsay go now\nsay go again\n");
    check(&program.finish(), 0, "bob: go now\n", "");
}

#[test]
fn wait_looks_at_what_was_said_before_when_asked_to() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("say go\nsay later\nping x\n");
    bob.read_to("pong x");
    let wait = |arguments: &[&str]| run(server.address, "wait", arguments);
    let go = ["--match", "^bob: go$", "--timeout"];
    let (past, future) = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    check(&wait(&[&go[..], &["100", "--history", "20"]].concat()), 0, "bob: go\n", "");
    check(&wait(&[&go[..], &["100", "--since", past]].concat()), 0, "bob: go\n", "");
    for none in [&["--history", "1"], &["--history", "0"], &["--since", future]] {
        assert_eq!(wait(&[&go[..], &["0.3"], none].concat()).code, Some(1), "{none:?}");
    }
    let rows = run(server.address, "follow", &["--since", past, "--count", "3"]);
    assert!(rows.stdout.ends_with("] bob: later\n"), "{rows:?}");
}

#[test]
fn wait_tells_when_nothing_can_be_missed_any_more() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = env!("CARGO_BIN_EXE_chat-client");
    let address = server.address.to_string();
    for round in 0..10 {
        let wait =
            format!("'{program}' wait --match '^bob: go {round}$' --timeout 100 --ready-fd 3");
        // The one who says it waits for nothing but the sign.
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{wait} 3>&2")]).env("CHAT_SERVER", &address);
        let (ready, writer) = std::io::pipe().unwrap();
        let program = Program::run_with_stderr(&mut shell, writer.into());
        drop(shell);
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(ready), &mut line).unwrap();
        assert_eq!(line, "ready\n");
        bob.send(&format!("say go {round}\n"));
        check(&program.finish(), 0, &format!("bob: go {round}\n"), "");
    }
}

#[test]
fn ask_gets_the_answer_and_not_what_was_said_before() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let ask = ["--name", "al", "--timeout", "100", "--match", "^bob: |answer", "an answer?"];
    for round in 0..10 {
        bob.send("say answer to somebody else\nping x\n");
        bob.read_to("pong x");
        let program = start(server.address, "ask", &ask);
        bob.read_to("al: an answer?");
        bob.send(&format!("say answer {round}\n"));
        check(&program.finish(), 0, &format!("bob: answer {round}\n"), "");
        bob.read_to("al has left the room.");
    }
}

#[test]
fn ask_without_a_question_in_the_room_is_no_wait() {
    for (answers, code, why) in [
        ("Muted for 5 minutes\npong chat-client-ask\n", 6, "refused: Muted for 5 minutes"),
        ("pong chat-client-ask\n", 6, "refused: the server did not echo it"),
        ("Missed 3 lines\nMuted for 5 minutes\npong chat-client-ask\n", 9, "not known"),
        ("Muted for 5 minutes\nal: q\npong chat-client-ask\nbo: a\n", 0, ""),
        ("bo: a before\nal: q\nbo: a\npong chat-client-ask\n", 0, ""),
        ("Missed 3 lines\npong chat-client-ask\nbo: a\n", 0, "Missed 3 lines"),
    ] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "say q\n");
            session.line();
            session.send(answers);
            session.rest()
        });
        let outcome = run(server, "ask", &["--name", "al", "--match", "a", "q"]);
        assert_eq!(outcome.code, Some(code), "{answers:?} {outcome:?}");
        assert!(outcome.stderr.contains(why), "{outcome:?}");
        assert_eq!(outcome.stdout, if code == 0 { "bo: a\n" } else { "" });
        served.join().unwrap();
    }
}

#[test]
fn wait_succeeds_only_with_a_match_though_nobody_reads_it() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    for (word, timeout, code) in [("go", "100", 0), ("never", "0.5", 1)] {
        let (reader, stdout) = std::io::pipe().unwrap();
        drop(reader);
        let child = command(&["wait", "--name", "al", "--match", word, "--timeout", timeout])
            .env("CHAT_SERVER", server.address.to_string())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        bob.read_to("al has entered the room.");
        bob.send("say go\n");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(code), "{word}");
    }
}

#[test]
fn wait_gives_up_in_time_also_where_the_room_never_pauses() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        flood(&mut session);
    });
    let outcome = run(server, "wait", &["--name", "al", "--match", "never", "--timeout", "3"]);
    check(&outcome, 1, "", "chat-client: no line matched \"never\" in time\n");
    served.join().unwrap();
}

/// Sends lines until the client is gone.
fn flood(session: &mut FakeSession) {
    let lines = "bo: again\n".repeat(1000);
    while session.stream.write_all(lines.as_bytes()).is_ok() {}
}
