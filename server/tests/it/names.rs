//! Names that belong to somebody, against those who want them; and the door with a lock.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chat_server::{Config, secrets};
use tempfile::TempDir;

use crate::support::{TestClient, TestServer, operators_file};

/// A file of users, each with a made secret, which are given back.
pub fn users_file<const N: usize>(folder: &TempDir, names: [&str; N]) -> (PathBuf, [String; N]) {
    let path = folder.path().join("users");
    let mut lines = String::new();
    let secrets = names.map(|name| {
        let (secret, hash) = secrets::make().unwrap();
        lines += &format!("{name}:{hash}\n");
        secret
    });
    fs::write(&path, lines).unwrap();
    (path, secrets)
}

/// A server with the operator `teacher`, whose password is `open`, and the user `alice`, whose secret is
/// given back.
pub fn server(folder: &TempDir, configure: impl FnOnce(&mut Config)) -> (TestServer, String) {
    let (users, [secret]) = users_file(folder, ["alice"]);
    let operators = operators_file(folder, &[("teacher", "open")]);
    let server = TestServer::with(|config| {
        config.users = Some(users);
        config.operators = Some(operators);
        configure(config);
    });
    (server, secret)
}

#[test]
fn no_way_of_writing_a_name_gets_round_its_secret() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |_| {});
    let mut eve = server.connect();
    let likenesses =
        ["alice", "ALICE", "aIice", "a1ice", "\u{ff41}lice", "\u{430}lice", "al\u{131}ce"];
    let refused = |eve: &mut TestClient, word: &str| {
        for name in likenesses {
            eve.send(&format!("{word} {name}\n"));
            let answer = eve.line();
            // What mixes scripts is no name at all.
            assert!(
                answer == "Password Required" || answer.starts_with("UserName Invalid: "),
                "{name}: {answer}"
            );
        }
    };
    refused(&mut eve, "login");
    eve.send("login eve\n");
    eve.expect("Login Success");
    refused(&mut eve, "rename");
    // The owner writes it as he likes, and types the secret as it is easy.
    let sloppy = secret.to_uppercase().replace('-', " ");
    server.login(&format!("A1ice {sloppy}"));
}

#[test]
fn a_mute_stays_with_the_name_and_a_ban_beats_the_secret() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |_| {});
    let mut teacher = server.login("teacher open");
    teacher.send("op open\n");
    teacher.expect("Operator Success");
    let mut alice = server.login(&format!("alice {secret}"));
    teacher.expect("alice has entered the room.");
    teacher.send("mute alice 5\n");
    teacher.expect("Mute Success");
    alice.expect("Muted for 5 minutes");
    let mut again = server.login(&format!("ALICE {secret}"));
    assert_eq!(alice.rest(), "Kicked: you came from elsewhere\n");
    again.send("say hi\nrename bob\n");
    again.expect("Muted for 5 minutes");
    again.expect("Muted for 5 minutes");
    teacher.send("ban alice 5\n");
    assert_eq!(again.rest(), "Banned for 5 minutes\n");
    let mut banned = server.connect();
    // It is not even asked for, and not checked: each of the wrong ones would cost two seconds.
    const WRONG: usize = 30;
    let begin = Instant::now();
    let wrong = "login alice wrong\n".repeat(WRONG);
    banned.send(&format!("login alice\n{wrong}login alice {secret}\n"));
    for _ in 0..WRONG + 2 {
        banned.expect("Banned for 5 minutes");
    }
    assert!(begin.elapsed() < Duration::from_secs(30));
}

/// However many come at once, one of them has the name at the end, and each of the others was told.
#[test]
fn of_many_logins_at_once_one_has_the_name() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |_| {});
    let mut bob = server.login("bob");
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(&format!("login alice {secret}\n"));
    }
    // The room sees one come for each that goes, and one that stays. Then all is decided.
    for number in 0..20 + 19 {
        let does = if number % 2 == 0 { "entered" } else { "left" };
        bob.expect(&format!("alice has {does} the room."));
    }
    let mut stays = Vec::new();
    for mut client in clients {
        client.expect("Login Success");
        // It fails where the server has closed the connection already.
        let _ = client.stream().write_all(b"ping\n");
        match client.line().as_str() {
            "pong" => stays.push(client),
            line => assert_eq!(line, "Kicked: you came from elsewhere"),
        }
    }
    assert_eq!(stays.len(), 1);
    bob.send("look\n");
    assert_eq!(bob.lines_until_fence(), ["Online Users:", "bob", "alice"]);
    stays[0].send("say here\n");
    bob.expect("alice: here");
}

