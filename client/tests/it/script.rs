//! The modes for scripts: what they print, and the truth of their exit codes.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use chat_server::Config;
use serde_json::Value;

use crate::fake_server::{FakeSession, serve};
use crate::program::{Finished, Program, command};
use crate::real_server::RealServer;

/// Starts `TASK --server ... ARGUMENTS`.
pub fn start(address: impl ToString, task: &str, arguments: &[&str]) -> Program {
    let address = address.to_string();
    Program::start(&[&[task, "--server", &address], arguments].concat())
}

pub fn run(address: impl ToString, task: &str, arguments: &[&str]) -> Finished {
    start(address, task, arguments).finish()
}

#[track_caller]
pub fn check(outcome: &Finished, code: i32, stdout: &str, stderr: &str) {
    let expected =
        Finished { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() };
    assert_eq!(*outcome, expected);
}

/// What programs of this test say on stdout, as JSON.
pub fn objects(text: &str) -> Vec<Value> {
    let schema = include_str!("../../../docs/follow.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    objects
        .inspect(|object| {
            let errors: Vec<_> = schema.iter_errors(object).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{object}: {errors:?}");
        })
        .collect()
}

#[test]
fn data_that_cannot_be_written_is_an_error() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let address = server.address.to_string();
    let arguments: [&[&str]; 5] = [
        &[],
        &["--name", "al"],
        &["look"],
        &["follow", "--history", "5"],
        &["wait", "--name", "eve", "--match", "."],
    ];
    for arguments in arguments {
        let child = command(arguments)
            .env("CHAT_SERVER", &address)
            .stdin(Stdio::null())
            // It is open, but not for writing.
            .stdout(File::open("/dev/null").unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if arguments.contains(&"wait") {
            bob.read_to("eve has entered the room.");
            bob.send("say something\n");
        }
        let outcome = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(outcome.stderr).unwrap();
        assert!(stderr.starts_with("chat-client: cannot write to stdout: "), "{stderr}");
        assert_eq!((outcome.status.code(), stderr.lines().count()), (Some(7), 1));
    }
}

#[test]
fn answers_are_data_and_nothing_else() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut poe = server.other("poe");
    poe.send("join den\nme waves\nping x\n");
    poe.read_to("pong x");
    bob.send("topic a b\nsay hi\nping x\n");
    bob.read_to("pong x");
    let ask = |task, arguments: &[&str]| {
        let outcome = run(server.address, task, &[&["--name", "al"], arguments].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
        outcome.stdout
    };
    assert_eq!(ask("look", &[]), "bob\nal\n");
    assert_eq!(ask("look", &["--room", "den"]), "poe\nal\n");
    assert_eq!(
        ask("look", &["--room", "den", "--json"]),
        "{\"room\":\"den\",\"name\":\"poe\"}\n{\"room\":\"den\",\"name\":\"al\"}\n"
    );
    assert_eq!(ask("rooms", &["--room", "den"]), "den 2\nmain 1\n");
    let room = "{\"room\":\"main\",\"users\":2}";
    assert!(ask("rooms", &["--json"]).lines().any(|line| line == room));
    // Who asks is not what one asks for.
    let last = ask("history", &["--room", "den", "2"]);
    let last: Vec<_> = last.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    assert_eq!(last, ["al has entered the room.", "al has left the room."]);
    assert_eq!(ask("history", &["0"]), "");
    let last = objects(&ask("history", &["--room", "den", "1000", "--json"]));
    let acts: Vec<_> = last.iter().filter(|object| object["type"] == "me").collect();
    assert_eq!((&acts[0]["from"], &acts[0]["text"]), (&"poe".into(), &"waves".into()));
    assert!(last.iter().all(|object| object["replayed"] == true && object["room"] == "den"));
}

#[test]
fn every_way_to_fail_has_its_code() {
    let server = RealServer::start();
    let _bob = server.other("bob");
    for task in ["look", "rooms", "history", "follow", "say"] {
        let code = |arguments: &[&str]| run(server.address, task, arguments).code;
        assert_eq!(code(&["--name", "bob"]), Some(4), "{task}");
        assert_eq!(code(&["--nonsense"]), Some(2), "{task}");
        assert_eq!(code(&["--name", "al", "--room", "a b"]), Some(6), "{task}");
        let nobody = run("127.0.0.1:1", task, &["--name", "al"]);
        assert_eq!(nobody.code, Some(3), "{task}");
        assert!(
            nobody.stderr.ends_with("is the server running there?\n") && nobody.stdout.is_empty()
        );
    }
    let who = "chat-client: who speaks? give --name NAME, or set CHAT_NAME\n";
    check(&run(server.address, "say", &["x"]), 2, "", who);
    for (arguments, why) in [
        (
            &["say", "-x"][..],
            "unexpected argument '-x' found; tip: to pass '-x' as a value, use '-- -x'",
        ),
        (&["wait"], "the following required arguments were not provided: --match <REGEX>"),
        (&["wait", "--match", "("], "invalid value '(' for '--match <REGEX>': unclosed group"),
        (
            &["wait", "--match", "x", "--timeout", "-1"],
            "invalid value '-1' for '--timeout <SECONDS>': not a number of seconds",
        ),
        (&["say", "--to", "a b"], "invalid value 'a b' for '--to <NAME>': a name is one word"),
        (&["--nonsense"], "unexpected argument '--nonsense' found"),
    ] {
        let outcome = Program::start(arguments).finish();
        check(&outcome, 2, "", &format!("chat-client: {why}; see --help\n"));
    }
    // It may run out before anything can match, and after.
    let late = run(server.address, "wait", &["--match", "x", "--timeout", "0.01"]);
    assert_eq!((late.code, late.stderr.lines().count()), (Some(1), 1), "{late:?}");
}

#[test]
fn a_reader_gets_a_name_of_its_own_where_nobody_may_read_without() {
    let local = "127.0.0.1:0".parse().unwrap();
    let server = RealServer::with(local, |config| Config { watchers: false, ..config });
    let mut bob = server.other("bob");
    let mut one = start(server.address, "follow", &["--count", "1"]);
    let one_name = name_of_newcomer(&mut bob);
    let two = start(server.address, "follow", &["--count", "1"]);
    let two_name = name_of_newcomer(&mut bob);
    assert_ne!(one_name, two_name);
    assert_eq!(one.read_to("\n"), format!("{two_name} has entered the room.\n"));
    bob.read_to(&format!("{one_name} has left the room."));
    check(&two.finish(), 0, &format!("{one_name} has left the room.\n"), "");
}

fn name_of_newcomer(bob: &mut crate::real_server::Other) -> String {
    bob.line().strip_suffix(" has entered the room.").unwrap().to_owned()
}

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

#[test]
fn a_name_can_be_used_again_once_the_command_before_has_ended() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("bo: hi\n");
        let requests = session.rest();
        // More than fits between the two: whoever is gone does not take it.
        let lines = "bo: again\n".repeat(10_000);
        for _ in 0..100 {
            session.send(&lines);
        }
        requests
    });
    let arguments = ["--name", "al", "--count", "1"];
    check(&run(server, "follow", &arguments), 0, "bo: hi\n", "");
    assert_eq!(served.join().unwrap(), b"logout\n");
    // And with the server itself, again and again.
    let server = RealServer::start();
    for _ in 0..30 {
        check(&run(server.address, "look", &["--name", "al"]), 0, "al\n", "");
    }
}

#[test]
fn the_common_flags_also_come_from_the_environment() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("join den\nping x\n");
    bob.read_to("pong x");
    let output = command(&["say", "hi"])
        .env("CHAT_SERVER", server.address.to_string())
        .env("CHAT_NAME", "al")
        .env("CHAT_ROOM", "den")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    bob.read_to("al: hi");
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let server = RealServer::start();
    for arguments in [&[][..], &["look"]] {
        // To be found at all, the server has to be named: only the others are empty.
        let mut command = command(arguments);
        command.env("CHAT_SERVER", server.address.to_string());
        command.env("CHAT_NAME", "").env("CHAT_ROOM", "").env("USER", "al");
        let outcome = Program::run(&mut command).finish();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
        assert!(["Connect Success\n", ""].contains(&outcome.stdout.as_str()), "{outcome:?}");
    }
}
