//! The program itself: what it prints, how it ends.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use nix::sys::signal::Signal;

use crate::program::Program;
use crate::support::TestClient;

#[test]
fn each_listener_is_announced_on_a_line_of_stdout() {
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "[::1]:0",
        "--classic",
        "localhost:0",
    ]);
    let addresses: Vec<_> = (0..3).map(|_| program.address()).collect();
    assert!(addresses[1].0.is_ipv6());
    let remarks: Vec<_> = addresses.iter().map(|(_, remark)| remark.as_str()).collect();
    assert_eq!(remarks, ["", "", "(classic)"]);
    for (address, _) in addresses {
        assert_ne!(address.port(), 0);
        assert!(TestClient::connect(address).packet().starts_with(b"Connect Success"));
    }
    program.signal(Signal::SIGTERM);
    let output = program.output();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty(), "nothing but the announcements on stdout");
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(remarks.contains("--listen 0.0.0.0:"), "{remarks}");
}

#[test]
fn interrupt_and_termination_say_goodbye() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut program = Program::start(&["--listen", "127.0.0.1:0"]);
        let mut client = TestClient::connect(program.address().0);
        client.expect("Connect Success");
        program.signal(signal);
        assert_eq!(client.rest(), "Server Shutdown\n");
        drop(client);
        assert_eq!(program.output().status.code(), Some(0));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0"]);
    // It does not close its side, so that the server waits for it.
    let mut client = TestClient::connect(program.address().0);
    client.expect("Connect Success");
    program.signal(Signal::SIGINT);
    client.expect("Server Shutdown");
    program.signal(Signal::SIGINT);
    assert_eq!(program.output().status.code(), Some(130));
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Program::start(&["--listen", &address]).output();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        stderr,
        format!(
            "chat-server: cannot listen on {address}: address in use; \
             --listen takes another one, and port 0 a free one\n"
        )
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn wrong_usage_is_explained() {
    for arguments in [
        &["--listen", "here"][..],
        &["--couriers", "0"],
        &["--max-line", "1"],
        &["--backlog", "10"],
        &["--no-such-flag"],
    ] {
        let output = Program::start(arguments).output();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let first = BufReader::new(&output.stderr[..]).lines().next().unwrap().unwrap();
        assert!(first.starts_with("error: "), "{first}");
    }
}
