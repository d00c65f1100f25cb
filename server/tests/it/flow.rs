//! Floods: those who keep up lose nothing, those who do not are told exactly what they lost.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::program::Program;
use crate::stalls::connect_with_buffer;
use crate::support::{TestClient, TestServer};

const LINES: u64 = 300_000;

fn flood(client: &TestClient, lines: u64) {
    let mut stream = client.stream().try_clone().unwrap();
    for first in (0..lines).step_by(1000) {
        let batch: String =
            (first..lines.min(first + 1000)).map(|n| format!("say {n:050}\n")).collect();
        stream.write_all(batch.as_bytes()).unwrap();
    }
}

#[test]
fn a_flood_costs_those_who_keep_up_nothing() {
    let server = TestServer::start();
    let mut reader = server.login("reader");
    let mut flooder = server.login("flooder");
    reader.expect("flooder has entered the room.");
    thread::scope(|scope| {
        let echo = flooder.stream().try_clone().unwrap();
        scope.spawn(|| flood(&flooder, LINES));
        scope.spawn(move || std::io::copy(&mut &echo, &mut std::io::sink()));
        for n in 0..LINES {
            reader.expect(&format!("flooder: {n:050}"));
        }
        reader.expect_nothing_but("done");
        drop(server);
    });
    drop(flooder.packet());
}

#[test]
fn short_requests_with_a_long_name_lose_nothing_either() {
    let server = TestServer::start();
    let name = "王".repeat(32);
    let mut reader = server.login("reader");
    let mut flooder = server.login(&name);
    reader.expect(&format!("{name} has entered the room."));
    thread::scope(|scope| {
        let mut stream = flooder.stream().try_clone().unwrap();
        scope.spawn(move || stream.write_all("say\n".repeat(100_000).as_bytes()).unwrap());
        scope.spawn(|| (0..100_000).for_each(|_| flooder.expect(&format!("{name}: "))));
        (0..100_000).for_each(|_| reader.expect(&format!("{name}: ")));
    });
    reader.expect_nothing_but("done");
}

#[test]
fn who_falls_behind_is_told_exactly_how_many_lines_are_missing() {
    let server = TestServer::start();
    let mut sleeper = server.login("sleeper");
    let mut flooder = server.login("flooder");
    thread::scope(|scope| {
        scope.spawn(|| flood(&flooder, LINES));
        let mut echo = TestReader::new(&flooder);
        echo.read_lines(LINES);
    });
    flooder.send("say the present\nping now\n");
    assert_eq!(flooder.lines_until("pong now"), ["flooder: the present"]);

    sleeper.expect("flooder has entered the room.");
    let (mut next, mut missed) = (0, 0);
    loop {
        let line = sleeper.line();
        if line == "flooder: the present" {
            break;
        } else if let Some(count) = line.strip_prefix("Missed ") {
            missed += count.strip_suffix(" lines").unwrap().parse::<u64>().unwrap();
            next += count.strip_suffix(" lines").unwrap().parse::<u64>().unwrap();
            if next > LINES {
                break;
            }
        } else {
            assert_eq!(line, format!("flooder: {next:050}"));
            next += 1;
        }
    }
    assert!(missed > 0, "nothing was missed, so nothing was shown");
    assert!(next == LINES || next == LINES + 1, "{next} lines are accounted for");
    sleeper.expect_nothing_but("caught up");
}

/// Who takes far more than the promised 128 KiB in half a second keeps up, and loses no
/// line of a flood: the flood waits for it. What the system holds for it must not hide that.
#[test]
fn who_takes_a_megabyte_a_second_loses_nothing() {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        if let Pace::Kept { missed } = take_a_megabyte_a_second() {
            return assert!(!missed, "lines were missed");
        }
    }
    panic!("this machine is too busy to tell");
}

/// Whether a client that is to take a megabyte a second did so, and what it got then.
enum Pace {
    Kept {
        missed: bool,
    },
    /// The machine gave it no processor for so long that it took less.
    NotKept,
}

