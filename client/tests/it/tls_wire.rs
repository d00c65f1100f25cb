//! TLS: bytes that come in pieces, and ends that nobody meant.

use std::io::{Read, Write};

use crate::identity::Identity;
use crate::program::Program;
use crate::tls::{at, check, run};

/// The input ends, and the answers do not: only one side of TLS ends then.
#[test]
fn a_pipe_gets_all_answers_after_the_end_of_its_input() {
    let identity = Identity::new();
    let server = identity.start();
    let address = at(&server);
    let ca = identity.ca();
    let mut program = Program::start(&["--server", &address, "--name", "al", "--tls", "--ca", &ca]);
    let text = "x".repeat(1000);
    (0..300).for_each(|n| program.send(format!("say {n} {text}\n").as_bytes()));
    program.send(b"ping done\n");
    let outcome = program.finish();
    check(&outcome, 0, "");
    let mut lines = outcome.stdout.lines();
    assert_eq!([lines.next(), lines.next()], [Some("Connect Success"), Some("Login Success")]);
    (0..300).for_each(|n| assert_eq!(lines.next(), Some(&*format!("al: {n} {text}"))));
    assert_eq!([lines.next(), lines.next()], [Some("pong done"), None]);
}

/// Whoever is in between can cut a connection. That must not look like an end that the server meant.
#[test]
fn an_end_without_a_word_of_tls_is_a_lost_connection() {
    let identity = Identity::new();
    let trust = ["--tls", "--pin", &identity.pin()];
    let (address, serving) = identity.fake(&identity.key, |server| {
        server.send("one: hi\n");
        server.stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let outcome = run(&[&["--server", &address, "--name", "al"], &trust[..]].concat());
    check(&outcome, 5, "connection lost: it was cut off; start again");
    assert!(outcome.stdout.ends_with("one: hi\n"), "{outcome:?}");
    serving.join().unwrap().unwrap();

    let (address, serving) = identity.fake(&identity.key, |server| {
        server.stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let outcome = run(&[&["look", "--server", &address, "--name", "al"], &trust[..]].concat());
    check(&outcome, 5, "connection lost: ");
    serving.join().unwrap().unwrap();
}

/// A wait has a limit, also when the socket has something to read and the record is not whole.
#[test]
fn half_a_record_holds_up_no_time_limit() {
    let identity = Identity::new();
    // On a busy machine the first time may be over before the client is in, which fails the server.
    let was_in = ["1", "4", "16"].into_iter().any(|seconds| {
        let (address, serving) = identity.fake(&identity.key, |server| {
            let records = server.seal(&"x: hi\n".repeat(1000));
            server.stream.write_all(&records[..records.len() / 2]).unwrap();
            let mut rest = Vec::new();
            let _ = server.stream.read_to_end(&mut rest);
        });
        let arguments = ["look", "--server", &address, "--name", "al", "--timeout", seconds];
        let outcome = run(&[&arguments, &["--tls", "--pin", &identity.pin()][..]].concat());
        check(&outcome, 1, "the time of --timeout ran out");
        matches!(serving.join(), Ok(Some(())))
    });
    assert!(was_in);
}

/// However records are cut, and with new keys in between, every line is there.
#[test]
fn lines_come_whole_however_their_records_are_cut() {
    let identity = Identity::new();
    let (address, serving) = identity.fake(&identity.key, |server| {
        server.read_to("\n");
        for round in 0..20 {
            server.tls.refresh_traffic_keys().unwrap();
            let text: String = (0..2000).map(|n| format!("x: {round} {n}\n")).collect();
            let records = server.seal(&text);
            let cut = 1 + round * 997;
            for piece in records.chunks(cut) {
                server.stream.write_all(piece).unwrap();
            }
        }
        server.tls.send_close_notify();
        server.send("");
        server.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        let _ = server.stream.read_to_end(&mut rest);
    });
    let arguments = ["--server", &address, "--name", "al", "--tls", "--pin", &identity.pin()];
    let mut program = Program::start(&arguments);
    program.send(b"look\n");
    let outcome = program.finish();
    let mut lines = outcome.stdout.lines().skip(2);
    for round in 0..20 {
        (0..2000).for_each(|n| assert_eq!(lines.next(), Some(&*format!("x: {round} {n}"))));
    }
    assert_eq!(lines.next(), None);
    check(&outcome, 0, "");
    serving.join().unwrap().unwrap();
}
