//! Crowds: ten thousand people who say nothing cost next to nothing, and those who all go to one
//! room cost no more than its readers.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::program::Program;
use crate::support::TestClient;

const CLIENTS: usize = 10_000;
const KIBIBYTES_A_CLIENT: usize = 20;

/// Resident memory of a process, in KiB.
pub fn resident(process: u32) -> usize {
    status(process, "VmRSS:")
}

/// The most that it ever was.
pub fn resident_at_most(process: u32) -> usize {
    status(process, "VmHWM:")
}

fn status(process: u32, key: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Processor time of a process, in ticks of 10 ms: fields 14 and 15 of proc_pid_stat(5).
pub fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}

#[test]
fn ten_thousand_silent_clients_are_cheap() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let needed = CLIENTS as u64 + 500;
    assert!(hard > needed, "this test needs `ulimit -Hn` to be {needed}, and it is {hard}");

    // None of them logs in, however long it takes until all are there.
    let options = ["--listen", "127.0.0.1:0", "--quiet", "--login-timeout", "3600"];
    let mut program = Program::start(&options);
    let address = program.address().0;
    let mut first = TestClient::connect(address);
    first.expect("Connect Success");
    let before = resident(program.id());
    let clients: Vec<_> = (1..CLIENTS)
        .map(|_| {
            let mut client = TcpStream::connect(address).unwrap();
            let mut greeting = [0; "Connect Success\n".len()];
            client.read_exact(&mut greeting).unwrap();
            client
        })
        .collect();

    let each = (resident(program.id()) - before) / CLIENTS;
    println!("{each} KiB resident a client");
    assert!(each < KIBIBYTES_A_CLIENT, "{each} KiB a client");

    // A busy thread would use a hundred ticks in this second. Idle ones use none.
    let before = ticks(program.id());
    let second = Instant::now() + Duration::from_secs(1);
    while let Some(left) = second.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
    let used = ticks(program.id()) - before;
    assert!(used <= 2, "{used} ticks of processor time in a silent second");

    first.expect_nothing_but("still served");
    drop(clients);
    drop(first);
    program.stop();
}

/// A room that nobody is in has much to read, and all go there at once.
#[test]
fn a_crowd_that_opens_a_room_does_not_fill_memory() {
    const CROWD: usize = 100;
    let folder = TempDir::new().unwrap();
    // The shortest lines take the most memory.
    fs::write(folder.path().join("big.log"), "2026-11-22T10:04:05.123Z a: \n".repeat(40_000))
        .unwrap();
    let path = folder.path().to_str().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--quiet", "--data", path]);
    command.env("MALLOC_ARENA_MAX", "2").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let address = program.address().0;
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|number| TestClient::connect(address).log_in(&format!("c{number}")))
        .collect();
    let before = resident(program.id());
    crowd.iter_mut().for_each(|client| client.send("join big\n"));
    for client in &mut crowd {
        client.lines_until("Join Success");
    }
    // As docs/operating.md has it: two rooms of 1 MiB, and the clients.
    let bound = before + 2 * 3 * 1024 + CROWD * 256;
    let most = resident_at_most(program.id());
    println!("{before} KiB before, {most} at most, of {bound}");
    assert!(most <= bound, "{most} KiB, over {bound}");
}
