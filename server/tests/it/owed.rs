//! Clients who ask for much: whoever takes nothing costs a bounded amount, and whoever takes
//! everything holds up nobody.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::capacity::{resident, resident_at_most};
use crate::program::Program;
use crate::support::{TestClient, TestServer, Until, operators_file};

const ASKERS: usize = 100;
const BACKLOG: usize = 1024 * 1024;
const MOST_OWED: usize = 1024 * 1024;

/// Fills a room with its shortest lines, of which the rows of a history are longest beside them. The
/// client's name has one letter.
fn fill(client: &mut TestClient) {
    let lines = BACKLOG / "w: \n".len();
    let mut stream = client.stream().try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stream.write_all("say\n".repeat(lines).as_bytes()).unwrap());
        for _ in 0..lines {
            client.line();
        }
    });
}

/// A hundred clients have a few bytes of requests each, whose answers would be gigabytes.
#[test]
#[cfg(target_os = "linux")]
fn who_asks_for_everything_and_takes_nothing_costs_no_more_than_the_formula() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--rate", "0", "--couriers", "2"]);
    command.args(["--max-owed", &MOST_OWED.to_string(), "--backlog", &BACKLOG.to_string()]);
    command.env("MALLOC_ARENA_MAX", "2").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let address = program.address().0;
    let login = |name: &str| TestClient::connect(address).log_in(name);
    let mut witness = login("w");
    let mut deaf: Vec<_> = (0..ASKERS).map(|number| login(&format!("deaf{number}"))).collect();
    let before = resident(program.id());
    fill(&mut witness);

    // A history is owed without being made, so requests are read on up to the last.
    for client in &mut deaf {
        client.send(&format!("{}say asked\n", "history 10000\n".repeat(50)));
    }
    let mut asked = 0;
    while asked < ASKERS {
        asked += usize::from(witness.line().ends_with(": asked"));
    }
    // Texts are made at once, and bounded by all together.
    for client in &mut deaf {
        client.send(&"help\nlook\nrooms\n".repeat(100));
    }
    let mut log = BufReader::new(program.stderr()).lines();
    log.find(|line| line.as_ref().unwrap().contains("clients are owed more than 1048576 bytes"));
    for number in 0..100 {
        witness.expect_nothing_but(&number.to_string());
    }

    let most = resident_at_most(program.id());
    // As docs/operating.md has it, without the log and the answers that nobody waits for.
    let bound = (3 * BACKLOG + (ASKERS + 1) * 256 * 1024 + 2 * 128 * 1024 + MOST_OWED) / 1024;
    println!("{before} KiB before, {most} at most, of {}", before + bound);
    assert!(most <= before + bound, "{most} KiB, over {before} and {bound}");

    // A list comes once they have gone.
    witness.send("look\n");
    drop(deaf);
    witness.lines_until("Online Users:");
}

/// Everybody who asks takes what it gets, as fast as it comes, and asks again.
#[test]
fn a_talker_is_heard_beside_those_who_ask_for_everything() {
    const TURNS: u32 = 50;
    let server = TestServer::with(|config| config.rate = 0);
    let mut talker = server.login("w");
    fill(&mut talker);
    let is_over = AtomicBool::new(false);
    let askers: Vec<_> = (0..4).map(|number| server.login(&format!("asker{number}"))).collect();
    talker.lines_until("asker3 has entered the room.");
    let took = thread::scope(|scope| {
        let (asks, asked) = std::sync::mpsc::channel();
        for mut asker in askers {
            let (is_over, asks) = (&is_over, asks.clone());
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    asker.send("history 10000\n");
                    asker.lines_until_fence();
                    let _ = asks.send(());
                }
            });
        }
        let end = Until(&is_over);
        asked.iter().take(4).for_each(drop);
        let mut took: Vec<_> = (0..TURNS)
            .map(|number| {
                let begin = Instant::now();
                talker.send(&format!("say {number}\n"));
                talker.expect(&format!("w: {number}"));
                begin.elapsed()
            })
            .collect();
        drop(end);
        took.sort_unstable();
        took
    });
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!("a line took {median:?} as a rule, {most:?} at most");
    assert!(median < Duration::from_millis(250), "{median:?}");
}

/// However many tiny messages one user sends to somebody who takes none, another one gets through.
#[test]
fn one_user_alone_fills_no_mailbox() {
    let server = TestServer::with(|config| config.rate = 0);
    let mut victim = server.login("victim");
    let mut flooder = server.login("f");
    let mut friend = server.login("friend");
    // So much that the socket takes no more, and messages wait.
    let topic = "x".repeat(4000);
    flooder.send(&format!("topic {topic}\n"));
    friend.lines_until(&format!("f set the topic: {topic}"));
    let mut writer = victim.stream().try_clone().unwrap();
    thread::scope(|scope| {
        let asking = scope.spawn(move || while writer.write_all(b"topic\n").is_ok() {});
        flooder.fill_mailbox("victim", "");
        friend.send("msg victim are you well?\n");
        friend.expect("[to victim] are you well?");
        while victim.line() != "[from friend] are you well?" {}
        victim.stream().shutdown(std::net::Shutdown::Both).unwrap();
        asking.join().unwrap();
    });
}

/// A check of a password takes 19 MiB. The next one takes the same ones, whatever thread makes it.
#[test]
#[cfg(target_os = "linux")]
fn many_checks_of_passwords_take_the_memory_of_one() {
    const GUESSERS: usize = 24;
    let folder = TempDir::new().unwrap();
    let file = operators_file(&folder, &[("teacher", "open")]);
    let path = file.to_str().unwrap();
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--operators", path]);
    let address = program.address().0;
    let before = resident(program.id());
    thread::scope(|scope| {
        for _ in 0..GUESSERS {
            scope.spawn(|| {
                let mut guesser = TestClient::connect(address);
                guesser.send("login teacher guess\n");
                guesser.lines_until("Password Wrong");
            });
        }
    });
    let after = resident(program.id());
    assert!(after < before + 40 * 1024, "{before} KiB before, {after} after");
}
