//! Disks that are full, slow or gone: the chat goes on, and what is missing in a transcript is said there.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::program::{Program, not_run};
use crate::recording::{server, transcript};
use crate::support::{TestClient, TestServer};

#[test]
fn a_torn_last_line_is_cut_off() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("main.log");
    let whole = "2026-11-22T10:04:05.123Z ann: whole\n";
    fs::write(&file, format!("{whole}2026-11-22T10:04:06.000Z ann: to")).unwrap();
    let server = server(folder.path());
    let mut bob = server.login("bob");
    bob.send("history\nping 1\n");
    let history = bob.lines_until("pong 1");
    assert_eq!(history[1], "[2026-11-22T10:04:05.123Z] ann: whole");
    assert!(history[2].ends_with("] bob has entered the room."));
    // Once it is seen it is recorded, and all before it.
    bob.send("say hi\n");
    bob.expect("bob: hi");
    assert_eq!(transcript(&file), ["ann: whole", "bob has entered the room.", "bob: hi"]);
}

#[test]
fn the_chat_goes_on_without_the_disk_and_the_gap_is_marked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("main.log");
    symlink("/dev/full", &file).unwrap();
    let server = server(folder.path());
    let mut ann = server.login("ann");
    ann.send("say lost\nping 1\n");
    assert_eq!(ann.lines_until("pong 1"), ["ann: lost"]);
    fs::remove_file(&file).unwrap();
    ann.send("say found\nping 2\n");
    assert_eq!(ann.lines_until("pong 2"), ["ann: found"]);
    assert_eq!(transcript(&file), ["-- 2 lines are missing here --", "ann: found"]);
}

/// The room's transcript knows of a gap after everybody has left the room, too.
#[test]
fn a_gap_is_marked_though_the_room_was_left() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("den.log");
    symlink("/dev/full", &file).unwrap();
    let server = server(folder.path());
    let mut ann = server.login("ann");
    ann.send("join den\nsay lost\njoin main\nping 1\n");
    ann.lines_until("pong 1");
    fs::remove_file(&file).unwrap();
    ann.send("join den\nsay found\n");
    ann.lines_until("ann: found");
    let lines = transcript(&file);
    // Whether the last line of those that she left behind is recorded by then is nobody's to know.
    let gap =
        lines[0].strip_prefix("-- ").and_then(|gap| gap.strip_suffix(" lines are missing here --"));
    let missing: usize = gap.expect(&lines[0]).parse().unwrap();
    let all = ["entered", "said", "left", "entered", "said"].len();
    assert_eq!(missing + lines.len() - 1, all, "{lines:?}");
    assert_eq!(lines[lines.len() - 2..], ["ann has entered the room.", "ann: found"]);
}

/// A pipe takes lines, but cannot promise that they stay.
#[test]
fn a_line_that_was_written_but_not_synced_is_not_missing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("main.log");
    mkfifo(&file, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let pipe = OpenOptions::new().read(true).write(true).open(&file).unwrap();
    let path = folder.path().to_str().unwrap();
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--data", path, "--sync"]);
    let mut ann = TestClient::connect(program.address().0);
    ann.send("login ann\nsay one\nping 1\nsay two\nping 2\n");
    let seen = ann.lines_until("pong 2");
    assert_eq!(seen[2..], ["ann: one", "pong 1", "ann: two"]);
    let lines: Vec<_> = BufReader::new(pipe).lines().take(3).map(Result::unwrap).collect();
    assert!(lines[0].ends_with("Z ann has entered the room."), "{lines:?}");
    assert!(lines[1].ends_with("Z ann: one"), "{lines:?}");
    assert!(lines[2].ends_with("Z ann: two"), "{lines:?}");
    drop(ann);
    let log = program.stop();
    assert_eq!(log.matches("main.log cannot be synced").count(), 1, "{log}");
    assert!(!log.contains("cannot be written"), "{log}");
}

