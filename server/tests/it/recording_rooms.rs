//! Recorded rooms that open and close while others do, too.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::recording::{server, transcript};
use crate::support::TestServer;

#[test]
fn a_room_that_comes_back_at_once_has_all_of_its_history() {
    let folder = TempDir::new().unwrap();
    let server = server(folder.path());
    let mut ann = server.login("ann");
    for round in 0..50 {
        ann.send(&format!("join den\nsay {round}\njoin main\njoin den\nhistory 2\njoin main\n"));
        let lines = ann.lines_until_fence();
        let position = lines.iter().position(|line| line == "History:").unwrap();
        assert!(lines[position + 1].ends_with("ann has left the room."), "{lines:?}");
        assert!(lines[position + 2].ends_with("ann has entered the room."), "{lines:?}");
    }
}

/// Others hop from room to room without end, and each hop closes a room.
#[test]
fn a_room_with_much_to_read_opens_while_others_close() {
    const HOPPERS: usize = 4;
    let folder = TempDir::new().unwrap();
    let line = "2026-11-22T10:04:05.123Z ann: what was said in the room long ago\n";
    fs::write(folder.path().join("big.log"), line.repeat(15_000)).unwrap();
    let server = server(folder.path());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for hopper in 0..HOPPERS {
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || {
                let mut client = server.login(&format!("hopper{hopper}"));
                while !is_over.load(Ordering::Relaxed) {
                    client.send(&format!("join here{hopper}\njoin there{hopper}\n"));
                    client.lines_until_fence();
                }
            });
        }
        let mut bob = server.login("bob");
        bob.send("join big\nping 1\n");
        // Not a panic yet, for the others have to be told to end.
        let mut answers = Vec::new();
        while answers.last().is_none_or(|last| last != "pong 1") {
            match bob.next_line() {
                Some(line) => answers.push(line),
                None => break,
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(answers.contains(&"Join Success".to_owned()), "{answers:?}");
    });
}

/// What looks the same is one room, however many files somebody has made of it.
#[test]
fn of_two_files_of_one_room_always_the_same_is_used() {
    let folder = TempDir::new().unwrap();
    let names = ["den", "DEN", "Den"];
    for name in names {
        fs::write(folder.path().join(format!("{name}.log")), "").unwrap();
    }
    for _ in 0..5 {
        let server = server(folder.path());
        let mut ann = server.login("ann");
        ann.send("join den\nsay hi\n");
        ann.lines_until("ann: hi");
        drop(ann);
        drop(server);
    }
    let said = names.map(|name| {
        let lines = transcript(&folder.path().join(format!("{name}.log")));
        lines.iter().filter(|line| *line == "ann: hi").count()
    });
    assert_eq!(said, [0, 5, 0], "the first by its characters");
}

/// While some read what a room has from earlier, others are in it already and speak.
#[test]
fn a_room_that_many_open_at_once_loses_nothing() {
    const CLIENTS: usize = 6;
    const ROUNDS: usize = 10;
    let folder = TempDir::new().unwrap();
    let mut server = server(folder.path());
    let said = "say something that takes some time to write\n".repeat(40);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, said) = (&server, &said);
            scope.spawn(move || {
                let mut client = server.login(&format!("c{number}"));
                for _ in 0..ROUNDS {
                    client.send(&format!("join den\n{said}join main\n"));
                    client.lines_until_fence();
                }
            });
        }
    });
    server.stop();
    let lines = transcript(&folder.path().join("den.log"));
    assert_eq!(lines.len(), CLIENTS * ROUNDS * 42);
}

/// The last line of a room is recorded before the room is closed: or else its transcript is opened
/// again for that line, and stays open.
#[test]
#[cfg(target_os = "linux")]
fn a_room_that_was_left_takes_no_descriptor() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::with(|config| config.data = Some(folder.path().to_owned()));
    let mut ann = server.login("ann");
    for room in 0..20 {
        ann.send(&format!("join room{room}\nsay hi\n"));
        ann.expect("Join Success");
        ann.expect("ann: hi");
    }
    // A room is opened once the recorder has done all that came before.
    ann.send("join main\njoin fence\n");
    ann.expect("Join Success");
    ann.expect("Join Success");
    let open: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|file| file.starts_with(folder.path()))
        .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("room"))
        .collect();
    assert!(open.is_empty(), "{open:?}");
}
