//! Many rooms, and changing between them while everybody talks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use crate::support::{TestClient, TestServer};
use crate::together::at_once;

/// Talks in a room until told to end, and gives back all that it saw there.
fn talk(mut client: TestClient, is_over: &Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    let is_over = Arc::clone(is_over);
    thread::spawn(move || {
        let mut seen = Vec::new();
        let mut number = 0;
        loop {
            // Asked first, so that what happened before the end is seen by the last fence.
            let is_last = is_over.load(Ordering::Acquire);
            // Some at a time, so that there is always something under way.
            let lines: String = (number..number + 50).map(|n| format!("say {n}\n")).collect();
            client.send(&lines);
            number += 50;
            seen.extend(client.lines_until_fence());
            if is_last {
                return seen;
            }
        }
    })
}

/// What somebody of this name was in the room for, visit by visit, as one saw it who was there all
/// the time.
fn visits(seen: &[String], name: &str) -> Vec<Vec<String>> {
    let (entered, left) =
        (format!("{name} has entered the room."), format!("{name} has left the room."));
    let mut visits = Vec::new();
    let mut is_here = false;
    for line in seen {
        if *line == entered {
            is_here = true;
            visits.push(Vec::new());
        } else if *line == left {
            is_here = false;
        } else if is_here {
            visits.last_mut().unwrap().push(line.clone());
        }
    }
    visits
}

#[test]
fn all_of_the_old_room_comes_before_the_new_one_with_traffic_in_both() {
    const MOVES: usize = 200;
    let server = TestServer::start();
    let ann = server.login("ann");
    let mut dee = server.login("dee");
    dee.send("join den\n");
    dee.expect("Join Success");
    let is_over = Arc::new(AtomicBool::new(false));
    let in_main = talk(ann, &is_over);
    let in_den = talk(dee, &is_over);

    let mut mover = server.login("mover");
    let mut stays = Vec::new();
    for number in 0..MOVES {
        // Of some stays not a line is awaited, so that moves follow each other at once.
        let awaited = number % 4;
        let mut stay: Vec<_> = (0..awaited).map(|_| mover.line()).collect();
        mover.send(if number % 2 == 0 { "join DEN\n" } else { "join main\n" });
        stay.extend(mover.lines_until("Join Success"));
        stays.push(stay);
    }
    mover.send("logout\n");
    stays.push(mover.rest().lines().map(str::to_owned).collect());
    is_over.store(true, Ordering::Release);

    let mut main = visits(&in_main.join().unwrap(), "mover").into_iter();
    let mut den = visits(&in_den.join().unwrap(), "mover").into_iter();
    let lines: usize = stays.iter().map(Vec::len).sum();
    assert!(lines >= MOVES, "only {lines} lines came in all stays");
    for (number, stay) in stays.into_iter().enumerate() {
        let room = if number % 2 == 0 { &mut main } else { &mut den };
        assert_eq!(room.next(), Some(stay), "stay {number}");
    }
    assert_eq!((main.next(), den.next()), (None, None));
}

#[test]
fn one_name_for_both_framings_at_the_same_instant() {
    let server = TestServer::start();
    for round in 0..40 {
        let mut clients: Vec<_> = (0..8)
            .map(|number| {
                let address = if number % 2 == 0 { server.address } else { server.classic };
                let mut client = TestClient::connect(address);
                assert!(client.packet().starts_with(b"Connect Success"));
                client
            })
            .collect();
        let answers = at_once(&mut clients, |number, client| {
            // What looks the same is the same: the last is Cyrillic.
            let name =
                ["Cocoa", "cocoa", "COCOA", "\u{441}\u{43e}\u{441}\u{43e}\u{430}"][number / 2];
            client.send(&format!("login {name}\n"));
            String::from_utf8(client.packet()).unwrap().trim_end().to_owned()
        });
        let count = |text| answers.iter().filter(|answer| *answer == text).count();
        assert_eq!((count("Login Success"), count("UserName Exist")), (1, 7), "round {round}");
        // And free again once the last byte was read.
        for mut client in clients {
            client.send("logout\n");
            client.rest();
        }
    }
}

/// The rows of the answer to `rooms`, without what else comes.
fn rooms(client: &mut TestClient) -> Vec<String> {
    client.send("rooms\n");
    client.lines_until("Rooms:");
    let rows = client.lines_until_fence();
    rows.into_iter().filter(|row| !row.ends_with(" has left the room.")).collect()
}

