//! Machines that vanish without a word: a laptop that sleeps, a cable that is pulled.
//!
//! [`TwoMachines`] are needed for that.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::machines::TwoMachines;
use crate::program::{Program, not_run};

/// The server's machine, and a client's.
const SERVER: usize = 0;
const CLIENT: usize = 1;

/// Runs something on one of the machines.
fn on(machines: &TwoMachines, machine: usize, program: &str) -> Command {
    let mut command = machines.command(machine, program);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Somebody who logs in, runs these commands of the shell with the connection as stream 3, and
/// then takes all that comes. Ends with the test.
struct Person(Child);

impl Person {
    fn log_in(machines: &TwoMachines, machine: usize, port: u16, name: &str, then: &str) -> Self {
        let connect = format!("exec 3<>/dev/tcp/{}/{port}", TwoMachines::ADDRESSES[SERVER]);
        let script = format!("{connect}; echo login {name} >&3; {then}; exec cat <&3");
        Self(on(machines, machine, "bash").args(["-c", &script]).spawn().unwrap())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server with these options, cuts off somebody who is in the room, and waits until the
/// server notices. `others_say` is what another one does all the time, in the shell.
fn check_is_found(test: &str, options: &[&str], others_say: &str) {
    let machines = match TwoMachines::new() {
        Ok(machines) => machines,
        Err(why) => return not_run(&format!("whether dead machines are found ({test}): {why}")),
    };
    let mut server = on(&machines, SERVER, env!("CARGO_BIN_EXE_chat-server"));
    let mut server = Program::spawn(server.args(["--listen", "0.0.0.0:0"]).args(options));
    let port = server.address().0.port();
    let mut log = BufReader::new(server.stderr()).lines().map(Result::unwrap);
    let sleeper = Person::log_in(&machines, CLIENT, port, "sleeper", ":");
    assert!(log.any(|line| line.ends_with("(sleeper) came")));
    let other = Person::log_in(&machines, SERVER, port, "other", others_say);
    assert!(log.any(|line| line.ends_with("(other) came")));
    // It hears and says nothing any more.
    machines.ip(CLIENT, &["address", "flush", "dev", "eth"]);
    let gone = log.find(|line| line.contains(") is gone: ")).unwrap();
    // Either its session finds out or its courier, who was just sending.
    let is_lost = gone.contains(" is gone: lost: ") || gone.contains("; the connection broke");
    assert!(gone.contains("(sleeper)") && is_lost, "{gone}");
    drop((sleeper, other));
}

#[test]
fn a_silent_machine_is_asked_whether_it_is_there() {
    check_is_found("silent", &["--keepalive", "1", "--user-timeout", "0"], ":");
}

#[test]
fn a_machine_that_acknowledges_nothing_is_given_up() {
    let talk = "while echo say hello >&3; do sleep 0.2; done & :";
    check_is_found("deaf", &["--keepalive", "0", "--user-timeout", "1"], talk);
}
