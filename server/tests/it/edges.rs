//! At the edges of what the machine has: idle is idle, who is refused reads why, and who comes or
//! stays against the rules costs nobody else anything.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use socket2::SockRef;
use tempfile::TempDir;

use crate::capacity::ticks;
use crate::program::Program;
use crate::support::{TestClient, TestServer};

/// Processor time that an idle server may take in a second, in ticks of 10 ms.
const IDLE_TICKS: u64 = 10;

/// A server that may open so many files.
fn with_descriptors(most: u32) -> Program {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n $0 && exec \"$@\"", &most.to_string()])
        .args([env!("CARGO_BIN_EXE_chat-server"), "--listen", "127.0.0.1:0"])
        .args(["--classic", "127.0.0.1:0"]);
    Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

#[track_caller]
fn check_idle(program: &Program) {
    let before = ticks(program.id());
    thread::sleep(Duration::from_secs(1));
    let used = ticks(program.id()) - before;
    assert!(used <= IDLE_TICKS, "{used} ticks in a second without work");
}

#[test]
fn a_full_server_is_idle_and_tells_who_comes() {
    let mut program = with_descriptors(48);
    let addresses = [program.address().0, program.address().0];
    let mut clients: Vec<_> = (0..60).map(|n| TestClient::connect(addresses[n % 2])).collect();
    // Until here both have seen everybody.
    for address in addresses {
        let mut last = TestClient::connect(address);
        assert!(last.rest().starts_with("Server Full"));
    }
    check_idle(&program);
    clients[0].expect("Connect Success");
    clients[0].expect_nothing_but("still served");
}

/// `accept` fails then, also when nobody waits.
#[test]
fn a_server_whose_limit_is_lowered_is_idle_and_recovers() {
    let mut program = with_descriptors(64);
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    ann.expect("Connect Success");
    set_limit(&program, 4);
    // One waits now.
    let mut bob = TestClient::connect(address);
    check_idle(&program);
    ann.expect_nothing_but("still served");
    set_limit(&program, 64);
    bob.expect("Connect Success");
    check_idle(&program);
    set_limit(&program, 4);
    check_idle(&program);
}

fn set_limit(program: &Program, descriptors: u32) {
    let status = Command::new("prlimit")
        .args([format!("--pid={}", program.id()), format!("--nofile={descriptors}:64")])
        .status();
    assert!(status.unwrap().success());
}

/// Whoever has left may take its time to close, and takes no place meanwhile.
#[test]
fn leavers_who_stay_take_no_place() {
    let mut program = with_descriptors(64);
    let address = program.address().0;
    let mut leavers = Vec::new();
    for _ in 0..200 {
        let mut leaver = TestClient::connect(address);
        leaver.expect("Connect Success");
        leaver.send("logout\n");
        leaver.expect_end();
        leavers.push(leaver);
    }
}

/// To close while input is unread would reset the connection, and the reason with it.
#[test]
fn whoever_sends_before_it_is_refused_reads_why() {
    let server = TestServer::with(|config| config.max_clients = 1);
    let _ann = server.connect();
    for number in 0..100 {
        let mut eve = TestClient::connect(server.address);
        // It may be refused already, but not reset.
        eve.send(&format!("login eve{number}\nlogout\n"));
        assert_eq!(eve.rest(), "Server Full\n");
    }
}

#[test]
fn nothing_keeps_anybody_in_the_login_room() {
    let server = TestServer::with(|config| {
        config.login_timeout = Duration::from_millis(500);
        config.rate = 20;
    });
    // An hour of lines at the rate.
    let mut hurried = server.connect();
    // They fail where the time was over long before, on a busy machine.
    let _ = hurried.stream().write_all("\n".repeat(60_000).as_bytes());
    let _ = hurried.stream().shutdown(Shutdown::Write);
    assert_eq!(hurried.rest(), "Login Timeout\n");

    // And replies that are not taken.
    let server = TestServer::with(|config| config.login_timeout = Duration::from_millis(500));
    let mut deaf = server.connect();
    let begin = Instant::now();
    let stream = deaf.stream().try_clone().unwrap();
    stream.set_nonblocking(true).unwrap();
    let line = format!("ping {}\n", "x".repeat(4000)).repeat(16);
    let mut sent = 0;
    while begin.elapsed() < Duration::from_millis(500) {
        sent += (&stream).write(line.as_bytes()).unwrap_or(0);
    }
    stream.set_nonblocking(false).unwrap();
    let text = deaf.rest();
    assert!(text.ends_with("Login Timeout\n"), "{} of {sent}", text.len());
}

