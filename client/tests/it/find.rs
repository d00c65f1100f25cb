//! `find`: servers of the local network, on [`TwoMachines`].

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chat_discovery::network::{Event, GROUP, Group, PACKET_BYTES, PORT, interfaces};
use chat_server::Config;

use crate::identity::Identity;
use crate::lan::Until;
use crate::machines::TwoMachines;
use crate::program::{Finished, Program, command, not_run};
use crate::pty::Pty;
use crate::real_server::RealServer;

/// Where the servers are, and where they are looked for.
const THERE: usize = 0;
const HERE: usize = 1;

fn machines(test: &str) -> Option<TwoMachines> {
    TwoMachines::new().map_err(|why| not_run(&format!("{test}: no network namespaces: {why}"))).ok()
}

fn serve(machines: &TwoMachines, set_up: impl FnOnce(Config) -> Config + Send) -> RealServer {
    machines.inside(THERE, || RealServer::with("0.0.0.0:0".parse().unwrap(), set_up))
}

#[track_caller]
fn find(machines: &TwoMachines, options: &[&str]) -> Finished {
    machines.inside(HERE, || Program::start(&[&["find"], options].concat()).finish())
}

/// Looks until something is found: a server first looks whether its name is free.
#[track_caller]
fn found(machines: &TwoMachines, options: &[&str]) -> String {
    loop {
        let Finished { code, stdout, stderr } = find(machines, options);
        match code {
            Some(3) => assert_eq!(stderr.lines().count(), 1, "{stderr}"),
            _ => {
                assert_eq!((code, stderr.as_str()), (Some(0), ""));
                return stdout;
            }
        }
    }
}

#[test]
fn a_server_of_the_network_is_found() {
    let Some(machines) = machines("a_server_of_the_network_is_found") else { return };
    let nobody = find(&machines, &["--wait", "0.2"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(3), ""));
    assert!(nobody.stderr.contains("no server on this network has answered"), "{nobody:?}");
    let server = serve(&machines, |config| config);
    let line = found(&machines, &["--wait", "1"]);
    let (name, address) = line.trim_end().split_once(' ').unwrap();
    let expected = format!("{}:{}", TwoMachines::ADDRESSES[THERE], server.address.port());
    assert_eq!(address, expected);
    assert!(!name.is_empty() && !name.contains(char::is_whitespace), "{line}");
    let object = found(&machines, &["--json", "--wait", "1"]);
    let object: serde_json::Value = serde_json::from_str(&object).unwrap();
    let expected = serde_json::json!({ "name": name, "address": expected, "tls": false });
    assert_eq!(object, expected);
    // One can talk there.
    let look = machines.inside(HERE, || Program::start(&["look", "--server", address]).finish());
    assert_eq!((look.code, look.stdout.as_str()), (Some(0), ""), "{}", look.stderr);
}

#[test]
fn two_servers_of_one_machine_have_two_names() {
    let Some(machines) = machines("two_servers_of_one_machine_have_two_names") else { return };
    let servers = [(); 2].map(|()| serve(&machines, |config| config));
    let lines = loop {
        let lines = found(&machines, &[]);
        if lines.lines().count() == 2 {
            break lines;
        }
    };
    let mut names: Vec<_> = lines.lines().map(|line| line.split(' ').next().unwrap()).collect();
    names.sort_unstable_by_key(|name| name.len());
    assert_eq!(format!("{}-2", names[0]), names[1]);
    for server in &servers {
        assert!(lines.contains(&format!(":{}\n", server.address.port())), "{lines}");
    }
}

#[test]
fn a_server_that_is_hidden_or_of_its_machine_alone_is_not_found() {
    let Some(machines) = machines("a_server_that_is_hidden_is_not_found") else { return };
    let hidden = serve(&machines, |config| Config { hidden: true, ..config });
    let own = machines.inside(THERE, RealServer::start);
    let seen = serve(&machines, |config| config);
    let lines = found(&machines, &[]);
    assert!(lines.lines().count() == 1, "{lines}");
    assert!(lines.ends_with(&format!(":{}\n", seen.address.port())), "{lines}");
    drop((hidden, own));
}

#[test]
fn where_there_is_no_network_that_is_said() {
    let mut alone = Command::new("unshare");
    let program = command(&[]);
    alone.args(["--net", program.get_program().to_str().unwrap(), "find"]);
    let done = Program::run(&mut alone).finish();
    if done.stderr.starts_with("unshare: ") {
        return not_run(&format!("where_there_is_no_network_that_is_said: {}", done.stderr));
    }
    assert_eq!((done.code, done.stdout.as_str()), (Some(3), ""));
    assert!(done.stderr.contains("is in no network where"), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1);
}

/// Somebody in the network who says anything to everybody, until the test is over.
fn flood(network: &TwoMachines, is_over: &AtomicBool, packets: &[Vec<u8>]) {
    network.inside(THERE, || {
        let mut group = Group::join(interfaces().unwrap()).unwrap();
        let mut heard = vec![0; PACKET_BYTES];
        while !is_over.load(Ordering::Relaxed) {
            for packet in packets {
                group.send(0, packet).unwrap();
            }
            let now = std::time::Instant::now();
            let event = group.wait(&mut heard, None, now).unwrap();
            assert!(event != Event::Woken);
        }
    });
}