fn take_a_megabyte_a_second() -> Pace {
    const PAUSE: Duration = Duration::from_millis(50);
    // Bytes of lines: twice what the system may hold for one connection.
    const LINES: u64 = 160_000;
    let server = TestServer::with(|config| config.backlog = 256 * 1024);
    let steady = connect_with_buffer(&server, 128 * 1024);
    (&steady).write_all(b"login steady\n").unwrap();
    let mut flooder = server.connect();
    let mut greeting = vec![0; b"Connect Success\nLogin Success\n".len()];
    (&steady).read_exact(&mut greeting).unwrap();
    flooder.send("login flooder\n");
    thread::scope(|scope| {
        let mut echo = flooder.stream().try_clone().unwrap();
        scope.spawn(move || std::io::copy(&mut echo, &mut std::io::sink()));
        scope.spawn(|| {
            flood(&flooder, LINES);
            // Nobody is left to hear it then, or it is the last line that is heard.
            let _ = flooder.stream().write_all(b"logout\n");
        });
        let mut taken = Vec::new();
        let mut block = vec![0; 64 * 1024];
        let (mut missed, mut kept) = (false, true);
        while !missed && !taken.ends_with(b"flooder has left the room.\n") {
            let length = (&steady).read(&mut block).unwrap();
            assert_ne!(length, 0, "it was closed");
            taken.extend_from_slice(&block[..length]);
            let recent = &taken[taken.len().saturating_sub(length + 64)..];
            missed = String::from_utf8_lossy(recent).contains("\nMissed ");
            let pause = PAUSE.mul_f64(length as f64 / block.len() as f64);
            let begin = Instant::now();
            // The pace is what is tested; nothing waits for it.
            thread::sleep(pause);
            kept &= begin.elapsed() < pause + PAUSE;
        }
        if !missed {
            let text = String::from_utf8(taken).unwrap();
            let heard = text.lines().filter(|line| line.starts_with("flooder: ")).count();
            assert_eq!(heard as u64, LINES);
        }
        // So that a flood which nobody takes any more ends.
        let _ = flooder.stream().shutdown(Shutdown::Both);
        drop(server);
        if kept || !missed { Pace::Kept { missed } } else { Pace::NotKept }
    })
}

/// Reads on a second handle of a client's socket.
struct TestReader(BufReader<TcpStream>);

impl TestReader {
    fn new(client: &TestClient) -> Self {
        Self(BufReader::new(client.stream().try_clone().unwrap()))
    }

    fn read_lines(&mut self, count: u64) {
        for n in 0..count {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            assert_eq!(line, format!("flooder: {n:050}\n"));
        }
        assert!(self.0.buffer().is_empty());
    }
}

#[test]
fn who_takes_nothing_is_closed() {
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_millis(400));
    let mut stalled = server.login("stalled");
    let flooder = server.login("flooder");
    let mut watcher = server.login("watcher");
    thread::scope(|scope| {
        let echo = flooder.stream().try_clone().unwrap();
        scope.spawn(move || std::io::copy(&mut &echo, &mut std::io::sink()));
        scope.spawn(|| flood(&flooder, 150_000));
        // In whatever order these come. The flood ends first, for it fails where nobody listens.
        let mut awaited =
            vec!["stalled has left the room.".to_owned(), format!("flooder: {:050}", 149_999)];
        while !awaited.is_empty() {
            let line = watcher.line();
            awaited.retain(|awaited| *awaited != line);
        }
        drop(server);
    });
    // What had been sent is still there, then the connection ends.
    assert!(stalled.line().starts_with("flooder "));
}

/// Clients that read nothing, one that floods, and one that reads: the server's memory stays
/// under what `docs/operating.md` gives as its bound.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_during_a_flood() {
    const BACKLOG: usize = 262_144;
    const STALLED: usize = 20;
    const COURIERS: usize = 2;
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--rate",
        "0",
        "--quiet",
        "--couriers",
        &COURIERS.to_string(),
        "--backlog",
        &BACKLOG.to_string(),
    ]);
    let address = program.address().0;
    let login = |name: &str| {
        let mut client = TestClient::connect(address);
        client.expect("Connect Success");
        client.send(&format!("login {name}\n"));
        client.expect("Login Success");
        client
    };
    let stalled: Vec<_> = (0..STALLED).map(|n| login(&format!("stalled{n}"))).collect();
    let flooder = login("flooder");
    let before = resident(program.id());
    thread::scope(|scope| {
        scope.spawn(|| flood(&flooder, LINES));
        TestReader::new(&flooder).read_lines(LINES);
    });
    let grown = resident(program.id()).saturating_sub(before) * 1024;
    let bound = 3 * BACKLOG + (STALLED + 1) * 256 * 1024 + COURIERS * 128 * 1024;
    assert!(grown < bound, "grown by {grown} bytes, bound {bound}");
    drop((stalled, flooder));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.output().status.code(), Some(0));
}

