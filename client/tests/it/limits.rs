//! Time limits, and what programs are told.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::fake_server::{FakeSession, serve};
use crate::program::Program;
use crate::real_server::RealServer;
use crate::script::{check, run};

/// Each command that goes to a server, with what it needs.
const COMMANDS: [&[&str]; 8] = [
    &["say", "--name", "al", "x"],
    &["look", "--name", "al"],
    &["rooms", "--name", "al"],
    &["history", "--name", "al"],
    &["follow", "--name", "al"],
    &["wait", "--name", "al", "--match", "x"],
    &["ask", "--name", "al", "--match", "x", "y"],
    &["bot", "--name", "al", "cat"],
];

/// How much time commands are given, one after the other: on a busy machine the first may be over before a
/// client is where it shall be.
const LIMITS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(32),
];

/// Runs a command with so much time, and checks that it takes about so long.
#[track_caller]
fn runs_out_of_time(server: &str, arguments: &[&str], limit: Duration) {
    let (task, rest) = arguments.split_first().unwrap();
    let seconds = limit.as_secs_f64().to_string();
    // More than is waited for here.
    let times = ["--timeout", &seconds, "--connect-timeout", "100"];
    let begun = Instant::now();
    let outcome =
        Program::start(&[&[task, "--server", server], &times[..], rest].concat()).finish();
    let took = begun.elapsed();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{arguments:?} {outcome:?}");
    assert!(outcome.stderr.contains("time") && outcome.stderr.lines().count() == 1, "{outcome:?}");
    // What a busy machine adds is far from what a server is given otherwise.
    let most = limit + Duration::from_secs(25);
    assert!(took >= limit && took < most, "{arguments:?} {took:?}");
}

/// The same at a server that hangs once `is_in` has said that the client is where it shall be.
#[track_caller]
fn runs_out_of_time_within(
    arguments: &[&str],
    is_in: impl Fn(&mut FakeSession) -> bool + Send + Copy + 'static,
) {
    let was_in = LIMITS.into_iter().any(|limit| {
        let (server, served) = serve(move |mut session| {
            let was_in = is_in(&mut session);
            session.hang();
            was_in
        });
        runs_out_of_time(&server, arguments, limit);
        served.join().unwrap()
    });
    assert!(was_in, "{arguments:?}: it was never in");
}

#[test]
fn the_time_limit_holds_for_every_command_wherever_the_server_hangs() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for arguments in COMMANDS {
        runs_out_of_time(&address, arguments, LIMITS[0]);
    }
    for arguments in COMMANDS {
        runs_out_of_time_within(arguments, FakeSession::try_to_log_in);
    }
    let greeted =
        |session: &mut FakeSession| session.stream.write_all(b"Connect Success\n").is_ok();
    runs_out_of_time_within(COMMANDS[0], greeted);
}

#[test]
fn the_time_limit_holds_for_a_pipe_and_without_a_server_too() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let server = RealServer::start();
    let chat = server.address.to_string();
    let port = crate::lan::port();
    let cases: [&[&str]; 4] = [
        &["--server", &silent],
        &["--server", &silent, "--name", "al"],
        &["--server", &chat, "--name", "al"],
        &["lan", &port, "--name", "al", "--broadcast", "127.255.255.255"],
    ];
    for arguments in cases {
        let begun = Instant::now();
        let mut program = Program::start(&[arguments, &["--timeout", "0.5"]].concat());
        let stdin = program.stdin.take();
        let outcome = program.wait();
        drop(stdin);
        let took = begun.elapsed();
        assert_eq!(outcome.code, Some(1), "{arguments:?} {outcome:?}");
        let why = "chat-client: the time of --timeout ran out before all was done\n";
        assert_eq!(outcome.stderr, why, "{arguments:?}");
        assert!(took < Duration::from_secs(8), "{arguments:?} {took:?}");
    }
}

