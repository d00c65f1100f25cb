//! The mode for pipes: how it ends, and when it is not to end.

use std::io::{Read, Write, pipe};
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::fake_server::serve;
use crate::pipe::{HANDSHAKE, check, logged_in};
use crate::program::command;
use crate::real_server::RealServer;

#[test]
fn replies_that_come_after_the_end_of_input_are_printed() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let requests = session.rest();
        session.send("al: one\nal: two\n");
        requests
    });
    let mut program = logged_in(&server);
    program.send(b"say one\nsay two");
    check(&program.finish(), 0, &format!("{HANDSHAKE}al: one\nal: two\n"), "");
    assert_eq!(served.join().unwrap(), b"say one\nsay two");
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let (server, served) = serve(|mut session| {
        session.send("Connect Success\n");
        session.line();
        // The client may close before it took everything.
        while session.stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    check(&logged_in(&server).finish(), 3, "Connect Success\n", "no chat server");
    served.join().unwrap();
}

/// Runs the program with a stdout that does not make it wait: whoever started it may have set that.
fn with_impatient_stdout(arguments: &[&str]) -> (Option<i32>, String) {
    let (mut reader, writer) = pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut program = command(arguments);
    let mut child = program.stdin(Stdio::null()).stdout(writer).spawn().unwrap();
    // It holds the writer too, and the end of what is read is when nobody does.
    drop(program);
    // By now the pipe is full, or the program has given up.
    let (id, mut printed) = (child.id(), String::new());
    let waits_or_ended = |state: String| state.contains(") S ") || state.contains(") Z ");
    while !waits_or_ended(std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap()) {
        std::thread::yield_now();
    }
    reader.read_to_string(&mut printed).unwrap();
    (child.wait().unwrap().code(), printed)
}

#[test]
fn a_stdout_that_does_not_wait_loses_nothing() {
    let row = format!("[2026-11-22T10:04:05Z] bo: {}\n", "x".repeat(1000));
    let rows = row.repeat(1000);
    let script = rows.clone();
    let (server, served) = serve(move |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 1001\n");
        let fence = session.fence();
        session.send(format!("History:\n{script}{fence}"));
        session.rest()
    });
    let arguments = ["history", "--server", &server, "--name", "al", "1000"];
    assert_eq!(with_impatient_stdout(&arguments), (Some(0), rows.clone()));
    served.join().unwrap();
    let filtered = rows.clone();
    let (server, served) = serve(move |mut session| {
        session.greet_and_log_in();
        session.send(filtered);
        session.rest()
    });
    let (code, printed) = with_impatient_stdout(&["--server", &server, "--name", "al"]);
    assert_eq!((code, printed), (Some(0), HANDSHAKE.to_owned() + &rows));
    served.join().unwrap();
    let (code, manual) = with_impatient_stdout(&["man"]);
    assert!(code == Some(0) && manual.len() > 10_000, "{code:?}, {}", manual.len());
}

#[test]
fn a_server_that_closes_first_is_a_lost_connection() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("Server Shutdown\n");
        session.close();
    });
    // Its stdin stays open, so only the server can be the cause of the end.
    let mut program = logged_in(&server);
    let stdin = program.stdin.take();
    let outcome = program.wait();
    check(&outcome, 5, &format!("{HANDSHAKE}Server Shutdown\n"), "connection lost");
    drop(stdin);
    served.join().unwrap();
}

#[test]
fn a_logout_ends_the_requests() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.rest()
    });
    let mut program = logged_in(&server);
    program.send(b"say x\nlogout\nsay y\n");
    let stdin = program.stdin.take();
    check(&program.wait(), 0, HANDSHAKE, "");
    drop(stdin);
    assert_eq!(served.join().unwrap(), b"say x\nlogout\n");
}

#[test]
fn a_closed_stdout_ends_the_program_quietly_even_while_nothing_comes() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.rest()
    });
    let mut program = logged_in(&server);
    assert_eq!(program.read_to("Login Success\n"), HANDSHAKE);
    let stdin = program.stdin.take();
    drop(program.stdout.take());
    check(&program.wait(), 0, "", "");
    drop(stdin);
    served.join().unwrap();
}

/// The server closes at once, perhaps before the client has said that nothing follows.
#[test]
fn a_logout_is_an_end_and_no_loss() {
    let server = RealServer::start();
    for _ in 0..50 {
        for address in [server.address, server.classic] {
            let mut program = logged_in(&address.to_string());
            program.send(b"say a\nlogout\n");
            check(&program.finish(), 0, &format!("{HANDSHAKE}al: a\n"), "");
        }
    }
}

#[test]
fn a_server_that_did_not_wait_for_the_end_has_not_answered_everything() {
    for (last_word, code) in [
        ("Server Shutdown", 5),
        ("Server Cut Off", 5),
        ("Kicked: spam", 8),
        ("Banned for 5 minutes", 8),
    ] {
        let (server, served) = serve(move |mut session| {
            session.greet_and_log_in();
            let requests = session.rest();
            session.send(format!("al: one\n{last_word}\n"));
            requests
        });
        let mut program = logged_in(&server);
        program.send(b"say one\nsay two\n");
        let stdout = format!("{HANDSHAKE}al: one\n{last_word}\n");
        check(&program.finish(), code, &stdout, &format!("connection lost: {last_word};"));
        served.join().unwrap();
    }
}
