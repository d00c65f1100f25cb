//! What a client does costs the server no more memory than `docs/operating.md` says.
#![cfg(target_os = "linux")]

use std::thread;

use crate::capacity::resident;
use crate::flow::{LINES, TestReader, flood};
use crate::program::Program;
use crate::support::TestClient;

/// Clients that read nothing, one that floods, and one that reads: the server's memory stays
/// under what `docs/operating.md` gives as its bound.
#[test]
fn memory_is_bounded_during_a_flood() {
    const BACKLOG: usize = 262_144;
    const STALLED: usize = 20;
    const COURIERS: usize = 2;
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--rate",
        "0",
        "--quiet",
        "--couriers",
        &COURIERS.to_string(),
        "--backlog",
        &BACKLOG.to_string(),
    ]);
    let address = program.address().0;
    let login = |name: &str| TestClient::connect(address).log_in(name);
    let stalled: Vec<_> = (0..STALLED).map(|n| login(&format!("stalled{n}"))).collect();
    let flooder = login("flooder");
    let before = resident(program.id());
    thread::scope(|scope| {
        scope.spawn(|| flood(&flooder, LINES));
        TestReader::new(&flooder).read_lines(LINES);
    });
    let grown = resident(program.id()).saturating_sub(before) * 1024;
    let bound = 3 * BACKLOG + (STALLED + 1) * 256 * 1024 + COURIERS * 128 * 1024;
    assert!(grown < bound, "grown by {grown} bytes, bound {bound}");
    drop((stalled, flooder));
    program.stop();
}

/// The shortest requests under the longest names: what the room is told of one read is many
/// times as long, and no client keeps that much memory for it.
#[test]
fn long_names_do_not_multiply_memory() {
    const CLIENTS: u32 = 20;
    let arguments = ["--listen", "127.0.0.1:0", "--rate", "0", "--quiet", "--backlog", "262144"];
    let mut program = Program::start(&arguments);
    let address = program.address().0;
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            // Of the longest names that there are, no two alike.
            let name = format!("{number:032b}").replace('0', "\u{4e2d}").replace('1', "\u{56fd}");
            TestClient::connect(address).log_in(&name)
        })
        .collect();
    let before = resident(program.id());
    for client in &mut clients {
        client.send(&"me\n".repeat(5000));
        client.skip_to_fence();
    }
    let grown = resident(program.id()).saturating_sub(before);
    let bound = 4 * 1024 + CLIENTS as usize * 128;
    assert!(grown < bound, "grown by {grown} KiB, bound {bound}");
    drop(clients);
    program.stop();
}