/// Somebody who makes the system hold up whoever opens a file to write, for 45 seconds as a rule: see
/// fcntl(2), `F_SETLEASE`. Nothing ends the thread that waits. `None` where the system does not do so.
pub fn hold_up(file: &Path) -> Option<Lease> {
    // It makes the file itself: nobody may have it open to write, and what this process has open, another test
    // may just be giving to what it starts.
    let program = "$SIG{IO} = 'IGNORE'; $| = 1; my $read = 0; \
                   open(F, '>', $ARGV[0]) or exit 1; close(F); open(F, '<', $ARGV[0]) or exit 1; \
                   defined(fcntl(F, 1024, $read)) or exit 1; print qq(held\\n); sleep 3600";
    let mut perl = Command::new("perl");
    let holder = perl.args(["-e", program]).arg(file).stdout(Stdio::piped()).spawn();
    let mut lease = Lease(holder.ok()?);
    let mut line = String::new();
    BufReader::new(lease.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (line == "held\n").then_some(lease)
}

/// Ends with this.
pub struct Lease(Child);

impl Drop for Lease {
    fn drop(&mut self) {
        // It fails when the holder has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file that the system lets nobody open stands for a disk that does not answer any more.
#[test]
fn a_disk_that_hangs_does_not_hold_up_the_stop() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let Some(_lease) = hold_up(&folder.path().join("main.topic.new")) else {
        return not_run("a disk that hangs: it takes perl, and a file system with leases");
    };
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--data", path]);
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    ann.send("login ann\nsay first\n");
    ann.lines_until("ann: first");
    ann.send("topic tea\nsay second\nrename anna\n");
    // Once that name is free, the recorder has a topic that it cannot write.
    let mut bob = TestClient::connect(address);
    bob.expect("Connect Success");
    loop {
        bob.send("login ann\n");
        if bob.line() == "Login Success" {
            break;
        }
    }
    // And somebody waits for a room behind it.
    bob.send("join den\n");
    let begin = Instant::now();
    program.signal(Signal::SIGTERM);
    let output = program.output();
    // Six seconds are promised. On a machine that is busy with other tests it may be more.
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("the thread `recorder` is left, for its disk does not answer"), "{log}");
    // The reader waits for no disk.
    assert!(!log.contains("`reader`"), "{log}");
    // What was not recorded was seen by nobody.
    let rest = ann.rest();
    assert!(!rest.contains("ann: second") && !rest.contains("tea"), "{rest}");
}

/// Clients take all the descriptors they can get, and a room is opened all the same.
#[test]
fn clients_leave_descriptors_to_the_transcripts() {
    let folder = TempDir::new().unwrap();
    let line = "2026-11-22T10:04:05.123Z ann: from earlier\n";
    fs::write(folder.path().join("den.log"), line).unwrap();
    let path = folder.path().to_str().unwrap();
    let mut program = Program::spawn(
        Command::new("sh")
            .args(["-c", "ulimit -n 200; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_chat-server")])
            .args(["--listen", "127.0.0.1:0", "--data", path])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    let address = program.address().0;
    let mut ann = TestClient::connect(address);
    ann.send("login ann\nping 1\n");
    ann.lines_until("pong 1");
    let mut others = Vec::new();
    loop {
        let mut other = TestClient::connect(address);
        let greeting = other.line();
        others.push(other);
        if greeting == "Server Full" {
            break;
        }
    }
    assert!(others.len() > 100, "only {} were served", others.len());
    ann.send("join den\nhistory 2\ntopic tea\nping 2\n");
    let seen = ann.lines_until("pong 2");
    assert!(seen[2].ends_with("ann: from earlier"), "{seen:?}");
    // Nor do rooms take them from each other, however many are used.
    for (room, other) in others.iter_mut().enumerate().take(100) {
        other.send(&format!("login guest{room}\njoin r{room}\nsay hi\n"));
        other.lines_until(&format!("guest{room}: hi"));
        assert_eq!(transcript(&folder.path().join(format!("r{room}.log"))).len(), 2);
    }
    assert_eq!(fs::read_to_string(folder.path().join("den.topic")).unwrap(), "tea");
    drop((ann, others));
    let log = program.stop();
    assert!(!log.contains(" cannot be "), "{log}");
}

/// A file that takes a part of a write: nothing is torn, and nothing in it is counted as missing.
#[test]
fn a_gap_counts_exactly_the_lines_that_miss() {
    const LINES: usize = 500;
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    // No file grows beyond 8 blocks of 512 or 1024 bytes, and that is an error, not a signal.
    let mut program = Program::spawn(
        Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_chat-server"))
            .args(["--listen", "127.0.0.1:0", "--rate", "0", "--quiet", "--data", path])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    let mut ann = TestClient::connect(program.address().0);
    ann.expect("Connect Success");
    ann.send("login ann\n");
    ann.expect("Login Success");
    let numbers: String = (0..LINES).map(|number| format!("say {number}\n")).collect();
    ann.send(&numbers);
    ann.lines_until_fence();
    let (current, full) = (folder.path().join("main.log"), folder.path().join("main.log.1"));
    fs::rename(&current, &full).unwrap();
    ann.send("say after\n");
    ann.lines_until_fence();

    let (before, after) = (transcript(&full), transcript(&current));
    let missing = 1 + LINES - before.len();
    let gap = format!("-- {missing} lines are missing here --");
    assert_eq!(after, [gap, "ann: after".to_owned()]);
    drop(ann);
    program.stop();
}

/// A server that has recorded in this folder, which is gone since, and ann, who is there.
fn without_folder(data: &Path) -> (TestServer, TestClient) {
    let server = server(data);
    let mut ann = server.login("ann");
    // Once it is seen it is recorded, and all before it.
    ann.send("say recorded\n");
    ann.expect("ann: recorded");
    fs::remove_dir_all(data).unwrap();
    (server, ann)
}

#[test]
fn the_chat_goes_on_without_the_folder() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let (_server, mut ann) = without_folder(&data);
    ann.send("say lost\nping 1\n");
    assert_eq!(ann.lines_until("pong 1"), ["ann: lost"]);
    fs::create_dir(&data).unwrap();
    ann.send("say found\nping 2\n");
    assert_eq!(ann.lines_until("pong 2"), ["ann: found"]);
    let lines = transcript(&data.join("main.log"));
    assert_eq!(lines, ["-- 1 lines are missing here --", "ann: found"]);
}

/// A folder that was made anew under a running server is this one's again, unless another server was
/// faster.
#[test]
fn a_folder_made_anew_has_one_server_too() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let (_first, mut ann) = without_folder(&data);
    let mut second = server(&data);
    ann.send("say lost\n");
    ann.expect("ann: lost");
    let mut bob = second.login("bob");
    bob.send("say kept\n");
    bob.expect("bob: kept");
    let main = data.join("main.log");
    assert_eq!(transcript(&main), ["bob has entered the room.", "bob: kept"]);
    bob.send("logout\n");
    bob.expect_end();
    second.stop();
    ann.send("say found\n");
    ann.expect("ann: found");
    let gap = "-- 1 lines are missing here --";
    let left = "bob has left the room.";
    let expected = ["bob has entered the room.", "bob: kept", left, gap, "ann: found"];
    assert_eq!(transcript(&main), expected);
}
