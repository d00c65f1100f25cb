//! What the local network is told of a server, as another machine hears it.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chat_discovery::network::{Event, Group, PACKET_BYTES, interfaces};
use chat_discovery::search::Search;
use nix::sys::signal::Signal;

use crate::machines::TwoMachines;
use crate::program::{Program, not_run};

const SERVER: usize = 0;
const LISTENER: usize = 1;

/// What takes so long does not come.
const DEADLINE: Duration = Duration::from_secs(60);

/// Somebody in the network who listens to all that is said there.
struct Listener {
    group: Group,
    search: Search,
    /// The hosts that anybody has named.
    hosts: BTreeSet<String>,
}

impl Listener {
    fn new(machines: &TwoMachines) -> Self {
        let group = machines.inside(LISTENER, || Group::join(interfaces().unwrap()).unwrap());
        Self { group, search: Search::default(), hosts: BTreeSet::new() }
    }

    /// Listens until there are so many ways into servers, and asks from time to time.
    #[track_caller]
    fn until(&mut self, count: usize) -> Vec<String> {
        let end = Instant::now() + DEADLINE;
        let mut packet = vec![0; PACKET_BYTES];
        let mut ask = Instant::now();
        loop {
            let found = self.search.found();
            if found.len() == count {
                return found.iter().map(|it| it.address.to_string()).collect();
            }
            assert!(Instant::now() < end, "{found:?}");
            if ask <= Instant::now() {
                self.group.send(0, &self.search.question()).unwrap();
                ask = Instant::now() + Duration::from_millis(300);
            }
            if let Event::Packet { length, .. } = self.group.wait(&mut packet, None, ask).unwrap() {
                self.heard(&packet[..length]);
            }
        }
    }

    fn heard(&mut self, packet: &[u8]) {
        self.search.heard(packet);
        let text = String::from_utf8_lossy(packet);
        let hosts = text.match_indices("chat-").map(|(at, _)| text[at..].chars().take(21));
        self.hosts.extend(hosts.map(Iterator::collect::<String>));
    }
}

fn start(machines: &TwoMachines, options: &[&str]) -> (Program, u16) {
    let mut command = machines.command(SERVER, env!("CARGO_BIN_EXE_chat-server"));
    command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let port = program.address().0.port();
    (program, port)
}

fn machines(test: &str) -> Option<TwoMachines> {
    TwoMachines::new().map_err(|why| not_run(&format!("{test}: no network namespaces: {why}"))).ok()
}

#[test]
fn a_server_is_found_and_says_when_it_goes() {
    let Some(machines) = machines("a_server_is_found_and_says_when_it_goes") else { return };
    let mut listener = Listener::new(&machines);
    let (program, port) = start(&machines, &["--listen", "0.0.0.0:0"]);
    let address = format!("{}:{port}", TwoMachines::ADDRESSES[SERVER]);
    assert_eq!(listener.until(1), [address]);
    program.signal(Signal::SIGTERM);
    assert_eq!(listener.until(0), [""; 0]);
    let output = program.output();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("the local network finds this server as "), "{log}");
}

