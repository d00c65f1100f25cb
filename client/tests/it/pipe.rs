//! The mode for pipes.

use std::io::{Read, Write};
use std::sync::mpsc::channel;

use nix::sys::signal::Signal;

use crate::fake_server::serve;
use crate::program::{Finished, Program, command};
use crate::real_server::RealServer;

pub const HANDSHAKE: &str = "Connect Success\nLogin Success\n";

pub fn logged_in(server: &str) -> Program {
    Program::start(&["--server", server, "--name", "al"])
}

#[track_caller]
pub fn check(outcome: &Finished, code: i32, stdout: &str, reason: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), stdout), "{outcome:?}");
    assert_eq!(reason.is_empty(), outcome.stderr.is_empty(), "{outcome:?}");
    assert!(outcome.stderr.contains(reason), "{outcome:?}");
    assert!(outcome.stderr.lines().count() <= 1, "{outcome:?}");
}

#[test]
fn without_a_name_the_bytes_pass_as_they_are() {
    let (server, served) = serve(|mut session| {
        session.send("Connect Success");
        let requests = session.rest();
        session.send(b"\xff\r\n\0tail");
        requests
    });
    let mut program = Program::start(&["--server", &server]);
    program.send(b"\xfe\0\r\n");
    check(&program.finish(), 0, "Connect Success\u{fffd}\r\n\0tail", "");
    assert_eq!(served.join().unwrap(), b"\xfe\0\r\n");
}

#[test]
fn a_room_is_gone_to_after_the_login_and_before_the_input() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let requests = session.rest();
        session.send("Join Success\nal: one\n");
        requests
    });
    let mut program = Program::start(&["--server", &server, "--name", "al", "--room", "den"]);
    program.send(b"say one\n");
    check(&program.finish(), 0, &format!("{HANDSHAKE}Join Success\nal: one\n"), "");
    assert_eq!(served.join().unwrap(), b"join den\nsay one\n");

    // Without a name the input has the login, and whatever is to follow it.
    let (server, served) = serve(|mut session| {
        session.send("Connect Success\n");
        session.rest()
    });
    let mut program = Program::start(&["--server", &server, "--room", "den"]);
    program.send(b"login al\n");
    check(&program.finish(), 0, "Connect Success\n", "");
    assert_eq!(served.join().unwrap(), b"login al\n");
}

#[test]
fn the_classic_listener_is_told_by_its_greeting() {
    let (server, served) = serve(|mut session| {
        session.send("Connect Success");
        assert_eq!(session.line(), "login al\n");
        session.send("Login Suc");
        session.send("cess");
        session.send("bo: hi\n");
        session.rest()
    });
    check(&logged_in(&server).finish(), 0, &format!("{HANDSHAKE}bo: hi\n"), "");
    assert_eq!(served.join().unwrap(), b"");
}

#[test]
fn a_refused_login_ends_with_the_reason_and_nothing_else_sent() {
    for (greeting, answer, shown, code) in [
        ("Connect Success\n", "UserName Exist\n", "UserName Exist", 4),
        ("Connect Success", "UserName Exist", "UserName Exist", 4),
        ("Connect Success", "UserName Empty", "UserName Empty", 8),
        ("Connect Success\n", "UserName Invalid: reserved\n", "UserName Invalid: reserved", 8),
        ("Connect Success", "UserName Invalid: reserved\n", "UserName Invalid: reserved", 8),
        ("Connect Success\n", "Banned for 5 minutes\n", "Banned for 5 minutes", 8),
    ] {
        let (written, requests) = channel();
        let (server, served) = serve(move |mut session| {
            session.send(greeting);
            assert_eq!(session.line(), "login al\n");
            requests.recv().unwrap();
            session.send(answer);
            session.rest()
        });
        let mut program = logged_in(&server);
        program.send(b"look\n");
        written.send(()).unwrap();
        let outcome = program.finish();
        check(&outcome, code, &format!("Connect Success\n{shown}\n"), shown);
        assert_eq!(served.join().unwrap(), b"");
    }
}

