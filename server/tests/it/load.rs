//! The bench in small: its loads lose no line and swap none, and its checks would notice.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{self, Command};
use std::thread;

use anyhow::Result;
use tempfile::TempDir;

use crate::generator::crowd::{Crowd, Shape};
use crate::generator::dialect::Dialect;
use crate::generator::link::Credentials;
use crate::generator::load::{self, Cost, Pace};
use crate::generator::mark::Mark;
use crate::generator::process::Process;
use crate::generator::relay::Relay;
use crate::generator::transcript::Transcript;
use crate::program::outside_of_cargo;

const ONE_ROOM: Shape = Shape { clients: 50, room_size: 50 };
const FIVE_ROOMS: Shape = Shape { clients: 50, room_size: 10 };

fn server() -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(["--listen", "127.0.0.1:0", "--rate", "0", "--quiet"]);
    Process::start(command).unwrap()
}

fn simplest_server() -> Process {
    let binaries = Path::new(env!("CARGO_BIN_EXE_chat-server")).parent().unwrap();
    let profile = if binaries.ends_with("release") { "release" } else { "dev" };
    let simple = binaries.join("examples/simple");
    // Cargo does not build an example for a test that is asked for alone.
    let changed = |file: &Path| file.metadata().and_then(|metadata| metadata.modified()).ok();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/simple.rs");
    if changed(&simple) < changed(Path::new(source)) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "chat-server", "--example", "simple"]);
        cargo.args(["--profile", profile]);
        assert!(outside_of_cargo(&mut cargo).status().unwrap().success());
    }
    let mut command = Command::new(simple);
    command.args(["--listen", "127.0.0.1:0"]);
    Process::start(command).unwrap()
}

#[track_caller]
fn check(process: &Process, crowd: &mut Crowd, pace: Pace, lines: u64) -> Cost {
    let cost = load::run(process, crowd, pace, lines).unwrap();
    assert_eq!(cost.lines, lines);
    let listeners = crowd.readers() / crowd.shape().rooms();
    assert_eq!(cost.deliveries, lines * listeners as u64);
    cost
}

#[test]
fn everyone_gets_every_line_in_order_at_every_pace() {
    let server = server();
    let (mut crowd, entry) = Crowd::enter(server.address, Dialect::Chat, ONE_ROOM).unwrap();
    assert_eq!(entry.lines, 50 * 49 / 2);
    assert_eq!(entry.latency.len(), 50);

    check(&server, &mut crowd, Pace::Saturated, 20_000);
    check(&server, &mut crowd, Pace::InFlight(1), 50);
    check(&server, &mut crowd, Pace::InFlight(10), 500);
    let cost = check(&server, &mut crowd, Pace::Steady(500.0), 100);
    assert_eq!(cost.latency.unwrap().len(), 100 * 50);
    assert!(!cost.processor.is_zero());
}

#[test]
fn browsers_get_every_line_too() {
    for shape in [ONE_ROOM, FIVE_ROOMS] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        let local = "127.0.0.1:0";
        command.args(["--listen", local, "--web", local, "--rate", "0", "--quiet"]);
        let server = Process::start_web(command).unwrap();
        let (mut crowd, _) = Crowd::enter(server.address, Dialect::Web, shape).unwrap();
        check(&server, &mut crowd, Pace::Saturated, 20_000);
        check(&server, &mut crowd, Pace::InFlight(1), 50);
    }
}

/// The flood of TLS in a test, too: every line of it, in order, in one room and in several.
#[test]
fn those_with_tls_get_every_line_too() {
    let folder = TempDir::new().unwrap();
    let credentials = Credentials::make(folder.path()).unwrap();
    for shape in [ONE_ROOM, FIVE_ROOMS] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        let local = "127.0.0.1:0";
        command.args(["--listen", local, "--tls", local, "--rate", "0", "--quiet"]);
        command.arg("--certificate").arg(&credentials.certificate);
        command.arg("--key").arg(&credentials.key);
        let server = Process::start_tls(command).unwrap();
        let tls = Some(credentials.client().unwrap());
        let (mut crowd, _) = Crowd::enter_with(server.address, Dialect::Chat, shape, tls).unwrap();
        check(&server, &mut crowd, Pace::Saturated, 20_000);
        check(&server, &mut crowd, Pace::InFlight(1), 50);
    }
}

