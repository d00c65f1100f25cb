//! The room without a server between two machines, which are two network namespaces of this one.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::lan::LOOPBACK;
use crate::program::{Program, not_run};

/// Two machines, as far as a network can tell. Gone when it is dropped.
struct TwoMachines {
    names: [String; 2],
}

impl TwoMachines {
    /// Says why it cannot be.
    fn new() -> Result<Self, String> {
        let id = std::process::id();
        let machines = Self { names: ["a", "b"].map(|side| format!("chat{id}{side}")) };
        let [a, b] = &machines.names;
        let ends = ["a", "b"].map(|side| format!("cv{id}{side}"));
        run_ip(&["netns", "add", a])?;
        run_ip(&["netns", "add", b])?;
        run_ip(&[
            "link", "add", &ends[0], "netns", a, "type", "veth", "peer", &ends[1], "netns", b,
        ])?;
        for (number, (name, end)) in machines.names.iter().zip(&ends).enumerate() {
            run_ip(&["-n", name, "link", "set", "lo", "up"])?;
            let address = format!("10.77.0.{}/24", number + 1);
            run_ip(&["-n", name, "address", "add", &address, "broadcast", "+", "dev", end])?;
            run_ip(&["-n", name, "link", "set", end, "up"])?;
        }
        Ok(machines)
    }

    /// The first one's end of the wire between them.
    fn end(&self) -> String {
        format!("cv{}a", std::process::id())
    }

    fn enter(&self, machine: usize, arguments: &[&str]) -> Program {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[machine], env!("CARGO_BIN_EXE_chat-client")]);
        command.args(arguments).env_remove("CHAT_NAME").process_group(0);
        Program::run(&mut command)
    }
}

impl Drop for TwoMachines {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = run_ip(&["netns", "del", name]);
        }
    }
}

fn run_ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

fn hear_no_other_network(machines: &TwoMachines) {
    let named = ["lan", "7777", "--interface", "10.77.0.1", "--name", "al"];
    let mut al = machines.enter(0, &named);
    al.read_to("Login Success\n");
    // On the same machine, and in its network of one.
    let named = ["lan", "7777", "--broadcast", LOOPBACK, "--name", "eve"];
    let mut eve = machines.enter(0, &named);
    eve.read_to("Login Success\n");
    eve.send(b"say hi\n");
    eve.read_to("eve: hi\n");
    let mut bo = machines.enter(1, &["lan", "7777", "--broadcast", "10.77.0.255", "--name", "bo"]);
    assert_eq!(al.read_to("\n"), "bo has entered the room.\n");
    bo.read_to("Login Success\n");
    for program in [al, eve, bo] {
        program.finish();
    }
}

fn outlive_the_network(machines: &TwoMachines) {
    let [name, _] = &machines.names;
    let mut al = machines.enter(0, &["lan", "7777", "--broadcast", "10.77.0.255", "--name", "al"]);
    al.read_to("Login Success\n");
    let link = |state| run_ip(&["-n", name, "link", "set", &machines.end(), state]).unwrap();
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
    let mut al = machines.enter(0, &[&on("10.77.0.1")[..], &["al"]].concat());
    al.read_to("Login Success\n");
    let named = ["lan", "7777", "--broadcast", "10.77.0.255", "--name", "bo"];
    let mut bo = machines.enter(1, &named);
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
