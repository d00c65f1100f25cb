//! The room without a server between two machines.

use std::os::unix::process::CommandExt;

use crate::lan::LOOPBACK;
use crate::machines::TwoMachines;
use crate::program::{Program, not_run};

fn enter_on(machines: &TwoMachines, machine: usize, arguments: &[&str]) -> Program {
    let mut command = machines.command(machine, env!("CARGO_BIN_EXE_chat-client"));
    Program::run(command.args(arguments).env_remove("CHAT_NAME").process_group(0))
}

fn hear_no_other_network(machines: &TwoMachines) {
    let named = ["lan", "7777", "--interface", "10.77.0.1", "--name", "al"];
    let mut al = enter_on(machines, 0, &named);
    al.read_to("Login Success\n");
    // On the same machine, and in its network of one.
    let named = ["lan", "7777", "--broadcast", LOOPBACK, "--name", "eve"];
    let mut eve = enter_on(machines, 0, &named);
    eve.read_to("Login Success\n");
    eve.send(b"say hi\n");
    eve.read_to("eve: hi\n");
    let mut bo =
        enter_on(machines, 1, &["lan", "7777", "--broadcast", "10.77.0.255", "--name", "bo"]);
    assert_eq!(al.read_to("\n"), "bo has entered the room.\n");
    bo.read_to("Login Success\n");
    for program in [al, eve, bo] {
        program.finish();
    }
}

fn outlive_the_network(machines: &TwoMachines) {
    let mut al =
        enter_on(machines, 0, &["lan", "7777", "--broadcast", "10.77.0.255", "--name", "al"]);
    al.read_to("Login Success\n");
    let link = |state| machines.ip(0, &["link", "set", "eth", state]);
    link("down");
    al.send(b"say lost\n");
    al.read_to("al: lost\nThe network did not take it: ");
    al.read_to("\n");
    link("up");
    // The address has stayed, and with the link comes its route.
    loop {
        al.send(b"say again\nping x\n");
        if !al.read_to("pong x\n").contains("did not take it") {
            break;
        }
    }
    assert_eq!(al.finish().code, Some(0));
}

#[test]
fn two_machines_share_a_room() {
    let machines = match TwoMachines::new() {
        Ok(machines) => machines,
        Err(why) => {
            not_run(&format!("two_machines_share_a_room: no network namespaces here: {why}"));
            return;
        }
    };
    hear_no_other_network(&machines);
    outlive_the_network(&machines);
    let on = |address| ["lan", "7777", "--interface", address, "--name"];
    let mut al = enter_on(&machines, 0, &[&on("10.77.0.1")[..], &["al"]].concat());
    al.read_to("Login Success\n");
    let named = ["lan", "7777", "--broadcast", "10.77.0.255", "--name", "bo"];
    let mut bo = enter_on(&machines, 1, &named);
    bo.read_to("Login Success\n");
    al.read_to("bo has entered the room.\n");
    al.send(b"say from one machine\n");
    assert_eq!(bo.read_to("\n"), "al: from one machine\n");
    bo.send(b"say to the other\nlook\n");
    al.read_to("bo: to the other\n");
    bo.read_to("al is here.\n");
    al.finish();
    bo.read_to("al has left the room.\n");
    bo.finish();
}