#[test]
fn every_room_gets_its_own_lines_only() {
    let server = server();
    let (mut crowd, _) = Crowd::enter(server.address, Dialect::Chat, FIVE_ROOMS).unwrap();
    check(&server, &mut crowd, Pace::Saturated, 5_000);
    check(&server, &mut crowd, Pace::InFlight(1), 100);
}

#[test]
fn those_who_read_lose_nothing_to_those_who_do_not() {
    let server = server();
    let (mut crowd, _) = Crowd::enter(server.address, Dialect::Chat, ONE_ROOM).unwrap();
    crowd.stall_a_tenth().unwrap();
    assert_eq!(crowd.readers(), 45);
    // More than the buffers of those who stall, in parts that fit into the server's log.
    for _ in 0..13 {
        check(&server, &mut crowd, Pace::Saturated, 8_000);
    }
}

#[test]
fn relays_for_comparison_carry_the_same_load() {
    let folder = TempDir::new().unwrap();
    let credentials = Credentials::make(folder.path()).unwrap();
    for relay in [Relay::LineByLine, Relay::Coalesced, Relay::Tls] {
        let is_tls = relay == Relay::Tls;
        let near = is_tls.then(|| credentials.server().unwrap());
        let far = is_tls.then(|| credentials.client().unwrap());
        for shape in [ONE_ROOM, FIVE_ROOMS] {
            let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            let process = Process::running(listener.local_addr().unwrap(), process::id()).unwrap();
            thread::scope(|scope| {
                // It ends when its clients go, by whatever error that gives.
                let near = near.as_ref();
                scope.spawn(move || relay.run(&listener, shape.clients, shape.room_size, near));
                let far = far.clone();
                let (mut crowd, _) =
                    Crowd::enter_with(process.address, Dialect::Bare, shape, far).unwrap();
                check(&process, &mut crowd, Pace::InFlight(1), 50);
                check(&process, &mut crowd, Pace::Saturated, 1_000);
            });
        }
    }
}

#[test]
fn the_simplest_server_carries_the_same_load() {
    for shape in [ONE_ROOM, FIVE_ROOMS] {
        let process = simplest_server();
        let (mut crowd, _) = Crowd::enter(process.address, Dialect::Chat, shape).unwrap();
        check(&process, &mut crowd, Pace::InFlight(1), 50);
        check(&process, &mut crowd, Pace::Saturated, 1_000);
    }
}

fn lines(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in numbers {
        bytes.extend_from_slice(b"u00000: ");
        Mark { lane: 0, number: *number }.write(&mut bytes);
        bytes.push(b'\n');
    }
    bytes
}

/// What the second of two clients makes of what it gets, when the first got the lines 0 and 1.
fn second(bytes: &[u8]) -> Result<bool> {
    let mut transcript = Transcript::default();
    transcript.expect([(0, 2)].into_iter());
    let good = lines(&[0, 1]);
    assert_eq!(transcript.take(0, &good).unwrap(), 0..2);
    assert!(transcript.is_all(good.len()));
    transcript.take(0, bytes)?;
    Ok(transcript.is_all(bytes.len()))
}

#[test]
fn lines_lost_swapped_or_foreign_are_noticed() {
    assert!(second(&lines(&[0, 1])).unwrap());
    assert!(!second(&lines(&[0])).unwrap());
    assert!(second(&lines(&[1, 0])).is_err());
    assert!(second(&lines(&[0, 1, 1])).is_err());
    assert!(second(&[lines(&[0]).as_slice(), b"Missed 1 lines\n"].concat()).is_err());

    for first in [lines(&[1]), lines(&[0, 0]), b"al has entered the room.\n".to_vec()] {
        let mut transcript = Transcript::default();
        transcript.expect([(0, 2)].into_iter());
        assert!(transcript.take(0, &first).is_err());
    }
}
