//! What was said is not lost: transcripts, across restarts, full disks and `kill -9`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::program::{Program, not_run};
use crate::support::{TestClient, TestServer};

fn server(folder: &Path) -> TestServer {
    TestServer::with(|config| config.data = Some(folder.to_owned()))
}

/// The lines of a transcript without their times, whose form is checked.
#[track_caller]
fn transcript(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| {
        let (time, line) = line.split_once(' ').unwrap();
        assert_eq!(time.len(), "2026-11-22T10:04:05.123Z".len());
        time.parse::<jiff::Timestamp>().unwrap();
        line.to_owned()
    });
    lines.collect()
}

#[test]
fn lines_topic_and_history_survive_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut first = server(folder.path());
    let mut ann = first.login("ann");
    ann.send("say one\ntopic tea\njoin Den\nsay hidden\ntopic cake\nping 1\n");
    ann.lines_until("pong 1");
    first.stop();
    drop(ann);

    assert_eq!(
        transcript(&folder.path().join("main.log")),
        [
            "ann has entered the room.",
            "ann: one",
            "ann set the topic: tea",
            "ann has left the room."
        ]
    );
    let file = folder.path().join("Den.log");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    let second = server(folder.path());
    let mut bob = second.login("bob");
    bob.send("topic\nhistory 4\nping 1\n");
    bob.expect("Topic: tea");
    let rows: Vec<_> = bob.lines_until("pong 1").split_off(1);
    let lines: Vec<_> = rows.iter().map(|row| row.split_once("] ").unwrap().1).collect();
    assert_eq!(
        lines,
        [
            "ann: one",
            "ann set the topic: tea",
            "ann has left the room.",
            "bob has entered the room."
        ]
    );
    // The room comes back with what it has, however its name is written now.
    bob.send("join den\ntopic\nhistory 4\nping 2\n");
    let lines = bob.lines_until("pong 2");
    assert_eq!(lines[..3], ["Join Success", "Topic: cake", "History:"]);
    assert!(lines[4].ends_with("ann: hidden"), "{lines:?}");
    assert!(!folder.path().join("den.log").exists());
}

/// As a client uses it that lost its connection: by the position, whatever the texts are.
#[test]
fn a_position_holds_over_a_restart() {
    let folder = TempDir::new().unwrap();
    let first = server(folder.path());
    let mut ann = first.login("ann");
    let mut position = String::new();
    for number in 0..100 {
        ann.send(&format!("say same\nsince\nsay after {number}\n"));
        ann.expect("ann: same");
        let told = ann.line();
        ann.expect(&format!("ann: after {number}"));
        if number == 70 {
            position = told.strip_prefix("Room Position: ").unwrap().to_owned();
        }
    }
    let missed = |server: &TestServer| {
        let mut bob = server.login("bob");
        bob.send(&format!("since {position}\n"));
        let rows = bob.lines_until_fence();
        let lines = rows.iter().map(|row| row.split_once("] ").map_or(&**row, |it| it.1));
        let said = lines.map(str::to_owned).filter(|line| !line.ends_with("the room."));
        said.collect::<Vec<_>>()
    };
    let later =
        (71..100).flat_map(|number| ["ann: same".to_owned(), format!("ann: after {number}")]);
    let expected: Vec<_> =
        ["History:".to_owned(), "ann: after 70".to_owned()].into_iter().chain(later).collect();
    assert_eq!(missed(&first), expected);
    drop((ann, first));
    assert_eq!(missed(&server(folder.path())), expected);
    // A room that is not recorded has begun anew.
    let unrecorded = TestServer::start();
    assert_eq!(missed(&unrecorded), [format!("Position Gone: {position}"), "History:".to_owned()]);
}

