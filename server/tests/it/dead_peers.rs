//! Machines that vanish without a word: a laptop that sleeps, a cable that is pulled.
//!
//! Two network namespaces stand for two machines. Only root can make them.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use crate::program::{Program, not_run};

/// The server's machine and a client's, with a cable between them.
struct Network {
    server: String,
    client: String,
}

impl Network {
    const SERVER: &str = "10.213.0.1";

    /// Says why when that is not possible here.
    fn new(test: &str) -> Result<Self, String> {
        // The first one prepares the system, which two cannot do at once.
        static PREPARING: Mutex<()> = Mutex::new(());
        let _preparing = PREPARING.lock();
        let id = std::process::id();
        let network =
            Self { server: format!("{test}-{id}-server"), client: format!("{test}-{id}-client") };
        let Self { server, client } = &network;
        ip(&["netns", "add", server])?;
        ip(&["netns", "add", client])?;
        ip(&["-n", server, "link", "add", "eth", "type", "veth", "peer", "eth", "netns", client])?;
        for (machine, address) in [(server, Self::SERVER), (client, "10.213.0.2")] {
            ip(&["-n", machine, "addr", "add", &format!("{address}/24"), "dev", "eth"])?;
            ip(&["-n", machine, "link", "set", "eth", "up"])?;
            ip(&["-n", machine, "link", "set", "lo", "up"])?;
        }
        Ok(network)
    }

    /// The client's machine hears and says nothing any more.
    fn cut_client_off(&self) {
        ip(&["-n", &self.client, "addr", "flush", "dev", "eth"]).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for machine in [&self.server, &self.client] {
            // It fails only when that one was not made.
            let _ = ip(&["netns", "del", machine]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(errors) }
}

/// Runs something on one of the machines.
fn on(machine: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", machine]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Somebody who logs in, runs these commands of the shell with the connection as stream 3, and
/// then takes all that comes. Ends with the test.
struct Person(Child);

impl Person {
    fn log_in(machine: &str, port: u16, name: &str, then: &str) -> Self {
        let connect = format!("exec 3<>/dev/tcp/{}/{port}", Network::SERVER);
        let script = format!("{connect}; echo login {name} >&3; {then}; exec cat <&3");
        Self(on(machine).args(["bash", "-c", &script]).spawn().unwrap())
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
    let network = match Network::new(test) {
        Ok(network) => network,
        Err(why) => return not_run(&format!("whether dead machines are found ({test}): {why}")),
    };
    let listen = ["--listen", "0.0.0.0:0"];
    let mut server = Program::spawn(
        on(&network.server).arg(env!("CARGO_BIN_EXE_chat-server")).args(listen).args(options),
    );
    let port = server.address().0.port();
    let mut log = BufReader::new(server.stderr()).lines().map(Result::unwrap);
    let sleeper = Person::log_in(&network.client, port, "sleeper", ":");
    assert!(log.any(|line| line.ends_with("(sleeper) came")));
    let other = Person::log_in(&network.server, port, "other", others_say);
    assert!(log.any(|line| line.ends_with("(other) came")));
    network.cut_client_off();
    let gone = log.find(|line| line.contains(") is gone: ")).unwrap();
    // Either its session finds out or its courier, who was just sending.
    let is_lost = gone.contains(" is gone: lost: ") || gone.contains("; the connection broke ");
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
