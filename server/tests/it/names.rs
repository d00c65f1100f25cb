//! Names that belong to somebody, against those who want them; and the door with a lock.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_server::{Config, secrets};
use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::program::{Program, filter};
use crate::support::{TestClient, TestServer, Until, operators_file};

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
fn server(folder: &TempDir, configure: impl FnOnce(&mut Config)) -> (TestServer, String) {
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
    for name in likenesses {
        eve.send(&format!("login {name}\n"));
        let answer = eve.line();
        // What mixes scripts is no name at all.
        assert!(
            answer == "Password Required" || answer.starts_with("UserName Invalid: "),
            "{name}: {answer}"
        );
    }
    eve.send("login eve\n");
    eve.expect("Login Success");
    for name in likenesses {
        eve.send(&format!("rename {name}\n"));
        let answer = eve.line();
        assert!(
            answer == "Password Required" || answer.starts_with("UserName Invalid: "),
            "{name}: {answer}"
        );
    }
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
    // It is not even asked for, and not checked.
    let begin = Instant::now();
    banned.send(&format!("login alice\nlogin alice wrong\nlogin alice {secret}\n"));
    for _ in 0..3 {
        banned.expect("Banned for 5 minutes");
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}

/// However many come at once, one of them has the name at the end, and each of the others was told.
#[test]
fn of_many_logins_at_once_one_has_the_name() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |_| {});
    let mut bob = server.login("bob");
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(&format!("login alice {secret}\nping\n"));
    }
    let mut left = Vec::new();
    for mut client in clients {
        client.expect("Login Success");
        let mut line = client.line();
        if line == "pong" {
            // Whoever was taken the name from gets the end of the connection now, or never.
            client.stream().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            match client.next_line() {
                None => {
                    left.push(client);
                    continue;
                }
                Some(next) => line = next,
            }
        }
        assert_eq!(line, "Kicked: you came from elsewhere");
    }
    assert_eq!(left.len(), 1);
    bob.send("look\n");
    let lines = bob.lines_until_fence();
    let list = lines.iter().rposition(|line| line == "Online Users:").unwrap();
    assert_eq!(lines[list + 1..], ["bob", "alice"]);
    // The room saw one come for each that went.
    let count = |what: &str| lines.iter().filter(|line| line.ends_with(what)).count();
    assert_eq!((count("has entered the room."), count("has left the room.")), (20, 19));
    left[0].send("say here\n");
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
    assert!(begin.elapsed() < Duration::from_secs(5));
    alice.send("say back\n");
    alice.expect("alice: back");
    assert!(ghost.rest().ends_with("Kicked: you came from elsewhere\n"));
    alice.expect_nothing_but("it still has the name");
    bob.send("msg alice hi\n");
    alice.expect("[from bob] hi");
}

#[test]
fn only_members_come_in() {
    let folder = TempDir::new().unwrap();
    let (server, secret) = server(&folder, |config| config.members_only = true);
    let mut alice = server.connect();
    // Nor does anybody read without a name.
    alice.send("watch\n");
    alice.expect("Unknown command: watch");
    alice.send(&format!("login bob\nlogin bob {secret}\nlogin alice {secret}\nrename bob\n"));
    for line in ["Password Required", "Password Wrong", "Login Success", "Password Required"] {
        alice.expect(line);
    }
    server.login("teacher open");
}

#[test]
fn everybody_else_needs_the_password() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("password");
    // Somebody has made a name's line and cut the name off.
    let line = fs::read_to_string(operators_file(&folder, &[("x", "let us in")])).unwrap();
    fs::write(&path, line.strip_prefix("x:").unwrap()).unwrap();
    let (server, secret) = server(&folder, |config| config.password = Some(path));
    let mut bob = server.connect();
    bob.send("watch\n");
    bob.expect("Unknown command: watch");
    bob.send("login bob\nlogin bob open\nlogin bob let us in\nrename bill\n");
    for line in ["Password Required", "Password Wrong", "Login Success", "Rename Success"] {
        bob.expect(line);
    }
    bob.expect("bob is now known as bill.");
    // It takes nobody's name.
    let mut eve = server.connect();
    eve.send("login bill let us in\nlogin alice let us in\n");
    eve.expect("UserName Exist");
    eve.expect("Password Wrong");
    server.login(&format!("alice {secret}"));
}

/// A client from another address of this machine.
fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

