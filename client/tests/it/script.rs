//! The modes for scripts: what they print, and the truth of their exit codes.

use std::fs::File;
use std::process::Stdio;

use chat_server::Config;
use serde_json::Value;

use crate::fake_server::serve;
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

#[test]
fn an_error_may_be_an_object() {
    let server = RealServer::start();
    let _bob = server.other("bob");
    let address = server.address.to_string();
    let cases: [(&[&str], &str, u8, bool); 7] = [
        (&["look", "--server", "127.0.0.1:1"], "cannot-connect", 3, true),
        (&["look", "--server", &address, "--name", "bob"], "name-taken", 4, true),
        (&["look", "--server", &address, "--name", "a b"], "name-not-allowed", 8, false),
        (&["look", "--server", &address, "--room", "a b"], "refused", 6, false),
        (&["look", "--server", &address, "--nonsense"], "usage", 2, false),
        (&["--server", &address, "--name", "al", "look", "--nonsense"], "usage", 2, false),
        (&["look", "--server", "h:1:x y"], "no-such-host", 3, true),
    ];
    for (arguments, error, exit, retry) in cases {
        let arguments = [arguments, &["--json-errors"]].concat();
        let outcome = Program::start(&arguments).finish();
        assert_eq!(outcome.code, Some(exit.into()), "{outcome:?}");
        let object: Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(object["error"], error);
        assert_eq!((&object["exit"], &object["retry"]), (&exit.into(), &retry.into()));
        assert!(object["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
}

#[test]
fn a_text_that_asks_for_help_is_never_a_success() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let say = |text: &[&str]| {
        let arguments = [&["say", "--server", &address, "--name", "al"], text].concat();
        Program::start(&arguments).finish()
    };
    for text in [&["hello", "--help"][..], &["-h"], &["--help"], &["- item"]] {
        let outcome = say(text);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(
            outcome.stderr.contains("--") && outcome.stderr.lines().count() == 1,
            "{outcome:?}"
        );
    }
    let mut bob = server.other("bob");
    for text in ["-h", "--help", "- item"] {
        assert_eq!(say(&["--", text]).code, Some(0));
        assert!(bob.read_to(&format!("al: {text}")).len() <= 2);
    }
    let help = Program::start(&["say", "--help"]).finish();
    assert!(help.code == Some(0) && help.stdout.contains("Usage"), "{help:?}");
}
