//! The limits that protect everybody from one.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use tempfile::Builder;

use crate::program::{Program, not_run};
use crate::support::{TestClient, TestServer};

#[test]
fn who_does_not_log_in_is_closed() {
    let server = TestServer::with(|config| config.login_timeout = Duration::from_millis(200));
    let mut silent = server.connect();
    assert_eq!(silent.rest(), "Login Timeout\n");
    let mut answers = String::new();
    while !answers.starts_with("pong\n") {
        // On a busy machine the time may be over before the requests are there.
        let mut chatty = server.connect();
        let _ = chatty.stream().write_all(b"ping\nping\n");
        answers = chatty.rest();
    }
    assert_eq!(answers, "pong\npong\nLogin Timeout\n");
}

#[test]
fn who_has_logged_in_may_be_silent() {
    let server = TestServer::with(|config| config.login_timeout = Duration::from_millis(200));
    let mut ann = server.connect();
    let _ = ann.stream().write_all(b"login ann\n");
    while ann.line() != "Login Success" {
        // It was closed before, on a busy machine.
        ann = server.connect();
        let _ = ann.stream().write_all(b"login ann\n");
    }
    // Somebody else who is silent for as long as is allowed shows that the time has passed.
    assert_eq!(server.connect().rest(), "Login Timeout\n");
    ann.expect_nothing_but("still here");
}

#[test]
fn fast_lines_are_read_later_and_none_is_lost() {
    let server = TestServer::with(|config| {
        config.rate = 100;
        config.burst = 5;
    });
    let mut ann = server.connect();
    let mut bob = server.login("bob");
    let begin = Instant::now();
    let lines: String = (0..20).map(|n| format!("say {n}\n")).collect();
    ann.send(&format!("login ann\n{lines}"));
    ann.end_input();
    // The others are not slowed down by it.
    bob.expect("ann has entered the room.");
    let expected: String = (0..20).map(|n| format!("ann: {n}\n")).collect();
    assert_eq!(ann.rest(), format!("Login Success\n{expected}"));
    // 21 lines, 5 of them at once and 16 at a hundred a second.
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(160), "{took:?}");
}

#[test]
fn a_delayed_client_does_not_delay_the_stop() {
    let mut server = TestServer::with(|config| {
        config.rate = 1;
        config.burst = 1;
    });
    let mut ann = server.connect();
    ann.send(&"ping\n".repeat(1000));
    ann.expect("pong");
    ann.end_input();
    server.stop();
    assert!(ann.rest().ends_with("Server Shutdown\n"));
}

/// Whether there is a place for a client. It is greeted only then.
fn is_served(client: &mut TestClient) -> bool {
    // It fails when the server has closed the connection already.
    let _ = client.stream().write_all(b"ping\n");
    match client.line().as_str() {
        "Connect Success" => client.expect("pong"),
        refusal => {
            assert_eq!(refusal, "Server Full");
            return false;
        }
    }
    true
}

/// With few descriptors or threads, those who are there go on, and those who come are told.
fn check_shortage(command: &mut Command) {
    let mut program = Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    assert!(is_served(&mut ann));
    let (mut served, mut refused) = (Vec::new(), 0);
    for _ in 0..80 {
        let mut client = TestClient::connect(address);
        if is_served(&mut client) { served.push(client) } else { refused += 1 }
    }
    assert!(served.len() >= 20 && refused >= 40, "{} served, {refused} refused", served.len());
    ann.expect_nothing_but("still served");

    // Once one has gone there is a place again.
    let mut leaver = served.pop().unwrap();
    leaver.send("logout\n");
    leaver.expect_end();
    drop(leaver);
    while !is_served(&mut TestClient::connect(address)) {}

    drop((served, ann));
    let log = program.stop();
    // Where it can be known at the start it is said then.
    let words = ["new clients are refused", "there is room for"];
    let told = |line: &&str| words.iter().any(|words| line.contains(words));
    let bursts = log.lines().filter(told).count();
    assert!((1..=3).contains(&bursts), "one line a burst:\n{log}");
}