#[test]
fn guessers_hold_up_nobody() {
    let folder = TempDir::new().unwrap();
    // What `hash-password` makes, at its full cost.
    let slow = format!("teacher:{}\n", secrets::hash("open").unwrap());
    let operators = folder.path().join("slow");
    fs::write(&operators, slow).unwrap();
    let (server, secret) = server(&folder, |config| config.operators = Some(operators));
    let mut ann = server.login("ann");
    let mut bob = server.login("bob");
    ann.expect("bob has entered the room.");
    let mut guessers: Vec<_> =
        (0..100).map(|_| connect_from([127, 0, 0, 2], server.address)).collect();
    for guesser in &mut guessers {
        guesser.write_all("login teacher guess\n".repeat(5).as_bytes()).unwrap();
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = Until(&is_over);
        let talk = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                bob.send("say hi\n");
                bob.lines_until("bob: hi");
                ann.lines_until("bob: hi");
                longest = longest.max(begin.elapsed());
            }
            longest
        });
        for name in [format!("alice {secret}"), "carl".to_owned(), "teacher open".to_owned()] {
            let begin = Instant::now();
            let mut client = server.connect();
            client.send(&format!("login {name}\n"));
            client.expect("Login Success");
            let took = begin.elapsed();
            println!("{name} took {took:?}");
            // A second on a machine that does nothing else. All the guesses take half a minute.
            assert!(took < Duration::from_secs(5), "{name} took {took:?}");
        }
        drop(end);
        let longest = talk.join().unwrap();
        assert!(longest < Duration::from_secs(2), "a line took {longest:?}");
        println!("a line took {longest:?} at most");
    });
}

#[test]
fn what_makes_no_sense_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (_, hash) = secrets::make().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let operators = operators.to_str().unwrap();
    let both = path("both", &format!("Teacher:{hash}\n"));
    let empty = path("empty", "\n");
    let plain = path("plain", "let us in\n");
    let users = path("users", &format!("alice:{hash}\n"));
    for (arguments, code, error) in [
        (vec!["--members-only"], 2, "required arguments were not provided"),
        (vec!["--members-only", "--users", &users, "--password", &plain], 2, "cannot be used with"),
        (
            vec!["--users", &both, "--operators", operators],
            3,
            "Teacher is an operator and has a secret",
        ),
        (
            vec!["--users", &empty],
            3,
            "names nobody; `chat-server make-users NAME` makes lines for it",
        ),
        (vec!["--users", &plain], 3, "line 1 is not NAME:HASH"),
        (vec!["--password", &plain], 3, "line 1 has no hash as"),
        (vec!["--password", &empty], 3, "line 1 has to be the only one"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_chat-server"))
            .args(["--listen", "127.0.0.1:0"])
            .args(&arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(error), "{arguments:?}: {errors}");
    }
}

fn make_users(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    filter(&[&["make-users"], arguments].concat(), input)
}

#[test]
fn the_program_makes_users_who_come_in() {
    let folder = TempDir::new().unwrap();
    let (users, sheet) = (folder.path().join("users"), folder.path().join("sheet"));
    let sheet_path = sheet.to_str().unwrap();
    let (code, lines, errors) = make_users(&["--sheet", sheet_path], "ann\n\n Zo\u{e9} \n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let sheet = fs::read_to_string(&sheet).unwrap();
    assert!(sheet.starts_with("ann ") && sheet.lines().count() == 2, "{sheet}");
    fs::write(&users, &lines).unwrap();
    let users_path = users.to_str().unwrap();
    let trace = ["--listen", "127.0.0.1:0", "--trace", "-vv", "--users", users_path];
    let mut program = Program::start(&trace);
    let (address, _) = program.address();
    for line in sheet.lines() {
        let mut client = TestClient::connect(address);
        client.send(&format!("login {line}\nlogout\n"));
        assert!(client.rest().contains("\nLogin Success\n"));
    }
    program.signal(Signal::SIGTERM);
    let log = String::from_utf8(program.output().stderr).unwrap();
    for secret in sheet.lines().map(|line| line.split_once(' ').unwrap().1) {
        assert!(!log.contains(secret) && !lines.contains(secret), "{log}");
    }
    // A sheet is never written over.
    let (code, lines, errors) = make_users(&["--sheet", sheet_path, "bob"], "");
    assert_eq!((code, lines.as_str()), (Some(1), ""));
    assert!(errors.starts_with("chat-server: cannot write "), "{errors}");
    // Without one it comes on stderr.
    let (code, lines, errors) = make_users(&["bob"], "");
    assert_eq!(code, Some(0));
    assert!(lines.starts_with("bob:$blake2b$") && errors.starts_with("bob "), "{lines}{errors}");
    for (arguments, input) in [(vec![], "\n"), (vec![], "a b\n"), (vec!["bob", "B0B"], "")] {
        let (code, lines, errors) = make_users(&arguments, input);
        assert_eq!((code, lines.as_str(), errors.lines().count()), (Some(1), "", 1), "{errors}");
    }
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