#[test]
fn a_room_that_comes_back_at_once_has_all_of_its_history() {
    let folder = TempDir::new().unwrap();
    let server = server(folder.path());
    let mut ann = server.login("ann");
    for round in 0..50 {
        ann.send(&format!("join den\nsay {round}\njoin main\njoin den\nhistory 2\njoin main\n"));
        let lines = ann.lines_until_fence();
        let position = lines.iter().position(|line| line == "History:").unwrap();
        assert!(lines[position + 1].ends_with("ann has left the room."), "{lines:?}");
        assert!(lines[position + 2].ends_with("ann has entered the room."), "{lines:?}");
    }
}

/// Others hop from room to room without end, and each hop closes a room.
#[test]
fn a_room_with_much_to_read_opens_while_others_close() {
    const HOPPERS: usize = 4;
    let folder = TempDir::new().unwrap();
    let line = "2026-11-22T10:04:05.123Z ann: what was said in the room long ago\n";
    fs::write(folder.path().join("big.log"), line.repeat(15_000)).unwrap();
    let server = server(folder.path());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for hopper in 0..HOPPERS {
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || {
                let mut client = server.login(&format!("hopper{hopper}"));
                while !is_over.load(Ordering::Relaxed) {
                    client.send(&format!("join here{hopper}\njoin there{hopper}\n"));
                    client.lines_until_fence();
                }
            });
        }
        let mut bob = server.login("bob");
        bob.send("join big\nping 1\n");
        // Not a panic yet, for the others have to be told to end.
        let mut answers = Vec::new();
        while answers.last().is_none_or(|last| last != "pong 1") {
            match bob.next_line() {
                Some(line) => answers.push(line),
                None => break,
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(answers.contains(&"Join Success".to_owned()), "{answers:?}");
    });
}

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
    program.signal(Signal::SIGTERM);
    let log = String::from_utf8(program.output().stderr).unwrap();
    assert_eq!(log.matches("main.log cannot be synced").count(), 1, "{log}");
    assert!(!log.contains("cannot be written"), "{log}");
}

/// Somebody who makes the system hold up whoever opens a file to write, for 45 seconds as a rule: see
/// fcntl(2), `F_SETLEASE`. Nothing ends the thread that waits. `None` where the system does not do so.
pub fn hold_up(file: &Path) -> Option<Lease> {
    fs::write(file, "").unwrap();
    let program = "$SIG{IO} = 'IGNORE'; $| = 1; my $read = 0; open(F, '<', $ARGV[0]) or exit 1; \
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
    // What was not recorded was seen by nobody.
    let rest = ann.rest();
    assert!(!rest.contains("ann: second") && !rest.contains("tea"), "{rest}");
}

/// Files that somebody has changed, or a disk has: what is no line of a room acts on nobody.
#[test]
fn what_is_no_line_of_a_room_is_in_no_history() {
    let folder = TempDir::new().unwrap();
    let line = |text: &[u8]| [b"2026-11-22T10:04:05.123Z ", text, b"\n"].concat();
    let bytes = [
        line(b"ann: first"),
        b"\n\0\0\0\0\nno time\n".to_vec(),
        line(b"ann: \x1b[2J"),
        line("ann: \u{9b}2J".as_bytes()),
        line(&[b'x'; 70_000]),
        line(b"ann: caf\xe9"),
        b"2026-11-22T10:04:05.123Z ann: torn \0\0\0".to_vec(),
    ];
    fs::write(folder.path().join("main.log"), bytes.concat()).unwrap();
    fs::write(folder.path().join("main.topic"), "\x1b[2J").unwrap();
    fs::write(folder.path().join("den.topic"), "tea\nbob: I never said this\n").unwrap();
    let server = server(folder.path());
    let mut bob = server.login("bob");
    bob.send("topic\nhistory\njoin den\ntopic\nping 1\n");
    let lines = bob.lines_until("pong 1");
    let time = "[2026-11-22T10:04:05.123Z]";
    let first = format!("{time} ann: first");
    assert_eq!(lines[..3], ["Topic: ", "History:", &first]);
    assert_eq!(lines[3], format!("{time} ann: caf\u{fffd}"));
    assert!(lines[4].ends_with("] bob has entered the room."), "{lines:?}");
    assert_eq!(lines[5..], ["Join Success", "Topic: tea"]);
}