#[test]
fn many_rooms_hear_their_own_and_no_other() {
    const ROOMS: usize = 100;
    const MEMBERS: usize = 5;
    const LINES: usize = 3;
    let server = TestServer::start();
    let mut clients: Vec<Vec<TestClient>> = Vec::new();
    for room in 0..ROOMS {
        let join = |member| server.login(&format!("r{room}m{member}")).join(&format!("r{room}"));
        clients.push((0..MEMBERS).map(join).collect());
    }
    // Those who came later were announced.
    for client in clients.iter_mut().flatten() {
        client.lines_until_fence();
    }
    for line in 0..LINES {
        for client in clients.iter_mut().flatten() {
            client.send(&format!("say {line}\n"));
        }
    }
    let seen: Vec<Vec<Vec<String>>> = clients
        .iter_mut()
        .map(|members| {
            let lines = |client: &mut TestClient| -> Vec<_> {
                (0..MEMBERS * LINES).map(|_| client.line()).collect()
            };
            members.iter_mut().map(lines).collect()
        })
        .collect();
    for (room, members) in seen.iter().enumerate() {
        assert!(members.iter().all(|seen| *seen == members[0]), "one order in room {room}");
        let mut said = members[0].clone();
        said.sort();
        let expected: Vec<_> = (0..MEMBERS)
            .flat_map(|member| (0..LINES).map(move |line| format!("r{room}m{member}: {line}")))
            .collect();
        assert_eq!(said, expected);
    }
    // Nothing else came to anybody.
    for client in clients.iter_mut().flatten() {
        client.expect_nothing_but("all heard");
    }
    let list = rooms(&mut clients[0][0]);
    assert_eq!(list.len(), ROOMS + 1);
    assert_eq!(list[0], "main 0");
    assert!(list[1..].iter().all(|row| row.ends_with(&format!(" {MEMBERS}"))), "{list:?}");
    // A room is there while somebody is in it.
    clients.truncate(1);
    let mut last = clients.remove(0).remove(0);
    while rooms(&mut last) != ["main 0", "r0 1"] {}
}

/// A room that goes makes place for another, unless it has a transcript.
#[test]
fn there_are_no_more_rooms_than_may_be() {
    let folder = TempDir::new().unwrap();
    for data in [None, Some(folder.path().to_owned())] {
        let is_recorded = data.is_some();
        let server = TestServer::with(|config| {
            config.max_rooms = 2;
            config.data = data;
        });
        let mut ann = server.login("ann");
        let mut bob = server.login("bob");
        ann.lines_until("bob has entered the room.");
        bob.send("join den\njoin DEN\nping 1\n");
        assert_eq!(bob.lines_until("pong 1"), ["Join Success", "Join Success"]);
        ann.lines_until("bob has left the room.");
        ann.send("join tea\nsay still here\njoin den\njoin main\nping 2\n");
        let expected = ["Too Many Rooms", "ann: still here", "Join Success", "Join Success"];
        assert_eq!(ann.lines_until("pong 2"), expected);
        bob.send("join main\nping 3\n");
        bob.lines_until("pong 3");
        ann.lines_until("bob has entered the room.");
        ann.send("join tea\n");
        ann.expect(if is_recorded { "Too Many Rooms" } else { "Join Success" });
    }
}

/// A pipe gives all at once and ends. Each room of it is opened, left and recorded.
#[test]
fn two_thousand_joins_through_a_pipe_are_all_answered_in_order() {
    const JOINS: usize = 2000;
    let folder = TempDir::new().unwrap();
    let server = TestServer::with(|config| {
        config.rate = 0;
        config.data = Some(folder.path().to_owned());
    });
    let mut witness = server.login("witness");
    let mut pipe = server.connect();
    let requests: String =
        (0..JOINS).map(|room| format!("join r{}\nping {room}\n", room % 1000)).collect();
    pipe.send(&format!("login ann\n{requests}look\n"));
    pipe.end_input();
    pipe.expect("Login Success");
    for room in 0..JOINS {
        pipe.expect("Join Success");
        pipe.expect(&format!("pong {room}"));
    }
    assert_eq!(pipe.rest(), "Online Users:\nann\n");
    assert_eq!(
        witness.lines_until_fence(),
        ["ann has entered the room.", "ann has left the room."]
    );
}
