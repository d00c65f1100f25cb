//! The handshake: how long it may take, and what those get who never come to its end.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{Secure, patient, rest};
use crate::support::TestClient;

/// However slowly the bytes come, a handshake has ten seconds in all, and nobody else waits for it.
#[test]
fn a_byte_a_second_is_no_handshake() {
    let secure = Secure::start();
    let begin = Instant::now();
    let mut slow = secure.plain();
    let mut silent = secure.plain();
    slow.write_all(&[22, 3, 1, 1, 0, 1, 0, 0]).unwrap();
    let mut drip = slow.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        // Until the server has closed.
        while drip.write_all(&[0]).is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    secure.login("ann").expect_nothing_but("meanwhile");
    assert!(begin.elapsed() < Duration::from_secs(9), "ann had to wait");
    let end = rest(&mut slow);
    assert!(begin.elapsed() >= Duration::from_secs(9), "closed too early");
    // An alert, and no text.
    assert!(end.is_empty() || end[0] == 21, "{end:?}");
    drop(slow);
    dripping.join().unwrap();
    // Who says nothing at all waits for a greeting, and gets an answer.
    let told = String::from_utf8(rest(&mut silent)).unwrap();
    assert!(told.starts_with("Wrong Protocol: this port speaks TLS"), "{told}");
}

#[test]
fn who_speaks_no_tls_is_told_so() {
    let secure = Secure::start();
    let mut plain = secure.plain();
    plain.write_all(b"login ann\n").unwrap();
    let told = String::from_utf8(rest(&mut plain)).unwrap();
    assert!(told.starts_with("Wrong Protocol: this port speaks TLS; "), "{told}");
    assert!(told.ends_with("\n") && told.lines().count() == 1, "{told}");

    let mut browser = patient(secure.server.more[1]);
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let told = String::from_utf8(rest(&mut browser)).unwrap();
    assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("https://"), "{told}");

    // The other way round it can be seen in what comes.
    let mut confused = patient(secure.server.address);
    confused.write_all(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let told = String::from_utf8(rest(&mut confused)).unwrap();
    assert!(
        told.contains("Wrong Protocol: this port speaks chat in plain text, not TLS"),
        "{told}"
    );
}

/// Who has no place cannot read a text before the handshake, and is told by an alert.
#[test]
fn a_connection_counts_from_the_beginning() {
    let secure = Secure::with(|config| config.max_clients = 1);
    // It has not even begun its handshake.
    let mut first = secure.plain();
    first.write_all(&[22]).unwrap();
    let mut second = secure.plain();
    assert_eq!(rest(&mut second), [21, 3, 3, 0, 2, 2, 49]);
    drop(first);
    // Its place is free once the server has seen that it is gone.
    loop {
        let mut client = TestClient::connect_tls(secure.address(), &secure.certificate);
        if client.next_line().as_deref() == Some("Connect Success") {
            break;
        }
    }
}

#[test]
fn a_server_that_stops_waits_for_no_handshake() {
    let mut secure = Secure::start();
    let mut idle = secure.plain();
    idle.write_all(&[22, 3]).unwrap();
    // It came before this one, which was greeted.
    let ann = secure.login("ann");
    let begin = Instant::now();
    drop(ann);
    secure.server.stop();
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
}