/// The shortest requests under the longest names: what the room is told of one read is many
/// times as long, and no client keeps that much memory for it.
#[test]
#[cfg(target_os = "linux")]
fn long_names_do_not_multiply_memory() {
    const CLIENTS: u32 = 20;
    let arguments = ["--listen", "127.0.0.1:0", "--rate", "0", "--quiet", "--backlog", "262144"];
    let mut program = Program::start(&arguments);
    let address = program.address().0;
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = TestClient::connect(address);
            client.expect("Connect Success");
            // Of the longest names that there are, no two alike.
            let name = format!("{number:032b}").replace('0', "\u{4e2d}").replace('1', "\u{56fd}");
            client.send(&format!("login {name}\n"));
            client.expect("Login Success");
            client
        })
        .collect();
    let before = resident(program.id());
    for client in &mut clients {
        client.send(&"me\n".repeat(5000));
        client.skip_to_fence();
    }
    let grown = resident(program.id()).saturating_sub(before);
    let bound = 4 * 1024 + CLIENTS as usize * 128;
    assert!(grown < bound, "grown by {grown} KiB, bound {bound}");
    drop(clients);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.output().status.code(), Some(0));
}

#[cfg(target_os = "linux")]
fn resident(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Whoever floods or keeps up when the server stops gets one order of whole lines up to the end,
/// and whoever fell behind is told what is missing: counting that, all have the same.
#[test]
fn a_stop_during_a_flood_is_orderly() {
    const FLOODERS: usize = 100;
    let mut server = TestServer::start();
    let clients: Vec<_> = (0..FLOODERS).map(|n| server.login(&format!("user{n}"))).collect();
    thread::scope(|scope| {
        let readers: Vec<_> = clients
            .iter()
            .map(|client| {
                let mut stream = client.stream().try_clone().unwrap();
                // It fails once the server has closed, which is how it ends.
                scope.spawn(move || while stream.write_all(b"say flood flood flood\n").is_ok() {});
                scope.spawn(|| count_to_the_end(client.stream()))
            })
            .collect();
        // Somebody who came later has heard much of it, so the flood is under way.
        let mut watcher = server.connect();
        watcher.send("login watcher\n");
        watcher.expect("Login Success");
        (0..5000).for_each(|_| drop(watcher.line()));
        drop(watcher);
        let begin = Instant::now();
        server.stop();
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(6), "{took:?}");
        let counts: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        // Whoever came earlier has seen the others come.
        let after_all_came =
            (1..).zip(&counts).map(|(came, count)| count - (FLOODERS - came) as u64);
        let all: HashSet<_> = after_all_came.collect();
        assert_eq!(all.len(), 1, "{counts:?}");
    });
}

/// Reads until the server has said goodbye and closed. Gives back how many lines came before that
/// or were missed.
fn count_to_the_end(stream: &TcpStream) -> u64 {
    let mut count = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::with_capacity(65536, stream);
    while line != b"Server Shutdown\n" {
        line.clear();
        reader.read_until(b'\n', &mut line).unwrap();
        if line.starts_with(b"user") && line.ends_with(b": flood flood flood\n") {
            count += 1;
            continue;
        }
        let text = str::from_utf8(&line).unwrap().strip_suffix('\n').expect("no goodbye");
        let missed = text.strip_prefix("Missed ").and_then(|rest| rest.strip_suffix(" lines"));
        if let Some(missed) = missed {
            count += missed.parse::<u64>().unwrap();
        } else if text.ends_with(" the room.") {
            assert!(text.starts_with("user") || text.starts_with("watcher "), "{text:?}");
            count += 1;
        } else {
            assert_eq!(text, "Server Shutdown");
        }
    }
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "something follows the goodbye");
    // So that the flood ends too.
    let _ = stream.shutdown(Shutdown::Both);
    count
}

/// Closing a socket that has unread input resets the connection, which destroys what is still
/// under way. So whoever goes on sending is read until it has read its goodbye.
#[test]
fn who_reads_late_and_sends_on_gets_everything_at_a_stop() {
    const OWED: usize = 20_000;
    let mut server = TestServer::start();
    let mut late = server.login("late");
    let mut talker = server.login("talker");
    talker.send(&"say this waits in the buffers of the system\n".repeat(OWED));
    talker.lines_until_fence();
    thread::scope(|scope| {
        let mut stream = late.stream().try_clone().unwrap();
        // Lines that nothing answers. It ends when the connection does.
        scope.spawn(move || while stream.write_all(b"\n").is_ok() {});
        let stopped = scope.spawn(move || server.stop());
        // Its goodbye is what the server waits for no longer than it has to.
        talker.rest();
        // How late it reads: by then whoever is silent has been closed.
        thread::sleep(Duration::from_millis(700));
        late.expect("talker has entered the room.");
        (0..OWED).for_each(|_| late.expect("talker: this waits in the buffers of the system"));
        late.expect("Server Shutdown");
        late.expect_end();
        late.stream().shutdown(Shutdown::Both).unwrap();
        stopped.join().unwrap();
    });
}