/// Nor does it help to take one's replies slowly.
#[test]
fn nobody_stays_in_the_login_room_by_reading_slowly() {
    let server = TestServer::with(|config| {
        config.login_timeout = Duration::from_millis(500);
        config.max_clients = 1;
    });
    let slow = TestClient::connect(server.address);
    // More than its socket and the server's hold.
    SockRef::from(slow.stream()).set_recv_buffer_size(4096).unwrap();
    slow.stream().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let request = format!("ping {}\n", "x".repeat(4000));
    while slow.stream().write_all(request.as_bytes()).is_ok() {}
    let begin = Instant::now();
    while TestClient::connect(server.address).line() != "Connect Success" {
        // The stall time-out is a minute.
        assert!(begin.elapsed() < Duration::from_secs(30), "it keeps its place");
    }
}

/// What was read but not said is said at the rate, or not at all.
#[test]
fn a_rate_holds_when_its_client_is_gone() {
    for _ in 0..10 {
        let server = TestServer::with(|config| {
            config.rate = 50;
            config.burst = 5;
        });
        let mut bob = server.login("bob");
        let mut ann = server.connect();
        ann.send("login ann\n");
        ann.expect("Login Success");
        bob.expect("ann has entered the room.");
        // From before the first line on: so a moment without the processor makes none too early.
        let begin = Instant::now();
        ann.send(&"say x\n".repeat(5000));
        bob.expect("ann: x");
        SockRef::from(ann.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(ann);
        let said = bob.lines_until("ann has left the room.").len();
        let most = 10 + (begin.elapsed().as_secs_f64() * 50.0) as usize;
        assert!(said <= most, "{said} lines, when {most} were due");
    }
}

/// Ctrl-S in the server's terminal, or a pipe that nobody empties.
#[test]
fn nobody_waits_for_the_log() {
    let (log, stderr) = std::io::pipe().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command
        .args(["--listen", "127.0.0.1:0", "--trace", "--rate", "0"])
        .stdout(Stdio::piped())
        .stderr(stderr);
    let mut program = Program::spawn(&mut command);
    drop(command);
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    // More than a pipe and the queue hold.
    let text = format!("ping {}\n", "x".repeat(3000)).repeat(10);
    for _ in 0..60 {
        ann.send(&text);
        ann.lines_until_fence();
    }
    ann.send("login ann\nlogout\n");
    assert_eq!(ann.rest(), "Login Success\n");
    let mut again = TestClient::connect(address).log_in("ann");
    // What was dropped is counted, once somebody reads on.
    let mut text = Vec::new();
    let mut log = BufReader::new(log);
    while !text.ends_with(b" lines of the log are missing here, for nobody took them\n") {
        text.clear();
        assert_ne!(log.read_until(b'\n', &mut text).unwrap(), 0);
    }
    // And it is full again when the server stops.
    for _ in 0..60 {
        again.send(&format!("ping {}\n", "x".repeat(3000)).repeat(10));
        again.lines_until_fence();
    }
    let begin = Instant::now();
    program.signal(Signal::SIGTERM);
    again.expect("Server Shutdown");
    drop(again);
    assert_eq!(program.output().status.code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
}

/// As `nohup` starts it, or a shell in the background.
#[test]
fn signals_that_were_ignored_stay_so() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP INT; exec \"$0\" --listen 127.0.0.1:0"]);
    command.arg(env!("CARGO_BIN_EXE_chat-server")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let address = program.address().0;
    program.signal(Signal::SIGHUP);
    program.signal(Signal::SIGINT);
    let mut ann = TestClient::connect(address);
    ann.expect("Connect Success");
    ann.expect_nothing_but("served");
    program.signal(Signal::SIGTERM);
    ann.expect("Server Shutdown");
    drop(ann);
    assert_eq!(program.output().status.code(), Some(0));
}

/// The system sends a signal beside the error.
#[test]
fn a_full_quota_costs_lines_and_not_the_server() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let mut command = Command::new("prlimit");
    command.arg("--fsize=8192").arg(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let mut program = Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut ann = TestClient::connect(program.address().0);
    ann.send("login ann\n");
    ann.lines_until("Login Success");
    for _ in 0..30 {
        ann.send(&format!("say {}\n", "x".repeat(1000)));
    }
    assert_eq!(ann.lines_until_fence().len(), 30);
    program.signal(Signal::SIGTERM);
    ann.expect("Server Shutdown");
    drop(ann);
    let output = program.output();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("cannot be written, the chat goes on without it"), "{log}");
}

#[test]
fn a_byte_order_mark_at_the_beginning_is_no_part_of_a_command() {
    let server = TestServer::start();
    let mut bob = server.connect();
    bob.send("\u{feff}login bob\n\u{feff}say hi\nping\n");
    bob.expect("Login Success");
    // Elsewhere it is a character as any other.
    assert_eq!(bob.lines_until("pong"), ["Unknown command: \u{feff}say"]);
}

#[test]
fn both_wildcards_on_one_port_are_explained() {
    let mut program = Program::start(&["--listen", "[::]:0"]);
    let port = program.address().0.port();
    let output = Program::start(&["--listen", &format!("0.0.0.0:{port}")]).output();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("or [::] alone, which takes IPv4 as well"), "{stderr}");
}
