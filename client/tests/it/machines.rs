//! Two machines with a cable between them, as far as a network can tell: network namespaces of Linux. Only
//! root can make them.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::sched::{CloneFlags, setns};

/// Gone when it is dropped.
pub struct TwoMachines {
    names: [String; 2],
}

impl TwoMachines {
    /// Their addresses in the network between them.
    pub const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

    /// Says why they cannot be.
    pub fn new() -> Result<Self, String> {
        // The first one prepares the system, which two cannot do at once.
        static PREPARING: Mutex<()> = Mutex::new(());
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let _preparing = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let machines = Self { names: ["a", "b"].map(|side| format!("chat-{id}-{count}{side}")) };
        let [a, b] = &machines.names;
        run_ip(&["netns", "add", a])?;
        run_ip(&["netns", "add", b])?;
        run_ip(&["-n", a, "link", "add", "eth", "type", "veth", "peer", "eth", "netns", b])?;
        for (name, address) in machines.names.iter().zip(Self::ADDRESSES) {
            let address = format!("{address}/24");
            run_ip(&["-n", name, "link", "set", "lo", "up"])?;
            run_ip(&["-n", name, "address", "add", &address, "broadcast", "+", "dev", "eth"])?;
            run_ip(&["-n", name, "link", "set", "eth", "up"])?;
        }
        Ok(machines)
    }

    /// Changes the network of a machine.
    pub fn ip(&self, machine: usize, arguments: &[&str]) {
        run_ip(&[&["-n", &self.names[machine]], arguments].concat()).unwrap();
    }

    /// Runs a program on a machine.
    pub fn command(&self, machine: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[machine], program]);
        command
    }

    /// Does something on a machine. The sockets, threads and programs that it makes stay there.
    pub fn inside<T: Send>(&self, machine: usize, act: impl FnOnce() -> T + Send) -> T {
        let space = File::open(format!("/var/run/netns/{}", self.names[machine])).unwrap();
        let done = thread::scope(|scope| {
            let there = scope.spawn(|| {
                setns(space, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            });
            there.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for TwoMachines {
    fn drop(&mut self) {
        for name in &self.names {
            // It fails only when that one was not made.
            let _ = run_ip(&["netns", "del", name]);
        }
    }
}

fn run_ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