#[test]
fn a_server_that_cannot_be_used_is_told_apart_from_a_refusal() {
    // Where nobody listens. A port that was free a moment ago may be that of another test.
    check(&logged_in("127.0.0.1:1").finish(), 3, "", "is the server running there?");
    for (greeting, reason, code) in [
        ("Server Full\n", "Server Full", 3),
        ("Banned for 5 minutes\n", "Banned for 5 minutes; try again then", 8),
        ("HTTP/1.1 400 Bad Request\r\n", "no chat server", 3),
        ("", "the server closed it", 3),
    ] {
        let (server, served) = serve(move |mut session| session.send(greeting));
        check(&logged_in(&server).finish(), code, "", reason);
        served.join().unwrap();
    }
}

#[test]
fn options_that_are_for_a_prompt_are_not_ignored_without_a_word() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al"];
    let given = ["--quiet", "--time", "%c", "--log", "/dev/null"];
    let outcome = Program::start(&[&arguments[..], &given].concat()).finish();
    let told = "chat-client: --log, --quiet, --time only means something at a prompt\n";
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), told));
    assert_eq!(Program::start(&arguments).finish().stderr, "");
}

#[test]
fn a_login_that_is_suspended_goes_on() {
    let (logging_in, is_logging_in) = channel();
    let (suspended, was_suspended) = channel();
    let (server, served) = serve(move |mut session| {
        session.send("Connect Success\n");
        logging_in.send(session.line()).unwrap();
        was_suspended.recv().unwrap();
        session.send("Login Success\n");
        session.rest()
    });
    let program = logged_in(&server);
    assert_eq!(is_logging_in.recv().unwrap(), "login al\n");
    // From now on it does nothing but read, with a time limit. Such a read is broken off when the
    // program goes on, though there is no handler (signal(7)).
    program.wait_asleep();
    program.suspend();
    program.signal(Signal::SIGCONT);
    suspended.send(()).unwrap();
    check(&program.finish(), 0, HANDSHAKE, "");
    assert_eq!(served.join().unwrap(), b"");
}

#[test]
fn lines_appear_as_they_come() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("bo: no newline yet");
        session.line()
    });
    let mut program = logged_in(&server);
    program.read_to("bo: no newline yet");
    program.send(b"ping\n");
    assert_eq!(served.join().unwrap(), "ping\n");
    program.finish();
}

#[test]
fn much_in_both_directions_at_once_passes() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let (mut chunk, mut total) = (vec![0; 1 << 16], 0);
        loop {
            match session.stream.read(&mut chunk).unwrap() {
                0 => return total,
                length => session.stream.write_all(&chunk[..length]).unwrap(),
            }
            total += 1;
        }
    });
    let mut program = logged_in(&server);
    let mut stdin = program.stdin.take().unwrap();
    let text: String = (0..1_000_000).map(|number| format!("say line {number}\n")).collect();
    let sent = text.clone();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    let outcome = program.wait();
    writer.join().unwrap();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stdout.len(), HANDSHAKE.len() + text.len());
    assert!(outcome.stdout.ends_with(&text[text.len() / 2..]));
    served.join().unwrap();
}

#[test]
fn help_shows_the_exit_codes_and_a_wrong_argument_is_one_of_them() {
    let help = command(&["--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("4   somebody else has the name"));
    for arguments in [&["--nonsense"][..], &["--name", "a\nb"]] {
        assert_eq!(command(arguments).output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn a_server_without_a_port_that_is_one_is_a_wrong_command_line() {
    for mut command in [command(&["look", "--server", "h:99999"]), command(&["--server", "h:x"])] {
        let outcome = Program::run(&mut command).finish();
        check(&outcome, 2, "", "in --server or CHAT_SERVER, a number up to 65535");
    }
    let outcome = Program::run(command(&["look"]).env("CHAT_SERVER", "h:")).finish();
    check(&outcome, 2, "", "CHAT_SERVER");
}

#[test]
fn both_listeners_of_the_server_answer_the_same() {
    let server = RealServer::start();
    for address in [server.address, server.classic] {
        let mut program = logged_in(&address.to_string());
        program.send(b"say a\nlook\nsay b\nping end");
        let expected = "al: a\nOnline Users:\nal\nal: b\npong end\n";
        check(&program.finish(), 0, &format!("{HANDSHAKE}{expected}"), "");
    }
}
