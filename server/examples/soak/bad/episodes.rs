//! What bad clients do: an episode for each kind.

use std::io;
use std::time::{Duration, Instant};

use super::{Client, PATIENCE, REFUSAL, ROOMS};

/// What a bad client does with one connection. An error is that the server ended it.
pub type Episode = fn(&mut Client<'_>) -> io::Result<()>;

/// All episodes, under the name of the kind.
pub const KINDS: &[(&str, Episode)] = &[
    ("flood", flood),
    ("deaf flood", flood_without_reading),
    ("wide flood", flood_with_a_long_name),
    ("stall", stall),
    ("sip", sip),
    ("half-close", half_close),
    ("reset", reset),
    ("garbage", garbage),
    ("slow loris", slow_loris),
    ("squat", squat),
    ("long line", long_line),
    ("vanish", vanish),
    ("storm", connect_storm),
    ("hop", hop),
    ("ask", ask_for_much),
    ("rename", rename),
    ("whisper", whisper),
];

fn flood(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    let text = "x".repeat(client.rng.usize(..200));
    client.spam(connection, &format!("say {text}\n"), true)
}

fn flood_without_reading(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "say can you hear me\nme shouts\n", false)
}

/// The room sees far more bytes than the client sends.
fn flood_with_a_long_name(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    let name = "\u{4e2d}".repeat(32);
    connection.send(format!("login {name}\n").as_bytes())?;
    let total = client.rng.usize(..256 * 1024);
    while connection.sent < total as u64 && !client.is_over() {
        connection.send("me\n".repeat(5000).as_bytes())?;
        connection.drain(Duration::from_millis(20))?;
    }
    client.count(&connection);
    Ok(())
}

/// Takes nothing, and says now and then that it is there.
fn stall(client: &mut Client<'_>) -> io::Result<()> {
    let buffer = client.rng.bool().then_some(1);
    let mut connection = client.login(buffer)?;
    let end = Instant::now() + PATIENCE;
    while !client.is_over() && Instant::now() < end {
        connection.send(b"say I am here\nlook\n")?;
        client.rest(200);
    }
    client.count(&connection);
    Ok(())
}

/// Takes a byte at a time, through the smallest window that there is.
fn sip(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(Some(1))?;
    connection.stream.set_read_timeout(Some(PATIENCE))?;
    for _ in 0..client.rng.usize(..2000) {
        if client.is_over() || connection.take(&mut [0])? == 0 {
            break;
        }
        client.rest(2);
    }
    client.count(&connection);
    Ok(())
}

/// Ends its input and waits for the answers, as pipes do. All of them have to come.
fn half_close(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    let requests = client.rng.usize(1..200);
    connection.send("look\nping again\n".repeat(requests).as_bytes())?;
    connection.send(b"ping the end")?;
    connection.end_input()?;
    let mut answers = Vec::new();
    let mut buffer = vec![0; 65_536];
    connection.stream.set_read_timeout(Some(PATIENCE))?;
    loop {
        match connection.take(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answers.extend_from_slice(&buffer[..count]),
            Err(error) => {
                client.tally.faults.push(format!("no end after the end of input: {error}"));
                return Err(error);
            }
        }
    }
    let answers = String::from_utf8_lossy(&answers);
    if answers == REFUSAL {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let pongs = answers.lines().filter(|line| *line == "pong again").count();
    if pongs != requests || !answers.lines().any(|line| line == "pong the end") {
        client.tally.faults.push(format!("{pongs} answers to {requests} requests"));
    }
    client.count(&connection);
    Ok(())
}

fn reset(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    connection.reset_on_close()?;
    connection.send("say one\n".repeat(client.rng.usize(..2000)).as_bytes())?;
    connection.send(b"say torn")?;
    client.rest(20);
    client.count(&connection);
    Ok(())
}

fn garbage(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection =
        if client.rng.bool() { client.login(None)? } else { client.connect(None)? };
    for _ in 0..client.rng.usize(..50) {
        let bytes: Vec<u8> = (0..client.rng.usize(..5000)).map(|_| client.rng.u8(..)).collect();
        connection.send(&bytes)?;
        connection.drain(Duration::from_millis(1))?;
    }
    client.count(&connection);
    Ok(())
}

/// A byte at a time, and never a login.
fn slow_loris(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    for byte in b"login slowly".iter().cycle() {
        if client.is_over() {
            break;
        }
        connection.send(&[*byte])?;
        client.rest(100);
    }
    client.count(&connection);
    Ok(())
}

/// Stays in the login room as long as it is let: with lines, and with replies that it does not take.
fn squat(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.connect(None)?;
    let lines = if client.rng.bool() { "\n".repeat(60_000) } else { "help\n".repeat(3000) };
    connection.send(lines.as_bytes())?;
    while !client.is_over() {
        connection.send(b"ping\n")?;
        client.rest(100);
    }
    client.count(&connection);
    Ok(())
}

fn long_line(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    let lengths = [4095, 4096, 4097, 10_000, 65_535, 65_536, 1_000_000];
    let length = lengths[client.rng.usize(..lengths.len())];
    connection.send("x".repeat(length).as_bytes())?;
    connection.send(b"\nping 1\n")?;
    connection.drain(Duration::from_millis(10))?;
    client.count(&connection);
    Ok(())
}

fn vanish(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    connection.send(b"say I was about to")?;
    client.count(&connection);
    Ok(())
}

fn connect_storm(client: &mut Client<'_>) -> io::Result<()> {
    let count = client.rng.usize(1..200);
    let connections: io::Result<Vec<_>> = (0..count).map(|_| client.connect(None)).collect();
    drop(connections?);
    client.rest(500);
    Ok(())
}

/// In and out of rooms, without a pause.
fn hop(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    let rooms: String = (0..100)
        .map(|_| format!("join room{}\nsay hello\ntopic tea\n", client.rng.usize(..ROOMS)))
        .collect();
    client.spam(connection, &rooms, true)
}

/// Small requests with large answers.
fn ask_for_much(client: &mut Client<'_>) -> io::Result<()> {
    let mut connection = client.login(None)?;
    for _ in 0..client.rng.usize(..10) {
        connection.send("history 1000000\nlook\nrooms\nhelp\n".repeat(3).as_bytes())?;
        connection.drain(Duration::from_millis(20))?;
    }
    client.count(&connection);
    Ok(())
}

fn rename(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "rename renamed-1\nrename renamed-2\ntopic tea\n", true)
}

/// Private messages without end, to somebody who does not want them.
fn whisper(client: &mut Client<'_>) -> io::Result<()> {
    let connection = client.login(None)?;
    client.spam(connection, "msg honest0 psst, psst, psst, psst, psst\n", true)
}
