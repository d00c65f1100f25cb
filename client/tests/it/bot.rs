//! Programs as users of a room.

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fake_server::{serve, serve_at};
use crate::program::{DEADLINE, Finished, Program, command};
use crate::pty::fresh_directory;
use crate::real_server::{Other, RealServer};
use crate::script::{check, objects, run, start};

fn bot(server: &RealServer, options: &[&str], program: &str) -> Program {
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

/// It has left the group of the program, and it holds the program's output.
#[test]
fn what_a_program_has_started_ends_with_it() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    for script in [
        "exec 2>/dev/null; set -m; sh -c 'echo $$; exec sleep 1000' & wait",
        "exec 2>/dev/null; setsid sh -c 'echo $$; trap : TERM; while :; do sleep 1000; done' & wait",
        "exec 2>/dev/null; (setsid sh -c 'echo $$; exec sleep 1000' &) ; sleep 1000",
    ] {
        let program = bot(&server, &[], script);
        bob.read_to("robo has entered the room.");
        let runaway = answer_of(&mut bob, "robo").parse().unwrap();
        program.signal(Signal::SIGTERM);
        check(&program.finish(), 143, "", "");
        assert_eq!(kill(Pid::from_raw(runaway), None), Err(Errno::ESRCH), "{script}");
        bob.read_to("robo has left the room.");
    }
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
fn a_killed_program_has_the_code_that_a_shell_gives_it() {
    let server = RealServer::start();
    check(&bot(&server, &[], "kill -9 $$").finish(), 137, "", "");
}

#[test]
fn a_refused_line_is_reported() {
    let server = RealServer::start();
    let outcome = bot(&server, &[], "printf '\\007\\n'; echo fine").finish();
    let why = "chat-client: the server refused a line of the program: Control Character\n";
    check(&outcome, 0, "", why);
}

#[test]
fn a_program_ends_with_its_server_and_all_that_it_started() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let ready = session.line();
        session.send("Server Shutdown\n");
        session.close();
        ready
    });
    let script = "echo ready; sleep 1000 & sleep 1000";
    let outcome = run(server, "bot", &["--name", "al", "sh", "-c", script]);
    check(&outcome, 5, "", "chat-client: connection lost: Server Shutdown; start again\n");
    assert_eq!(served.join().unwrap(), "say ready\n");
}

#[test]
fn a_signal_ends_the_program_too() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = bot(
        &server,
        &[],
        "exec 2>/dev/null; trap 'exit 9' TERM; echo ready; while :; do sleep 1000; done",
    );
    bob.read_to("robo: ready");
    program.signal(Signal::SIGTERM);
    check(&program.finish(), 143, "", "");
    bob.read_to("robo has left the room.");
}

/// Says lines to a bot of this project and compares what it answers.
fn talk(name: &str, options: &[&str], file: &str, dialog: &[(&str, &str)]) {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let path = format!("{}/../scripts/bots/{file}", env!("CARGO_MANIFEST_DIR"));
    let arguments = [&["--name", name], options, &[&path]].concat();
    let program = start(server.address, "bot", &arguments);
    bob.read_to(&format!("{name} has entered the room."));
    for (said, answer) in dialog {
        bob.send(&format!("say {said}\n"));
        bob.read_to(&format!("bob: {said}"));
        assert_eq!(answer_of(&mut bob, name), *answer, "{said}");
    }
    drop(server);
    assert_eq!(program.finish().code, Some(5));
}

fn answer_of(bob: &mut Other, name: &str) -> String {
    bob.line().strip_prefix(&format!("{name}: ")).unwrap().to_owned()
}

#[test]
fn the_dice_bot_rolls() {
    let help = "bob: say !roll, or !roll 3d20: up to 20 dice of up to 1000 sides";
    let dialog = [
        ("!roll 1d1", "bob rolled 1"),
        ("!roll 3d1", "bob rolled 1 + 1 + 1 = 3"),
        ("!roll 21d6", help),
        ("!roll $(id)d*", help),
        ("!roll d", help),
    ];
    talk("dice", &[], "dice.sh", &dialog);
}

#[test]
fn the_karma_bot_counts() {
    let dialog = [
        ("!karma", "nobody was thanked yet"),
        ("eve++", "eve was thanked once"),
        ("eve: ++", "eve was thanked 2 times"),
        ("bob++", "bob: ask somebody else to thank you"),
        ("!karma eve", "eve was thanked 2 times"),
        ("!karma", "eve 2"),
    ];
    talk("karma", &["--json"], "karma.py", &dialog);
}

#[test]
fn the_uptime_bot_tells() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/bots/uptime.sh");
    let program = start(server.address, "bot", &["--name", "host", path]);
    bob.read_to("host has entered the room.");
    bob.send("say !uptime\n");
    bob.read_to("bob: !uptime");
    assert!(answer_of(&mut bob, "host").contains("load average"));
    drop(server);
    assert_eq!(program.finish().code, Some(5));
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
        let fence = session.line().replace("ping", "pong");
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

/// A signal ends it also while there is no server to come to.
#[test]
fn a_bot_that_waits_for_its_server_can_be_ended() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close();
    });
    let mut bot = start(&server, "bot", &["--name", "al", "--reconnect", "cat"]);
    served.join().unwrap();
    // Nobody listens there any more.
    bot.read_stderr_to("trying again in 2 s");
    bot.signal(Signal::SIGTERM);
    assert_eq!(bot.finish().code, Some(143));
}

/// Nothing can be done for a program whose bot is killed, but it finds out.
#[test]
fn a_program_whose_bot_is_killed_finds_its_input_at_its_end() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let directory = fresh_directory();
    let fifo = directory.join("over");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let program =
        format!("echo ready; while read -r line; do :; done; echo over > '{}'", fifo.display());
    let bot = bot(&server, &[], &program);
    bob.read_to("robo: ready");
    bot.signal(Signal::SIGKILL);
    let (tell, told) = channel();
    let reading = thread::spawn(move || tell.send(std::fs::read_to_string(&fifo).unwrap()));
    assert_eq!(told.recv_timeout(DEADLINE).as_deref(), Ok("over\n"));
    reading.join().unwrap().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}