/// An answer about a server of this name.
fn answer(name: &[u8], address: [u8; 4]) -> Vec<u8> {
    let label = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let kin = [label(b"_chat"), label(b"_tcp"), label(b"local"), vec![0]].concat();
    let instance = [label(name), kin.clone()].concat();
    let host = [label(name), label(b"local"), vec![0]].concat();
    let record = |name: &[u8], kind: u16, data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [name, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 120], &length, data].concat()
    };
    [
        vec![0, 0, 0x84, 0, 0, 0, 0, 3, 0, 0, 0, 0],
        record(&kin, 12, &instance),
        record(&instance, 33, &[&[0, 0, 0, 0, 0, 7], host.as_slice()].concat()),
        record(&host, 1, &address),
    ]
    .concat()
}

/// What is found while somebody says that all the time. On a busy machine it takes a while until so many
/// lines are heard.
fn found_in(flooded: &TwoMachines, packets: &[Vec<u8>], lines: usize) -> Finished {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| flood(flooded, &is_over, packets));
        let _until = Until(&is_over);
        let mut waits = ["1", "4", "16"].into_iter();
        loop {
            let found = find(flooded, &["--wait", waits.next().expect("not so many are heard")]);
            if found.stdout.lines().count() >= lines {
                return found;
            }
        }
    })
}

#[test]
fn bad_answers_are_shown_safely_and_bounded() {
    let Some(machines) = machines("bad_answers_are_shown_safely_and_bounded") else { return };
    let bad = "\x1b[2J\u{202e}a b\n".as_bytes();
    let packets = [answer(bad, [10, 77, 0, 9]), vec![0xff; 40], answer(b"liar", [127, 0, 0, 1])];
    let Finished { code, stdout, stderr } = found_in(&machines, &packets, 1);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout, "␛[2J<U+202E>a_b␊ 10.77.0.9:7\n");
    let packets: Vec<_> = (0..=255u8)
        .map(|number| answer(format!("a{number}").as_bytes(), [10, 77, 0, number]))
        .collect();
    let Finished { code, stdout, stderr } = found_in(&machines, &packets, 64);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr, "chat-client: there are more servers than are shown\n");
    assert_eq!(stdout.lines().count(), 64);
}

#[test]
fn the_dialog_offers_to_look_when_nobody_is_at_home() {
    let Some(machines) = machines("the_dialog_offers_to_look") else { return };
    let server = serve(&machines, |config| config);
    found(&machines, &[]);
    let mut pty = machines.inside(HERE, || Pty::start(&["--no-time"]));
    let address = format!("{}:{}", TwoMachines::ADDRESSES[THERE], server.address.port());
    // Who does not want to is asked again, and so is who was not answered in time.
    for answer in ["", "y", "y", "y"] {
        pty.wait_for_last("server [127.0.0.1:6666]:");
        pty.keys("\r");
        pty.wait_for_last("user name:");
        pty.keys("al\r");
        pty.wait_for_last("look for servers on this network? [y/N]");
        pty.keys(&format!("{answer}\r"));
        let screen = pty.wait_until("the next question", |screen| {
            screen.trim_end().lines().last().is_some_and(|line| line.starts_with("server ["))
        });
        if screen.contains(&format!(" is at {address}\n")) {
            break;
        }
    }
    pty.wait_for_last(&format!("server [{address}]:"));
    pty.keys("\r");
    pty.wait_for_last("user name:");
    pty.keys("al\r");
    pty.wait_for_last("al@main>");
    pty.leave();
}

#[test]
fn the_dialog_sends_nothing_unless_asked() {
    let Some(machines) = machines("the_dialog_sends_nothing_unless_asked") else { return };
    let (mut group, mut packet) = machines
        .inside(THERE, || (Group::join(interfaces().unwrap()).unwrap(), vec![0; PACKET_BYTES]));
    let mut pty = machines.inside(HERE, || Pty::start(&["--no-time"]));
    pty.keys("\ral\r");
    pty.wait_for("look for servers on this network? [y/N]");
    pty.keys("n\r");
    pty.wait_for_last("server [127.0.0.1:6666]:");
    pty.leave();
    // Behind all that could have been sent.
    let fence = machines.inside(HERE, || {
        let socket = UdpSocket::bind((TwoMachines::ADDRESSES[HERE], 0)).unwrap();
        socket.send_to(b"fence", (GROUP, PORT)).map(|_| socket)
    });
    let fence = io::Result::unwrap(fence);
    let deadline = std::time::Instant::now() + crate::program::DEADLINE;
    let event = group.wait(&mut packet, None, deadline).unwrap();
    let Event::Packet { from, length, .. } = event else { panic!("{event:?}") };
    assert_eq!(
        (from.port(), &packet[..length]),
        (fence.local_addr().unwrap().port(), &b"fence"[..])
    );
    assert_eq!(*from.ip(), TwoMachines::ADDRESSES[HERE].parse::<Ipv4Addr>().unwrap());
}

#[test]
fn a_way_with_tls_is_told_apart() {
    let Some(machines) = machines("a_way_with_tls_is_told_apart") else { return };
    let identity = Identity::new();
    let server = machines.inside(THERE, || identity.serve("0.0.0.0:0".parse().unwrap()));
    let line = found(&machines, &[]);
    assert!(line.ends_with(" tls\n") && line.lines().count() == 1, "{line}");
    drop(server);
}
