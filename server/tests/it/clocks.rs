//! A wall clock that is set while the server runs: it changes neither the order of lines nor a span.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::clock::Clock;
use crate::program::Program;
use crate::support::{TestClient, operators_file};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;

/// A server whose clock is this one, with the operator `teacher`, whose password is `open`.
fn start(clock: &Clock, folder: &TempDir) -> (Program, SocketAddr) {
    let operators = operators_file(folder, &[("teacher", "open")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    clock.give_to(&mut command);
    command.args(["--listen", "127.0.0.1:0", "--quiet", "--operators"]).arg(operators);
    command.arg("--data").arg(folder.path().join("data"));
    let mut program = Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::inherit()));
    let address = program.address().0;
    (program, address)
}

/// The rows of a history: each time, and what was said.
fn rows(client: &mut TestClient, request: &str) -> Vec<(String, String)> {
    client.send(&format!("{request}\n"));
    client.lines_until("History:");
    let rows = client.lines_until_fence().into_iter();
    let parts = rows.map(|row| {
        let (time, text) = row.strip_prefix('[').and_then(|row| row.split_once("] ")).unwrap();
        (time.to_owned(), text.to_owned())
    });
    parts.filter(|(_, text)| !text.ends_with("the room.")).collect()
}

/// The texts of rows, whose times must not go back.
#[track_caller]
fn texts(rows: Vec<(String, String)>) -> Vec<String> {
    let (times, texts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    assert!(times.is_sorted(), "{times:?}");
    texts
}

#[test]
fn a_clock_that_is_set_changes_no_order_and_no_place() {
    let (clock, folder) = (Clock::new().unwrap(), TempDir::new().unwrap());
    let (program, address) = start(&clock, &folder);
    let mut ann = TestClient::connect(address).log_in("ann");
    let mut places = Vec::new();
    let jumps = [0, 3 * HOUR, -2 * YEAR, 40 * YEAR, -60 * YEAR, 0, 1, 50 * YEAR, -1];
    let said: Vec<_> = (0..jumps.len() * 3).map(|number| format!("ann: {number}")).collect();
    for (ahead, lines) in jumps.into_iter().zip(said.chunks(3)) {
        clock.set_ahead(ahead).unwrap();
        for line in lines {
            ann.send(&format!("say {}\nsince\n", line.trim_start_matches("ann: ")));
            ann.expect(line);
            places.push(ann.line().strip_prefix("Room Position: ").unwrap().to_owned());
        }
    }
    let check = |address| {
        let mut bob = TestClient::connect(address).log_in("bob");
        assert_eq!(texts(rows(&mut bob, "history 1000")), said);
        for (number, place) in places.iter().enumerate() {
            assert_eq!(texts(rows(&mut bob, &format!("since {place}"))), said[number + 1..]);
        }
    };
    check(address);
    program.signal(Signal::SIGTERM);
    drop(ann);
    assert_eq!(program.output().status.code(), Some(0));
    // The clock of the next start is behind all that is recorded.
    clock.set_ahead(-YEAR).unwrap();
    let (_program, address) = start(&clock, &folder);
    check(address);
}

#[test]
fn mutes_are_spans_and_bans_are_dates() {
    let (clock, folder) = (Clock::new().unwrap(), TempDir::new().unwrap());
    let (_program, address) = start(&clock, &folder);
    let mut bob = TestClient::connect(address).log_in("bob");
    let mut teacher = TestClient::connect(address).log_in("teacher open");
    teacher.send("op open\nmute bob 1000\nban eve 1000\n");
    for reply in ["Operator Success", "Mute Success", "Ban Success"] {
        teacher.expect(reply);
    }
    bob.lines_until("Muted for 1000 minutes");
    let mut eve = TestClient::connect(address);
    eve.expect("Connect Success");
    for (ahead, ban) in
        [(0, Some(1000)), (-3 * HOUR, Some(1180)), (999 * MINUTE, Some(1)), (YEAR, None)]
    {
        clock.set_ahead(ahead).unwrap();
        bob.send("say hi\n");
        // The test takes some of it.
        let muted = number(&bob.line(), "Muted for ");
        assert!((990..=1000).contains(&muted), "{muted} minutes with a clock of {ahead} s");
        let Some(ban) = ban else { continue };
        eve.send("login eve\n");
        let banned = number(&eve.line(), "Banned for ");
        assert!((ban - 10..=ban).contains(&banned), "{banned} minutes, of {ban}");
    }
    // It is later than the date of the ban.
    eve.send("login eve\n");
    eve.expect("Login Success");
}

#[track_caller]
fn number(line: &str, prefix: &str) -> i64 {
    let rest = line.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(" minutes"));
    rest.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
}
