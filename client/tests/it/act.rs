//! `me`, `topic`, and what operators do: true exit codes. And the lines that `follow` leaves out.

use std::fs;

use crate::fake_server::serve;
use crate::pty::fresh_directory;
use crate::real_server::RealServer;
use crate::script::{check, objects, run};

#[test]
fn me_and_topic_reach_the_room() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    check(&run(server.address, "me", &["--name", "al", "waves", "back"]), 0, "", "");
    assert_eq!(bob.read_to("* al waves back"), ["al has entered the room."]);
    check(&run(server.address, "topic", &["--name", "al", "a", "b"]), 0, "", "");
    bob.read_to("al set the topic: a b");
    check(&run(server.address, "topic", &["--name", "al"]), 0, "a b\n", "");
    let refused = "chat-client: refused: Control Character; change it and try again\n";
    check(&run(server.address, "me", &["--name", "al", "\u{7}"]), 6, "", refused);
    let unknown = "chat-client: refused: Unknown command: op; change it and try again\n";
    let file = fresh_directory().join("password");
    fs::write(&file, "x\n").unwrap();
    let kick = ["--name", "al", "--password-file", file.to_str().unwrap(), "bob"];
    check(&run(server.address, "kick", &kick), 6, "", unknown);
    check(
        &run(server.address, "kick", &["--name", "al", "--password-file", "/no/such", "bob"]),
        7,
        "",
        "chat-client: cannot read /no/such: No such file or directory (os error 2)\n",
    );
}

#[test]
fn what_an_operator_does_has_a_true_code() {
    let directory = fresh_directory();
    let file = directory.join("password");
    fs::write(&file, "secret\nmore\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, request, answers, code) in [
        (&["kick", "bo", "go", "now"][..], "kick bo go now", "Operator Success\nKick Success\n", 0),
        (&["kick", "bo"], "kick bo", "Password Wrong\nOperators Only: kick\n", 6),
        (&["kick", "bo"], "kick bo", "Operator Success\nNo Such User: bo\n", 6),
        (&["kick", "bo"], "kick bo", "Operator Success\n", 6),
        (&["mute", "bo", "5"], "mute bo 5", "Operator Success\nMute Success\n", 0),
        (&["ban", "10.0.0.1", "5"], "ban 10.0.0.1 5", "Operator Success\nBan Success\n", 0),
        (&["announce", "a", "break"], "announce a break", "Operator Success\n* a break\n", 0),
        (&["announce", "x"], "announce x", "Operator Success\nMissed 3 lines\n", 0),
        (&["announce", "x"], "announce x", "Missed 3 lines\nMuted for 5 minutes\n", 9),
    ] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "op secret\n");
            assert_eq!(session.line(), format!("{request}\n"));
            let fence = session.fence();
            session.send(format!("{answers}{fence}"));
            session.rest()
        });
        let options = ["--name", "al", "--password-file", file];
        let outcome = run(server, arguments[0], &[&options, &arguments[1..]].concat());
        served.join().unwrap();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), ""), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), usize::from(code != 0), "{outcome:?}");
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn follow_prints_only_what_is_wanted() {
    for (options, expected) in [
        (&["--match", "^bo: "][..], &["bo: one", "bo: two"][..]),
        (&["--from", "bo"], &["bo: one", "* bo waves", "bo: two"]),
        (&["--from", "cy", "--from", "eve"], &["cy: hi"]),
        (&["--type", "me"], &["* bo waves"]),
        (&["--type", "me", "--type", "missed"], &["* bo waves", "Missed 3 lines"]),
        (&["--from", "bo", "--type", "say", "--match", "two"], &["bo: two"]),
        (&["--from", "bo", "--count", "1"], &["bo: one"]),
    ] {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            session.send("bo: one\ncy: hi\n* bo waves\nMissed 3 lines\nbo: two\nServer Shutdown\n");
            session.close();
        });
        let outcome = run(server, "follow", &[&["--name", "al"], options].concat());
        served.join().unwrap();
        assert_eq!(outcome.stdout.lines().collect::<Vec<_>>(), expected, "{outcome:?}");
    }
    // Also of what was said before, without the time in front.
    let server = RealServer::start();
    let mut bob = server.other("bob");
    bob.send("say one\nsay two\nping x\n");
    bob.read_to("pong x");
    let options = ["--history", "10", "--match", "^bob: t", "--count", "1", "--json"];
    let outcome = run(server.address, "follow", &options);
    assert_eq!(objects(&outcome.stdout)[0]["text"], "two", "{outcome:?}");
}

/// The types that may be asked for are those of the objects.
#[test]
fn every_type_can_be_asked_for() {
    let schema = include_str!("../../../docs/follow.schema.json");
    for kind in chat_client::args::script::TYPES {
        assert!(schema.contains(&format!("\"{kind}\"")), "{kind}");
    }
}