/// What looks the same is one room, however many files somebody has made of it.
#[test]
fn of_two_files_of_one_room_always_the_same_is_used() {
    let folder = TempDir::new().unwrap();
    let names = ["den", "DEN", "Den"];
    for name in names {
        fs::write(folder.path().join(format!("{name}.log")), "").unwrap();
    }
    for _ in 0..5 {
        let server = server(folder.path());
        let mut ann = server.login("ann");
        ann.send("join den\nsay hi\n");
        ann.lines_until("ann: hi");
        drop(ann);
        drop(server);
    }
    let said = names.map(|name| {
        let lines = transcript(&folder.path().join(format!("{name}.log")));
        lines.iter().filter(|line| *line == "ann: hi").count()
    });
    assert_eq!(said, [0, 5, 0], "the first by its characters");
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
    program.signal(Signal::SIGTERM);
    let log = String::from_utf8(program.output().stderr).unwrap();
    assert!(!log.contains(" cannot be "), "{log}");
}

/// While some read what a room has from earlier, others are in it already and speak.
#[test]
fn a_room_that_many_open_at_once_loses_nothing() {
    const CLIENTS: usize = 6;
    const ROUNDS: usize = 10;
    let folder = TempDir::new().unwrap();
    let mut server = server(folder.path());
    let said = "say something that takes some time to write\n".repeat(40);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, said) = (&server, &said);
            scope.spawn(move || {
                let mut client = server.login(&format!("c{number}"));
                for _ in 0..ROUNDS {
                    client.send(&format!("join den\n{said}join main\n"));
                    client.lines_until_fence();
                }
            });
        }
    });
    server.stop();
    let lines = transcript(&folder.path().join("den.log"));
    assert_eq!(lines.len(), CLIENTS * ROUNDS * 42);
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
    program.signal(Signal::SIGTERM);
    assert_eq!(program.output().status.code(), Some(0));
}

#[test]
fn the_chat_goes_on_without_the_folder() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let server = server(&data);
    let mut ann = server.login("ann");
    // Once it is seen it is recorded, and all before it.
    ann.send("say recorded\n");
    ann.expect("ann: recorded");
    fs::remove_dir_all(&data).unwrap();
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
    let first = server(&data);
    let mut ann = first.login("ann");
    ann.send("say recorded\n");
    ann.expect("ann: recorded");
    fs::remove_dir_all(&data).unwrap();
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

#[test]
fn two_servers_do_not_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let _first = server(folder.path());
    let path = folder.path().to_str().unwrap();
    let output = Program::start(&["--listen", "127.0.0.1:0", "--data", path]).output();
    assert_eq!(output.status.code(), Some(3));
    let expected = format!(
        "chat-server: cannot keep transcripts in {path}: another server uses that folder\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[test]
fn a_hangup_opens_the_files_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--data", path, "--sync"]);
    let mut ann = TestClient::connect(program.address().0);
    ann.expect("Connect Success");
    // Whoever sees a line knows that it is recorded, and all lines before it.
    ann.send("login ann\nsay 0\n");
    ann.lines_until("ann: 0");
    let (current, rotated) = (folder.path().join("main.log"), folder.path().join("main.log.1"));
    fs::rename(&current, &rotated).unwrap();
    program.signal(Signal::SIGHUP);
    // The signal takes effect at some moment: speak until it has.
    let mut said = 0;
    while !current.exists() {
        said += 1;
        ann.send(&format!("say {said}\nping {said}\n"));
        ann.lines_until(&format!("pong {said}"));
    }
    assert!(!transcript(&current).is_empty());
    assert_eq!(transcript(&rotated)[0], "ann has entered the room.");
    assert_eq!(transcript(&current).len() + transcript(&rotated).len(), 2 + said);
    drop(ann);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.output().status.code(), Some(0));
}

