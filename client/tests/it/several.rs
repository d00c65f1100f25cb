//! Several servers: another one is gone to where one cannot be reached, or dies.

use std::net::TcpListener;
use std::process::Command;

use chat_server::Config;
use serde_json::Value;

use crate::fake_server::{FakeSession, serve};
use crate::program::{Program, command, not_run};
use crate::pty::{Pty, fresh_directory};
use crate::real_server::RealServer;
use crate::script::{check, run, start};

/// Where nobody listens. A port that was free a moment ago may be that of another test.
const NOBODY: &str = "127.0.0.1:1";
const NOBODY_EITHER: &str = "127.0.0.1:2";

/// A program that says what it hears, once that stands on its standard error.
const SAYS_AGAIN: &str = "while IFS= read -r line; do echo \"$line\" >&2; echo \"$line\"; done";

#[test]
fn every_way_to_use_the_program_goes_to_the_first_server_that_lets_in() {
    let server = RealServer::start();
    let list = format!("{},{}", NOBODY, server.address);
    let mut bob = server.other("bob");
    bob.send("say first\nping\n");
    bob.read_to("pong");
    check(&run(&list, "look", &[]), 0, "bob\n", "");
    check(&run(&list, "look", &["--name", "al"]), 0, "bob\nal\n", "");
    check(&run(&list, "say", &["--name", "al", "hi"]), 0, "", "");
    check(&run(&list, "wait", &["--match", "first", "--history", "9"]), 0, "bob: first\n", "");
    let mut pipe = Program::start(&["--server", &list, "--name", "al"]);
    pipe.send(b"ping x\n");
    check(&pipe.finish(), 0, "Connect Success\nLogin Success\npong x\n", "");
    let mut pty = Pty::start(&["--server", &list, "--name", "al", "--no-time"]);
    pty.wait_for(&format!("-- connected to {} as al;", server.address));
    pty.leave();
    // The dialog takes a list, and offers it again.
    let mut pty = Pty::start(&["--no-time"]);
    pty.wait_for_last("server [127.0.0.1:6666]:");
    pty.keys(&format!("{list}\rbob\r"));
    pty.wait_for("UserName Exist!");
    pty.wait_for_last("user name:");
    pty.keys("\r");
    pty.wait_until("the list", |screen| screen.replace('\n', "").contains(&format!("[{list}]:")));
    pty.keys("\ral\r");
    pty.wait_for(&format!("-- connected to {} as al;", server.address));
    pty.leave();
}

#[test]
fn a_program_of_a_bot_knows_all_servers() {
    let server = RealServer::start();
    let list = format!("{},{}", NOBODY, server.address);
    let mut bob = server.other("bob");
    let outcome = run(&list, "bot", &["--name", "al", "sh", "-c", "echo $CHAT_SERVER"]);
    check(&outcome, 0, "", "");
    assert_eq!(bob.read_to("al has left the room.").last().unwrap(), &format!("al: {list}"));
}

#[test]
fn a_server_that_greets_nobody_is_passed_over() {
    let server = RealServer::start();
    let _bob = server.other("bob");
    let full = RealServer::with("127.0.0.1:0".parse().unwrap(), |config| Config {
        max_clients: 1,
        ..config
    });
    let _only = full.other("only");
    // The system takes connections to it, and nobody ever looks at them.
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let (stranger, speaks) = serve(|mut session| session.send("HTTP/1.1 400 Bad Request\n"));
    for first in [full.address.to_string(), hangs.local_addr().unwrap().to_string(), stranger] {
        let list = format!("{first},{}", server.address);
        check(&run(&list, "look", &["--connect-timeout", "6"]), 0, "bob\n", "");
    }
    speaks.join().unwrap();
}

/// It would not be one to itself: the others have declared it gone.
#[test]
fn a_server_that_is_cut_off_from_the_others_is_passed_over() {
    let server = RealServer::start();
    for (arguments, request) in [(&["--name", "al"][..], "login al\n"), (&[], "watch\n")] {
        let (cut_off, served) = serve(move |mut session| {
            session.send("Connect Success\n");
            assert_eq!(session.line(), request);
            session.send("Server Cut Off\n");
            session.close();
        });
        let users = if arguments.is_empty() { "" } else { "al\n" };
        check(&run(format!("{cut_off},{}", server.address), "look", arguments), 0, users, "");
        served.join().unwrap();
    }
}

