//! Servers that are not open to everybody, and those who try to get in by guessing.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_server::secrets;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::names::server;
use crate::support::{Until, operators_file};

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