/// Kills the server in the middle of everything, again and again: what anybody saw is in the
/// transcript, in the same order and whole.
#[test]
fn what_was_seen_survives_kill_dash_nine() {
    const ROUNDS: usize = 50;
    const TALKERS: usize = 4;
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let file = folder.path().join("main.log");
    let mut seen_lines = 0;
    let mut checked = 0;
    for round in 0..ROUNDS {
        let arguments = ["--listen", "127.0.0.1:0", "--data", path, "--rate", "0", "--quiet"];
        let mut program = Program::start(&arguments);
        let address = program.address().0;
        let talkers: Vec<_> = (0..TALKERS)
            .map(|talker| thread::spawn(move || talk(address, &format!("r{round}t{talker}"))))
            .collect();
        // Somebody who has seen this many lines gives the signal: a different moment each time.
        let mut witness = TestClient::connect(address);
        witness.send("login witness\n");
        for _ in 0..20 + round * 37 {
            witness.line();
        }
        program.signal(Signal::SIGKILL);
        program.output();
        // The file is read as it is; only a last line that is torn does not count.
        let mut text = String::new();
        let mut new = File::open(&file).unwrap();
        new.seek(SeekFrom::Start(checked)).unwrap();
        new.read_to_string(&mut text).unwrap();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        checked += whole.len() as u64;
        let recorded: Vec<_> = whole.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        for talker in talkers {
            let seen = talker.join().unwrap();
            seen_lines += seen.len();
            let mut remaining = recorded.iter();
            for line in &seen {
                assert!(remaining.any(|recorded| recorded == line), "round {round}: {line:?}");
            }
        }
    }
    assert!(seen_lines > ROUNDS * TALKERS * 20, "only {seen_lines} lines were seen");
    // A torn line, if there is one, is cut off before the next line, and all others are whole.
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"2026-11-2").unwrap();
    let server = server(folder.path());
    let mut ann = server.login("ann");
    ann.send("say hi\n");
    ann.expect("ann: hi");
    assert_eq!(transcript(&file).last().unwrap(), "ann: hi");
}

/// Talks until the server is gone, and gives back the lines of the room that it saw. There are
/// always some hundred lines under way, and never more, so that not all of the time goes into
/// reading what was said long before the end.
fn talk(address: SocketAddr, name: &str) -> Vec<String> {
    let mut reader = BufReader::new(TcpStream::connect(address).unwrap());
    let mut seen = Vec::new();
    let mut text = format!("login {name}\n");
    for batch in 0.. {
        text.extend((0..300).map(|number| format!("say {batch} {number}\n")));
        text.push_str("ping\n");
        // It fails once the server is gone; what came before is still to be read.
        let _ = reader.get_ref().write_all(text.as_bytes());
        text.clear();
        loop {
            let mut line = String::new();
            let is_read = reader.read_line(&mut line).is_ok();
            match line.strip_suffix('\n') {
                Some("pong") => break,
                Some("Connect Success" | "Login Success") => {}
                Some(line) if line.starts_with("Missed ") => {}
                Some(line) if is_read => seen.push(line.to_owned()),
                _ => return seen,
            }
        }
    }
    seen
}

/// The last line of a room is recorded before the room is closed: or else its transcript is opened
/// again for that line, and stays open.
#[test]
#[cfg(target_os = "linux")]
fn a_room_that_was_left_takes_no_descriptor() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::with(|config| config.data = Some(folder.path().to_owned()));
    let mut ann = server.login("ann");
    for room in 0..20 {
        ann.send(&format!("join room{room}\nsay hi\n"));
        ann.expect("Join Success");
        ann.expect("ann: hi");
    }
    // A room is opened once the recorder has done all that came before.
    ann.send("join main\njoin fence\n");
    ann.expect("Join Success");
    ann.expect("Join Success");
    let open: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|file| file.starts_with(folder.path()))
        .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("room"))
        .collect();
    assert!(open.is_empty(), "{open:?}");
}
