//! What a failure is called, and how the program exits because of it.

use std::io::ErrorKind;

use super::*;
use crate::exit::{Exit, Failure};

fn refused(error: impl Into<io::Error>) -> ConnectError {
    ConnectError::Refused { server: "h:1".to_owned(), error: error.into() }
}

/// The words for the causes are on the page for scripts.
#[test]
fn each_failure_has_its_exit_code_and_a_word_of_the_page() {
    let page = include_str!("../../../../docs/scripting.md");
    let login = |answer: &str| ConnectError::Login(answer.to_owned());
    let silence = || io::Error::from(ErrorKind::TimedOut);
    let address = ConnectError::Address { server: "h:1".to_owned(), error: silence() };
    for (error, exit, word) in [
        (address, Exit::CannotConnect, "no-such-host"),
        (refused(ErrorKind::ConnectionRefused), Exit::CannotConnect, "cannot-connect"),
        (refused(Errno::EMFILE), Exit::Local, "local"),
        (refused(Errno::ENOBUFS), Exit::Local, "local"),
        (ConnectError::Stranger, Exit::CannotConnect, "no-chat-server"),
        (ConnectError::Silent(silence()), Exit::CannotConnect, "no-answer"),
        (ConnectError::Full, Exit::CannotConnect, "server-full"),
        (ConnectError::Banned(3), Exit::KeptOut, "banned"),
        (login("Banned for 3 minutes"), Exit::KeptOut, "banned"),
        (login("UserName Exist"), Exit::LoginRefused, "name-taken"),
        (login("Password Required"), Exit::KeptOut, "password-required"),
        (login("Password Wrong"), Exit::KeptOut, "password-wrong"),
        (login("Password Queue Full"), Exit::CannotConnect, "password-queue-full"),
        (login("UserName Invalid: no"), Exit::KeptOut, "name-not-allowed"),
        (ConnectError::WrongProtocol("x".into()), Exit::CannotConnect, "wrong-protocol"),
        (ConnectError::NoKey, Exit::CannotConnect, "not-trusted"),
        (ConnectError::NoTls, Exit::CannotConnect, "no-tls"),
        (ConnectError::Handshake(rustls::Error::DecryptError), Exit::CannotConnect, "tls"),
        (ConnectError::Room("RoomName Empty".into()), Exit::Refused, "refused"),
        (ConnectError::Lost(silence()), Exit::ConnectionLost, "connection-lost"),
    ] {
        let failure = Failure::from(error);
        assert_eq!((failure.exit, failure.cause), (exit, Some(word)), "{failure}");
        assert!(page.contains(&format!("`{word}`")), "the page lacks {word}");
    }
}

#[test]
fn a_shortage_of_this_machine_is_no_fault_of_a_server() {
    assert_eq!(
        refused(Errno::EMFILE).to_string(),
        "cannot connect to h:1: Too many open files; see ulimit -a"
    );
}