#[test]
fn a_server_that_is_hidden_or_of_its_machine_alone_is_silent() {
    let Some(machines) = machines("a_server_that_is_hidden_is_silent") else { return };
    let mut listener = Listener::new(&machines);
    let hidden = start(&machines, &["--listen", "0.0.0.0:0", "--hidden"]);
    let own = start(&machines, &["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]);
    let classic = ["--listen", "127.0.0.1:0", "--classic", "0.0.0.0:0", "--web", "0.0.0.0:0"];
    let classic = start(&machines, &classic);
    // Three that tell of themselves, one after the other, take longer than any of those before would.
    for count in 1..=3 {
        let (program, _) = start(&machines, &["--listen", "0.0.0.0:0"]);
        listener.until(1);
        assert_eq!(listener.hosts.len(), count, "{:?}", listener.hosts);
        program.signal(Signal::SIGTERM);
        listener.until(0);
        assert!(program.output().status.success());
    }
    drop((hidden, own, classic));
}

#[test]
fn a_network_that_comes_later_is_told_too() {
    let Some(machines) = machines("a_network_that_comes_later_is_told_too") else { return };
    let mut listener = Listener::new(&machines);
    machines.ip(SERVER, &["address", "flush", "dev", "eth"]);
    let (program, port) = start(&machines, &["--listen", "[::]:0"]);
    machines.ip(SERVER, &["address", "add", "10.77.0.1/24", "dev", "eth"]);
    assert_eq!(listener.until(1), [format!("10.77.0.1:{port}")]);
    program.stop();
}

/// A server that is told of and then cannot start would lead people astray.
#[test]
fn a_server_is_told_of_once_it_has_the_log_that_it_shares() {
    let Some(machines) = machines("a_server_is_told_of_once_it_has_the_log") else { return };
    let mut listener = Listener::new(&machines);
    // An engine that takes connections and answers nothing, for longer than it takes to tell of a server.
    let engine = machines.inside(LISTENER, || TcpListener::bind("0.0.0.0:0").unwrap());
    let (address, port) = (TwoMachines::ADDRESSES[LISTENER], engine.local_addr().unwrap().port());
    let mut command = machines.command(SERVER, env!("CARGO_BIN_EXE_chat-server"));
    let url = format!("redis://{address}:{port}");
    command.args(["--listen", "0.0.0.0:0", "--log", &url]).stdout(Stdio::piped());
    let output = Program::spawn(command.stderr(Stdio::piped())).output();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(output.stdout, b"");
    // All that was said before is heard before this one.
    let (program, port) = start(&machines, &["--listen", "0.0.0.0:0"]);
    assert_eq!(listener.until(1), [format!("{}:{port}", TwoMachines::ADDRESSES[SERVER])]);
    assert_eq!(listener.hosts.len(), 1, "{:?}", listener.hosts);
    program.signal(Signal::SIGTERM);
    assert!(program.output().status.success());
}

/// Asks the common program for such things, which needs a bus of its own.
const AVAHI: &str = r#"
    mount -t tmpfs none /run
    cd "$1"
    cat >bus.conf <<END
<busconfig><type>system</type><listen>unix:path=$1/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow eavesdrop="true"/>
<allow send_destination="*" eavesdrop="true"/><allow receive_sender="*" eavesdrop="true"/></policy></busconfig>
END
    printf '[server]\nuse-ipv6=no\n[publish]\ndisable-publishing=no\n' >avahi.conf
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$1/bus
    dbus-daemon --config-file=bus.conf --nofork --nopidfile 2>bus.log &
    bus=$!
    until [ -S bus ]; do sleep 0.05; done
    avahi-daemon --no-drop-root --no-chroot --no-rlimits -f avahi.conf 2>avahi.log &
    avahi=$!
    until grep -q "startup complete" avahi.log; do sleep 0.05; done
    avahi-publish -s "another make" _chat._tcp 4242 2>publish.log &
    publish=$!
    until grep -q Established publish.log; do sleep 0.05; done
    for try in 1 2 3 4 5 6 7 8 9 10; do
        timeout 20 avahi-browse --resolve --parsable --terminate _chat._tcp >found
        ! grep -q ";$2;" found || break
    done
    cat found
    kill $publish $avahi $bus
    wait
"#;

#[test]
fn avahi_sees_a_server_as_any_other_service() {
    let Some(machines) = machines("avahi_sees_a_server_as_any_other_service") else { return };
    for program in ["avahi-daemon", "avahi-browse", "avahi-publish", "dbus-daemon", "unshare"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        if !found.unwrap().status.success() {
            return not_run(&format!("avahi_sees_a_server: there is no {program}"));
        }
    }
    let mut listener = Listener::new(&machines);
    let (server, port) = start(&machines, &["--listen", "0.0.0.0:0"]);
    listener.until(1);
    let folder = tempfile::tempdir().unwrap();
    let mut avahi = machines.command(LISTENER, "unshare");
    avahi.args(["--mount", "timeout", "120", "sh", "-c", AVAHI, "sh"]);
    avahi.arg(folder.path()).arg(port.to_string());
    let avahi = avahi.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It is found from here as well, beside the one that avahi itself tells of.
    let mut ways = listener.until(2);
    ways.sort_unstable();
    let [ours, others] = TwoMachines::ADDRESSES;
    assert_eq!(ways, [format!("{ours}:{port}"), format!("{others}:4242")]);
    let output = avahi.wait_with_output().unwrap();
    let browsed = String::from_utf8_lossy(&output.stdout);
    let line = browsed.lines().find(|line| line.starts_with('=') && line.contains(ours));
    let line = line.unwrap_or_else(|| panic!("{output:?}"));
    let fields: Vec<_> = line.split(';').collect();
    assert_eq!(fields[2..3], ["IPv4"], "{line}");
    assert_eq!((fields[4], fields[7], fields[8]), ("_chat._tcp", ours, port.to_string().as_str()));
    server.stop();
}
