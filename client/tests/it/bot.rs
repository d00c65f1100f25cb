//! Programs as users of a room.

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::fake_server::{serve, serve_at};
use crate::program::{Finished, Program, command};
use crate::pty::fresh_directory;
use crate::real_server::RealServer;
use crate::script::{check, objects, run, start};

pub fn bot(server: &RealServer, options: &[&str], program: &str) -> Program {
    let arguments = [&["--name", "robo"], options, &["sh", "-c", program]].concat();
    start(server.address, "bot", &arguments)
}

#[test]
fn a_program_reads_the_room_and_says_what_it_prints() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program =
        bot(&server, &[], "echo ready; read line; echo \"I read: $line\"; printf end; exit 3");
    bob.read_to("robo: ready");
    bob.send("say one\n");
    check(&program.finish(), 3, "", "");
    // What it said last is in the room before the program has ended.
    assert_eq!(
        bob.read_to("robo has left the room."),
        ["bob: one", "robo: I read: bob: one", "robo: end"]
    );
}

#[test]
fn a_program_hears_itself_only_when_asked_for() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    for (options, heard) in [(&[][..], "bob: go"), (&["--own"], "robo: ready")] {
        let program = bot(&server, options, "echo ready; read line; echo \"heard $line\"");
        bob.read_to("robo: ready");
        bob.send("say go\n");
        bob.read_to(&format!("robo: heard {heard}"));
        check(&program.finish(), 0, "", "");
        bob.read_to("robo has left the room.");
    }
}

#[test]
fn a_program_may_be_given_objects() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = bot(&server, &["--json"], "read -r line; printf '%s\\n' \"$line\" >&2");
    bob.read_to("robo has entered the room.");
    bob.send("me waves\n");
    let Finished { code, stdout, stderr } = program.finish();
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let object = &objects(&stderr)[0];
    assert_eq!((&object["type"], &object["from"]), (&"me".into(), &"bob".into()));
}

#[test]
fn a_program_that_reads_nothing_is_told_what_it_missed() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let directory = fresh_directory();
    let gate = directory.join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let script =
        format!("read go <{}; grep -m1 -E '^Missed [0-9]+ lines$'", gate.to_str().unwrap());
    let program = bot(&server, &[], &script);
    bob.read_to("robo has entered the room.");
    let text = "x".repeat(100);
    for _ in 0..20 {
        bob.send(&format!("say {text}\n").repeat(1000));
        bob.send("ping flood\n");
        bob.read_to("pong flood");
    }
    // Opening it waits for the program to open it.
    std::fs::write(&gate, "go\n").unwrap();
    let mut more = || {
        bob.send("say more\n");
        bob.line()
    };
    while !more().starts_with("robo: Missed ") {}
    check(&program.finish(), 0, "", "");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_program_that_only_listens_is_given_the_room_all_the_same() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let directory = fresh_directory();
    let log = directory.join("log");
    let script = format!("exec >{}; sed '/stop$/q'; exit 4", log.to_str().unwrap());
    let program = bot(&server, &[], &script);
    bob.read_to("robo has entered the room.");
    bob.send("say one\nping x\n");
    bob.read_to("pong x");
    bob.send("say stop\n");
    check(&program.finish(), 4, "", "");
    assert_eq!(std::fs::read_to_string(log).unwrap(), "bob: one\nbob: stop\n");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_program_knows_who_and_where_it_is() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let script = "echo \"$CHAT_NAME in $CHAT_ROOM at $CHAT_SERVER${CHAT_PASSWORD+ with a secret}\"";
    let address = server.address.to_string();
    let arguments = ["bot", "--server", &address, "--name", "robo", "sh", "-c", script];
    let mut command = command(&arguments);
    let outcome =
        Program::run(command.env("CHAT_NAME", "clerk").env("CHAT_PASSWORD", "secret")).finish();
    check(&outcome, 0, "", "");
    bob.read_to(&format!("robo: robo in main at {address}"));
}

#[test]
fn a_program_may_do_more_than_say_when_it_is_let() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let script = "printf '/me waves\\n/msg bob psst\\n//me\\n/else\\n'";
    check(&bot(&server, &["--requests"], script).finish(), 0, "", "");
    let seen = bob.read_to("robo has left the room.");
    assert_eq!(seen[1..], ["* robo waves", "[from robo] psst", "robo: /me", "robo: /else"]);
    check(&bot(&server, &[], script).finish(), 0, "", "");
    let seen = bob.read_to("robo has left the room.");
    assert_eq!(
        seen[1..],
        ["/me waves", "/msg bob psst", "//me", "/else"].map(|it| format!("robo: {it}"))
    );
}

#[test]
fn what_is_said_while_a_program_is_not_running_is_told_to_the_next() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let script = "echo ready; read line; case $line in Missed*) exit 0;; esac; exit 3";
    let program = bot(&server, &["--restart"], script);
    bob.read_to("robo: ready");
    // The pause begins some time after this, and lasts a second.
    bob.send("say fail\n");
    bob.read_to("bob: fail");
    let (done, is_done) = channel::<()>();
    let mut talker = server.other("talker");
    let talking = thread::spawn(move || {
        while is_done.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            talker.send("say more\n");
        }
    });
    let outcome = program.finish();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    drop(done);
    talking.join().unwrap();
}

#[test]
fn a_program_that_fails_is_started_again_when_asked_for() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = bot(&server, &["--restart"], "echo ready; read line; exit \"${line#bob: }\"");
    bob.read_to("robo: ready");
    bob.send("say 3\n");
    bob.read_to("robo: ready");
    bob.send("say 0\n");
    let remark = "chat-client: the program ended (exit status: 3); again in 1 s\n";
    check(&program.finish(), 0, "", remark);
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let server = RealServer::start();
    let arguments = ["--name", "robo", "/no/such program"];
    let why = "chat-client: cannot start \"/no/such program\": No such file or directory (os error 2); \
        check the path\n";
    check(&run(server.address, "bot", &arguments), 7, "", why);
}

#[test]
fn a_refused_line_is_reported() {
    let server = RealServer::start();
    let outcome = bot(&server, &[], "printf '\\007\\n'; echo fine").finish();
    let why = "chat-client: the server refused a line of the program: Control Character\n";
    check(&outcome, 0, "", why);
}

#[test]
fn a_bot_comes_again_while_its_program_runs_on() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "since\n");
        session.send("Room Position: 2026-11-22T10:04:05.000Z+1\nbo: one\n");
        assert_eq!(session.line(), "say got bo: one\n");
        session.close()
    });
    let program = "while read -r line; do echo \"got $line\"; done";
    let bot = start(&server, "bot", &["--name", "al", "--reconnect", "sh", "-c", program]);
    let (_, again) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "since 2026-11-22T10:04:05.000Z+2\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.fence();
        session.send("History:\n[2026-11-22T10:04:05.000Z] al: got bo: one\n");
        session.send("[2026-11-22T10:04:05.000Z] bo: two\n");
        session.send(format!("{fence}Room Position: 2026-11-22T10:04:06.000Z+1\nbo: three\n"));
        assert_eq!(session.line(), "say got bo: two\n");
        assert_eq!(session.line(), "say got bo: three\n");
        session.send("Kicked: enough\n");
        session.close();
    });
    let outcome = bot.finish();
    again.join().unwrap();
    assert_eq!(outcome.code, Some(8), "{outcome:?}");
    let told: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(told[0], "chat-client: what the program said last may be lost");
    assert!(told[1].ends_with("start again; trying again in 1 s"), "{told:?}");
}