#[test]
fn the_answer_of_one_server_is_that_of_all() {
    let (first, second) = (RealServer::start(), RealServer::start());
    let _al = first.other("al");
    let list = format!("{},{}", first.address, second.address);
    let refused = "chat-client: login refused: UserName Exist; choose another name\n";
    check(&run(&list, "say", &["--name", "al", "hi"]), 4, "", refused);
    let refused =
        "chat-client: login refused: UserName Invalid: : is not allowed; choose another name\n";
    check(&run(&list, "say", &["--name", "a:b", "hi"]), 8, "", refused);
}

#[test]
fn when_all_fail_each_is_named_with_its_cause_in_one_line() {
    let (first, second) = (NOBODY, NOBODY_EITHER);
    let (stranger, speaks) = serve(|mut session| session.send("HTTP/1.1 400 Bad Request\n"));
    let list = format!("{first},{stranger},{second}");
    let outcome = run(&list, "look", &[]);
    let told = format!(
        "chat-client: none of 3 servers lets you in: Connection refused ({first}, {second}), \
         what answers is no chat server ({stranger}); check the address\n"
    );
    check(&outcome, 3, "", &told);
    speaks.join().unwrap();
    let outcome = run(format!("{first},{second}"), "look", &["--json-errors"]);
    assert_eq!(outcome.code, Some(3));
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!((&error["error"], &error["retry"]), (&"cannot-connect".into(), &true.into()));
    // Who broke off may have had the user in already: that is another exit code.
    let (breaks, broken) = serve(|mut session| {
        session.send("Connect Success\n");
        assert_eq!(session.line(), "login al\n");
        session.close();
    });
    let outcome = run(format!("{breaks},{first}"), "say", &["--name", "al", "hi"]);
    assert_eq!(outcome.code, Some(5), "{outcome:?}");
    broken.join().unwrap();
    assert!(outcome.stderr.contains(&format!("({breaks}), Connection refused ({first})")));
}

/// Two servers that do not know each other: the second one cannot know what was missed.
#[test]
fn the_prompt_goes_on_at_another_server_under_its_name_and_in_its_room() {
    let (first, second) = (RealServer::start(), RealServer::start());
    let mut bob = second.other("bob");
    bob.send("join den\nsay at the second\nping\n");
    bob.read_to("pong");
    let list = format!("{},{}", first.address, second.address);
    let mut pty = Pty::start(&["--server", &list, "--name", "al", "--room", "den", "--no-time"]);
    pty.wait_for_last("al@den>");
    pty.keys("hello\r");
    pty.wait_for("al: hello\nal@den>");
    let lost = format!("-- connection to {} lost: ", first.address);
    drop(first);
    let screen = pty.wait_for("the server cannot tell");
    let told = screen.replace('\n', "");
    assert!(told.contains(&lost), "{screen}");
    assert!(told.contains(&format!("-- connected again, to {}", second.address)), "{screen}");
    assert!(told.contains("there may be more that was missed, before this"), "{screen}");
    pty.wait_for("| bob: at the second");
    bob.read_to("al has entered the room.");
    pty.keys("and here\r");
    bob.read_to("al: and here");
    pty.wait_for_last("al@den>");
    pty.leave();
}

