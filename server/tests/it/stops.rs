//! A server that is told to stop: nobody loses what was said before, and nobody can hold it up.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::busy::Others;
use crate::program::{Program, not_run};
use crate::stalls::ask_without_end;
use crate::support::{TestClient, TestServer};

/// Whoever floods or keeps up when the server stops gets one order of whole lines up to the end,
/// and whoever fell behind is told what is missing: counting that, all have the same.
#[test]
fn a_stop_during_a_flood_is_orderly() {
    // A stop counts unless other processes had most of the machine: then a reader gets too little of it to
    // have read all in the seconds that it is given.
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        match stop_during_a_flood() {
            Stop::Orderly => return,
            Stop::Disorderly(why) => panic!("{why}"),
            Stop::OnBusyMachine => {}
        }
    }
    not_run("a stop during a flood: the machine is too busy with other things to tell");
}

/// What became of a stop.
enum Stop {
    Orderly,
    Disorderly(String),
    /// It was not orderly, but other processes had most of the machine.
    OnBusyMachine,
}

fn stop_during_a_flood() -> Stop {
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
        let (begin, others) = (Instant::now(), Others::from_now());
        server.stop();
        let took = begin.elapsed();
        println!("the stop took {took:?}");
        let are_busy = others.are_busy();
        let counts: io::Result<Vec<_>> =
            readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        // Whoever came earlier has seen the others come.
        let after_all_came = |counts: &[u64]| -> HashSet<_> {
            let came = (1..).zip(counts);
            came.map(|(came, count)| count - (FLOODERS - came) as u64).collect()
        };
        let is_in_time = took < Duration::from_secs(6);
        match counts {
            Ok(counts) if is_in_time && after_all_came(&counts).len() == 1 => Stop::Orderly,
            _ if are_busy => Stop::OnBusyMachine,
            counts => Stop::Disorderly(format!("it took {took:?}: {counts:?}")),
        }
    })
}

/// Reads until the server has said goodbye and closed. Gives back how many lines came before that
/// or were missed.
fn count_to_the_end(stream: &TcpStream) -> io::Result<u64> {
    let counted = count(stream);
    // So that the flood ends too.
    let _ = stream.shutdown(Shutdown::Both);
    counted
}

fn count(stream: &TcpStream) -> io::Result<u64> {
    let mut count = 0;
    let mut line = Vec::new();
    let mut reader = BufReader::with_capacity(65536, stream);
    while line != b"Server Shutdown\n" {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line.starts_with(b"user") && line.ends_with(b": flood flood flood\n") {
            count += 1;
            continue;
        }
        // The end without a goodbye has none.
        let text = str::from_utf8(&line).unwrap().strip_suffix('\n');
        let text = text.ok_or(io::ErrorKind::UnexpectedEof)?;
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
    assert_eq!(reader.read(&mut [0])?, 0, "something follows the goodbye");
    Ok(count)
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
        // How late it reads: by then whoever is silent has been closed. It has some seconds after that.
        thread::sleep(Duration::from_millis(700));
        late.expect("talker has entered the room.");
        (0..OWED).for_each(|_| late.expect("talker: this waits in the buffers of the system"));
        late.expect("Server Shutdown");
        late.expect_end();
        // It fails where the connection was reset since, as who sends on is not read for ever.
        let _ = late.stream().shutdown(Shutdown::Both);
        stopped.join().unwrap();
    });
}

/// Sessions do nothing more of what they have read, and nobody's peer decides when the server ends.
#[test]
fn a_stop_does_not_wait_for_what_was_read() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--rate", "0"]);
    let address = program.address().0;
    let flood = "history 100000\nlook\nsay x\n".repeat(100);
    let clients: Vec<_> =
        (0..16).map(|number| TestClient::connect(address).log_in(&format!("u{number}"))).collect();
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| while client.stream().write_all(flood.as_bytes()).is_ok() {});
        }
        // One reads all of it, and never closes.
        let mut stream = clients[0].stream();
        scope.spawn(move || io::copy(&mut stream, &mut io::sink()));
        thread::sleep(Duration::from_millis(500));
        let begin = Instant::now();
        program.stop();
        // Six seconds are promised. On a machine that is busy with other tests it may be more.
        assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
    });
}

#[test]
fn a_stop_does_not_wait_for_requests_that_nobody_answers() {
    let mut server = TestServer::start();
    let (deaf, mut watcher) = ask_without_end(&server);
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| watcher.rest());
        server.stop();
    });
    // Five seconds and a little; the rest is for a busy machine.
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    drop(deaf);
}