#[test]
fn running_out_of_descriptors_costs_only_who_comes() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 48 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_chat-server")]);
    check_shortage(command.args(["--listen", "127.0.0.1:0"]));
}

/// The limit is one of users, and root is not bound by it: the server runs as a user of its own.
#[test]
fn running_out_of_threads_costs_only_who_comes() {
    if !Uid::effective().is_root() {
        return not_run("running out of threads: only root can be another user");
    }
    // Where any user may read it.
    let folder = Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
    let server = folder.path().join("chat-server");
    // By another process: a file that this one has written may still be open, for a moment, in what another
    // test starts just then, and so it could not be run (execve(2), ETXTBSY).
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_chat-server")).arg(&server).status();
    assert!(copied.unwrap().success());
    let user = 2_000_000 + std::process::id();
    let mut command = Command::new("prlimit");
    command.arg("--nproc=40").arg(server).args(["--listen", "127.0.0.1:0"]).uid(user);
    check_shortage(&mut command);
}

/// At the end of the address space a thread that has begun takes the whole process with it, so nobody
/// is let in who could bring it there: that is known at the start.
#[test]
#[cfg(target_os = "linux")]
fn the_end_of_the_address_space_is_never_reached() {
    let mut command = Command::new("prlimit");
    command.args(["--as=419430400", env!("CARGO_BIN_EXE_chat-server"), "--listen", "127.0.0.1:0"]);
    command.args(["--max-owed", "1048576"]);
    command.env("MALLOC_ARENA_MAX", "2").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let address = program.address().0;
    let mut served = Vec::new();
    let mut refused = 0;
    while refused < 100 {
        let mut client = TestClient::connect(address);
        if is_served(&mut client) { served.push(client) } else { refused += 1 }
    }
    // Each of them does something that takes memory.
    for (number, client) in served.iter_mut().enumerate() {
        client.send(&format!("login u{number}\njoin r{number}\nsay hello\n"));
    }
    for (number, client) in served.iter_mut().enumerate() {
        client.lines_until(&format!("u{number}: hello"));
    }
    let count = served.len();
    drop(served);
    let log = program.stop();
    let told = format!("there is room for {count} clients, fewer than are allowed: ");
    assert!(log.contains(&told), "{told}\n{}", &log[..log.len().min(2000)]);
}

#[test]
fn a_server_without_clients_can_stop_by_itself() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--exit-when-idle", "1"]);
    let mut client = TestClient::connect(program.address().0);
    client.expect("Connect Success");
    client.expect_nothing_but("served");
    drop(client);
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn what_happened_to_whom_is_logged_without_control_characters() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--trace"]);
    let mut ann = TestClient::connect(program.address().0);
    ann.expect("Connect Success");
    ann.send("login ann\nsay \x1b[2Jgone\nlogout\n");
    assert_eq!(ann.rest(), "Login Success\nControl Character\n");
    drop(ann);
    let log = program.stop();
    assert!(!log.contains('\x1b'), "{log}");
    for expected in [
        "-> say \\u{1b}[2Jgone\\n",
        "<- Login Success\\n",
        "(ann) came",
        "(ann) is gone: logged out; got all it was owed; said 3 lines",
    ] {
        assert!(log.contains(expected), "{expected} is not in:\n{log}");
    }
}

/// A storm of them must not fill the log.
#[test]
fn refused_connections_are_counted_in_the_log() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--max-clients", "1"]);
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    ann.expect("Connect Success");
    for _ in 0..50 {
        assert_eq!(TestClient::connect(address).rest(), "Server Full\n");
    }
    let log = program.stop();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("refused")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].ends_with("refused: Server Full"), "{log}");
    assert!(lines[1].contains("refused: Server Full; and so 48 others in "), "{log}");
}