/// Two servers of one chat: a place in a room is the same at both.
#[test]
fn what_was_missed_is_asked_for_at_the_other_server_from_the_same_place_on() {
    for (task, options) in [
        ("follow", &["--reconnect"][..]),
        ("wait", &["--reconnect", "--match", "four"]),
        ("bot", &["--reconnect", "sh", "-c", SAYS_AGAIN]),
        ("", &["--no-time"]),
    ] {
        let (first, serving) = serve(|mut session| {
            session.greet_and_log_in();
            until(&mut session, "since\n");
            session.send("Room Position: 2026-11-22T10:04:05.000Z+1\nbo: one\nbo: two\n");
            session.close();
        });
        let (second, goes_on) = serve(move |mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "since 2026-11-22T10:04:05.000Z+3\n");
            assert_eq!(session.line(), "since\n");
            let fence = session.fence();
            session.send("History:\n[2026-11-22T10:04:05.000Z] bo: three\n");
            session.send(format!("{fence}Room Position: 2026-11-22T10:04:06.000Z+1\nbo: four\n"));
            if task == "bot" {
                // Its program says again what it hears.
                until(&mut session, "say bo: four\n");
            }
            session.send("Kicked: enough\n");
            session.close();
        });
        let list = format!("{first},{second}");
        let arguments = [&["--name", "al"], options].concat();
        if task.is_empty() {
            let mut pty = Pty::start(&[&["--server", &list], &arguments[..]].concat());
            pty.wait_for("| bo: three\nbo: four\n");
            assert_eq!(pty.wait(), 5);
        } else {
            let outcome = start(&list, task, &arguments).finish();
            assert_eq!(outcome.code, Some(if task == "wait" { 0 } else { 8 }), "{outcome:?}");
            let lost =
                format!("{first}: connection lost: the server closed it; start again; trying");
            assert!(outcome.stderr.contains(&lost), "{outcome:?}");
            let heard = if task == "bot" { &outcome.stderr } else { &outcome.stdout };
            assert!(
                heard.contains("bo: four\n") && heard.matches("two").count() < 2,
                "{outcome:?}"
            );
        }
        serving.join().unwrap();
        goes_on.join().unwrap();
    }
}

/// Takes what the client sends, up to this line.
fn until(session: &mut FakeSession, wanted: &str) {
    loop {
        match session.line() {
            line if line == wanted => return,
            line => assert!(!line.is_empty(), "it has ended without {wanted:?}"),
        }
    }
}

#[test]
fn a_script_that_is_not_to_come_again_ends_with_its_server() {
    let (first, second) = (RealServer::start(), RealServer::start());
    let mut bob = first.other("bob");
    let list = format!("{},{}", first.address, second.address);
    let mut follow = start(&list, "follow", &["--name", "al"]);
    bob.read_to("al has entered the room.");
    bob.send("say one\n");
    follow.read_to("bob: one\n");
    drop(first);
    let outcome = follow.finish();
    assert_eq!(outcome.code, Some(5), "{outcome:?}");
    assert!(outcome.stderr.starts_with("chat-client: connection lost: Server Shutdown"));
}

#[test]
fn servers_may_have_a_short_name_together_and_stand_in_the_environment() {
    let server = RealServer::start();
    let _bob = server.other("bob");
    let folder = fresh_directory();
    std::fs::create_dir(folder.join("chat-client")).unwrap();
    let text = format!("[servers]\ncampus = '{}, {}'\n", NOBODY, server.address);
    std::fs::write(folder.join("chat-client/config.toml"), text).unwrap();
    let mut look = command(&["look", "--server", "campus"]);
    check(&Program::run(look.env("XDG_CONFIG_HOME", &folder)).finish(), 0, "bob\n", "");
    let list = format!("{},{}", NOBODY, server.address);
    let mut look = command(&["look"]);
    check(&Program::run(look.env("CHAT_SERVER", list)).finish(), 0, "bob\n", "");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The names of a machine are a file, which the program sees in a mount namespace of its own.
#[test]
fn each_address_of_a_name_is_a_server_of_its_own() {
    let first = RealServer::start_at("127.0.0.1:0".parse().unwrap());
    let port = first.address.port();
    let second = RealServer::start_at(([127, 0, 0, 3], port).into());
    let folder = fresh_directory();
    let hosts = [&first, &second].map(|server| format!("{} chat.test\n", server.address.ip()));
    std::fs::write(folder.join("hosts"), hosts.concat()).unwrap();
    let with_hosts = |script: &str| {
        let script = format!("mount --bind hosts /etc/hosts && {script}");
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_chat-client")]);
        unshare.current_dir(&folder).env("XDG_CONFIG_HOME", "/nonexistent");
        unshare
    };
    if !with_hosts("true").output().is_ok_and(|output| output.status.success()) {
        return not_run("a name with several addresses: no mount namespaces here");
    }
    let (mut bob, mut cy) = (first.other("bob"), second.other("cy"));
    let wait = format!("exec $0 wait --reconnect --server chat.test:{port} --name al --match go");
    let wait = Program::run(&mut with_hosts(&wait));
    bob.read_to("al has entered the room.");
    drop(first);
    cy.read_to("al has entered the room.");
    cy.send("say go\n");
    let outcome = wait.finish();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "cy: go\n"), "{outcome:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
