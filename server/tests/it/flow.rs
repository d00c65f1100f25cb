//! Floods: those who keep up lose nothing, those who do not are told exactly what they lost.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::stalls::connect_with_buffer;
use crate::support::{TestClient, TestServer};

pub const LINES: u64 = 300_000;

/// Says so many lines.
pub fn flood(client: &TestClient, lines: u64) {
    try_flood(client, lines).unwrap();
}

/// The same, to a server that may close.
fn try_flood(client: &TestClient, lines: u64) -> io::Result<()> {
    for first in (0..lines).step_by(1000) {
        let batch: String =
            (first..lines.min(first + 1000)).map(|n| format!("say {n:050}\n")).collect();
        client.stream().write_all(batch.as_bytes())?;
    }
    Ok(())
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
        scope.spawn(move || io::copy(&mut &echo, &mut io::sink()));
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
    // One that does not count ends with the first line that is missed, and so soon.
    const TRIES: usize = 30;
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
    /// The machine gave it no processor, or the server none, for so long that it took less.
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
        scope.spawn(move || io::copy(&mut echo, &mut io::sink()));
        scope.spawn(|| {
            // Nobody is left to hear it all, or this is the last that is heard.
            let flooded = try_flood(&flooder, LINES);
            flooded.and_then(|()| flooder.stream().write_all(b"logout\n"))
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
pub struct TestReader(BufReader<TcpStream>);

impl TestReader {
    pub fn new(client: &TestClient) -> Self {
        Self(BufReader::new(client.stream().try_clone().unwrap()))
    }

    pub fn read_lines(&mut self, count: u64) {
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
    // So long that nobody else seems to take nothing only because the machine is busy.
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_secs(2));
    let mut stalled = server.login("stalled");
    let flooder = server.login("flooder");
    let mut watcher = server.login("watcher");
    thread::scope(|scope| {
        let echo = flooder.stream().try_clone().unwrap();
        scope.spawn(move || io::copy(&mut &echo, &mut io::sink()));
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
