//! The program itself: what it prints, how it ends.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::program::{Program, not_run};
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
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_chat-server");
    shell.args(["-c", &format!("trap '' HUP; exec '{program}' --listen 127.0.0.1:0")]);
    let mut program = Program::spawn(shell.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut client = TestClient::connect(program.address().0);
    client.expect("Connect Success");
    program.signal(Signal::SIGHUP);
    client.send("ping after\n");
    client.expect("pong after");
    program.signal(Signal::SIGTERM);
    assert_eq!(client.rest(), "Server Shutdown\n");
    drop(client);
    assert_eq!(program.output().status.code(), Some(0));
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
    for arguments in [
        &["--listen", &address][..],
        &["--listen", "127.0.0.1:0", "--listen", &address],
        &["--listen", "127.0.0.1:0", "--classic", &address],
    ] {
        let output = Program::start(arguments).output();
        assert_eq!(output.status.code(), Some(3));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            stderr,
            format!(
                "chat-server: cannot listen on {address}: address in use; \
                 choose another port; port 0 takes a free one\n"
            )
        );
        assert!(output.stdout.is_empty());
    }
}

/// What is taken works, also where the system has limits of its own.
#[test]
fn the_largest_numbers_are_served() {
    let (year, most) = ("31536000", "4294967295");
    let mut arguments = vec!["--listen", "127.0.0.1:0"];
    arguments.extend(["--login-timeout", year, "--stall-timeout", year, "--exit-when-idle", year]);
    arguments.extend(["--keepalive", "32767", "--user-timeout", "32767"]);
    arguments.extend(["--rate", most, "--burst", most]);
    arguments.extend(["--max-clients", most, "--max-per-address", most, "--max-rooms", most]);
    let mut program = Program::start(&arguments);
    let mut client = TestClient::connect(program.address().0);
    client.send("login ann\nsay hi\nlogout\n");
    assert_eq!(client.rest(), "Connect Success\nLogin Success\nann: hi\n");
    drop(client);
    program.signal(Signal::SIGTERM);
    let output = program.output();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The end is told by the exit code, also where nobody reads what went wrong.
#[test]
fn a_closed_pipe_for_errors_changes_no_exit_code() {
    let (nobody, stderr) = std::io::pipe().unwrap();
    drop(nobody);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    // An address of nobody, kept for documents.
    command.args(["--listen", "192.0.2.1:6666"]).stdout(Stdio::piped()).stderr(stderr);
    assert_eq!(Program::spawn(&mut command).output().status.code(), Some(3));
}

#[test]
fn wrong_usage_is_explained_in_one_line() {
    for arguments in [
        &["--listen", "here"][..],
        &["--couriers", "0"],
        &["--max-line", "1"],
        &["--backlog", "10"],
        &["--max-clients", "0"],
        &["--max-per-address", "0"],
        &["--max-rooms", "0"],
        &["--burst", "0"],
        &["--login-timeout", "0"],
        &["--login-timeout", "18446744073709551615"],
        &["--stall-timeout", "0"],
        &["--stall-timeout", "18446744073709551615"],
        &["--exit-when-idle", "0"],
        &["--exit-when-idle", "18446744073709551615"],
        &["--keepalive", "32768"],
        &["--user-timeout", "32768"],
        &["--no-such-flag"],
        &["no-such-command"],
        &["--sync"],
        &["--tls", "127.0.0.1:0"],
        &["make-users", "two words"],
        &["certificate"],
        &["completions", "no-such-shell"],
        &["man", "--no-such-flag"],
    ] {
        let output = Program::start(arguments).output();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        let line = text.strip_suffix("; see --help\n").expect(&text);
        assert!(line.starts_with("chat-server: ") && !line.contains('\n'), "{text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Help goes to stdout, and whoever does not get it is told.
#[test]
fn help_is_printed_or_it_is_an_error() {
    for arguments in [&["--help"][..], &["--version"], &["make-users", "--help"]] {
        let output = Program::start(arguments).output();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        command.args(arguments).stdout(full).stderr(Stdio::piped());
        let output = Program::spawn(&mut command).output();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("chat-server: cannot write to stdout: "), "{text}");
    }
}

/// The unit, and what the page about operating adds to it, are such that systemd takes them.
#[test]
fn the_unit_is_understood_by_systemd() {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let unit = fs::read_to_string(documents.join("chat-server.service")).unwrap();
    let page = fs::read_to_string(documents.join("operating.md")).unwrap();
    let addition = page.split("```\n[Service]\n").nth(1).unwrap().split("```").next().unwrap();
    let (installed, server) = ("/usr/local/bin/chat-server", env!("CARGO_BIN_EXE_chat-server"));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("chat-server.service");
    let unit = format!("{unit}\n[Service]\n{addition}").replace(installed, server);
    assert_eq!(unit.matches(server).count(), 2, "{unit}");
    fs::write(&file, unit).unwrap();
    let output = match Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        Ok(output) => output,
        Err(error) => return not_run(&format!("docs/chat-server.service: {error}")),
    };
    let remarks = String::from_utf8(output.stderr).unwrap();
    // It has remarks about the system's own units, too.
    let remarks: Vec<_> = remarks.lines().filter(|line| line.contains("chat-server")).collect();
    assert_eq!(remarks, [""; 0]);
}