/// Two who take each other's names do not wait for each other.
#[test]
fn names_can_be_swapped_by_force() {
    let folder = TempDir::new().unwrap();
    let (users, [ann_secret, bob_secret]) = users_file(&folder, ["ann", "bob"]);
    let server = TestServer::with(|config| config.users = Some(users));
    for _ in 0..10 {
        let mut ann = server.login(&format!("ann {ann_secret}"));
        let mut bob = server.login(&format!("bob {bob_secret}"));
        ann.send(&format!("rename bob {bob_secret}\n"));
        bob.send(&format!("rename ann {ann_secret}\n"));
        ann.end_input();
        bob.end_input();
        let told = [ann.rest(), bob.rest()].concat();
        assert!(told.contains("Kicked: you came from elsewhere\n"), "{told}");
    }
}

/// A laptop that slept takes nothing, and its connection is not known to be dead for long.
#[test]
fn a_ghost_holds_no_name() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |_| {});
    let mut ghost = server.login(&format!("alice {secret}"));
    let mut bob = server.login("bob");
    // It reads nothing, so what it is owed stays.
    ghost.send("join den\n");
    let line = format!("msg alice {}\n", "x".repeat(4000));
    for _ in 0..2000 {
        bob.send(&line);
        if bob.lines_until_fence().iter().any(|line| line.starts_with("Mailbox Full")) {
            break;
        }
    }
    let begin = Instant::now();
    let mut alice = server.login(&format!("alice {secret}"));
    // What takes nothing would be closed after a minute.
    assert!(begin.elapsed() < Duration::from_secs(30));
    alice.send("say back\n");
    alice.expect("alice: back");
    assert!(ghost.rest().ends_with("Kicked: you came from elsewhere\n"));
    alice.expect_nothing_but("it still has the name");
    bob.send("msg alice hi\n");
    alice.expect("[from bob] hi");
}

#[test]
fn operators_see_who_is_connected() {
    let folder = TempDir::new().unwrap();
    let (server, _) = server(&folder, |_| {});
    let mut teacher = server.login("teacher open");
    let mut bob = server.connect_web();
    bob.expect("Connect Success");
    bob.send("login bob\njoin den\n");
    bob.expect("Login Success");
    bob.expect("Join Success");
    let stranger = server.connect();
    let mut watcher = server.connect();
    watcher.send("watch den\n");
    watcher.expect("Watch Success");
    teacher.send("op open\nwho\n");
    teacher.lines_until("Operator Success");
    let rows = teacher.lines_until_fence();
    assert_eq!(rows[0], "Online Connections:");
    let row = |row: &str| {
        let row = protocol::rows::WhoRow::parse(row).unwrap();
        let since: jiff::Timestamp = row.since.parse().unwrap();
        let age = jiff::Timestamp::now().duration_since(since).as_secs();
        assert!((0..60).contains(&age) && row.idle < 60, "{row:?}");
        let own = |name: Option<&str>| name.unwrap_or("nobody").to_owned();
        (own(row.name), own(row.room), row.address.to_owned(), row.carrier.to_owned())
    };
    let words = |name: &str, room: &str, address: SocketAddr, carrier: &str| {
        (name.to_owned(), room.to_owned(), address.to_string(), carrier.to_owned())
    };
    let address = |client: &TestClient| client.stream().local_addr().unwrap();
    assert_eq!(
        rows[1..].iter().map(|it| row(it)).collect::<Vec<_>>(),
        [
            words("teacher", "main", address(&teacher), "tcp"),
            words("bob", "den", address(&bob), "web"),
            words("nobody", "nobody", address(&stranger), "tcp"),
            words("nobody", "den", address(&watcher), "tcp"),
        ]
    );
}