#[test]
fn follow_and_wait_ask_for_their_place_anew_before_the_server_forgets_it() {
    for (task, options) in [("follow", &[][..]), ("wait", &["--match", "end"])] {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            assert_eq!(session.line(), "since\n");
            session.send("Room Position: 2026-11-22T10:04:05.000Z+1\n");
            session.send("bo: x\n".repeat(1000));
            assert_eq!(session.line(), "since\n");
            session.send("Kicked: enough\n");
            session.close();
        });
        let arguments = [&["--name", "al", "--reconnect"], options].concat();
        let outcome = run(&server, task, &arguments);
        served.join().unwrap();
        assert_eq!(outcome.code, Some(8), "{outcome:?}");
    }
}

#[test]
fn follow_tells_when_nothing_can_be_missed_any_more() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let program = env!("CARGO_BIN_EXE_chat-client");
    let script = format!("'{program}' follow --count 1 --ready-fd 3 3>&1");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env("CHAT_SERVER", server.address.to_string());
    let mut follow = Program::run(&mut command);
    assert_eq!(follow.read_to("\n"), "ready\n");
    bob.send("say hi\n");
    check(&follow.finish(), 0, "bob: hi\n", "");
}

#[test]
fn say_that_runs_out_of_time_names_the_first_line_that_is_not_confirmed() {
    let why = "chat-client: the time of --timeout ran out before all was done; \
               line 2 is the first that is not confirmed\n";
    let mut outcomes = LIMITS.into_iter().map(|limit| {
        let (server, served) = serve(|mut session| {
            if session.try_to_log_in() && session.try_line() == "say one\n" {
                let _ = session.stream.write_all(b"al: one\n");
            }
            session.hang();
        });
        let seconds = limit.as_secs_f64().to_string();
        let arguments = ["say", "--server", &server, "--name", "al", "--timeout", &seconds];
        let mut program = Program::start(&arguments);
        let stdin = program.stdin.take();
        // It fails where the time was over before.
        let _ = stdin.as_ref().unwrap().write_all(b"one\ntwo\n");
        let outcome = program.wait();
        drop(stdin);
        served.join().unwrap();
        outcome
    });
    // With too little time not even the first line is confirmed.
    let outcome = outcomes.find(|outcome| outcome.stderr.contains("line 2 is"));
    check(&outcome.expect("the first line was never confirmed"), 1, "", why);
}

#[test]
fn getting_in_has_a_limit_of_its_own() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let why = "chat-client: no chat server has greeted: the server does not answer; \
               try again; if it stays so, check the address\n";
    check(&run(address, "look", &["--name", "al", "--connect-timeout", "0.3"]), 3, "", why);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let address = server.address.to_string();
    let program = env!("CARGO_BIN_EXE_chat-client");
    let script = format!(
        "trap '' HUP INT; exec '{program}' bot --server {address} --name robo sh -c 'echo ready; read line; exit 3'"
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]);
    let program = Program::run(&mut shell);
    // By then it has its handlers.
    bob.read_to("robo: ready");
    program.signal(Signal::SIGHUP);
    program.signal(Signal::SIGINT);
    bob.send("say end\n");
    assert_eq!(program.finish().code, Some(3));
    bob.read_to("robo has left the room.");
}

#[test]
fn a_line_without_an_end_is_a_broken_connection() {
    for arguments in [COMMANDS[0], COMMANDS[4], COMMANDS[5], COMMANDS[7]] {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            // It fails as soon as the client has had enough.
            let chunk = [b'x'; 64 * 1024];
            while session.stream.write_all(&chunk).is_ok() {}
        });
        let arguments = [arguments, &["--server", &server, "--timeout", "30"]].concat();
        let (options, rest) = arguments.split_at(3);
        let (rest, limits) = rest.split_at(rest.len() - 4);
        let outcome = Program::start(&[options, limits, rest].concat()).finish();
        assert_eq!(outcome.code, Some(5), "{arguments:?} {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        let stderr = &outcome.stderr;
        assert!(stderr.contains("line without an end") && stderr.lines().count() == 1, "{stderr}");
        served.join().unwrap();
    }
}
