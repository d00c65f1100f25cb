//! What was said is not lost: transcripts, across restarts and `kill -9`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::program::Program;
use crate::support::{TestClient, TestServer};

pub fn server(folder: &Path) -> TestServer {
    TestServer::with(|config| config.data = Some(folder.to_owned()))
}

/// The lines of a transcript without their times, whose form is checked.
#[track_caller]
pub fn transcript(file: &Path) -> Vec<String> {
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
    program.stop();
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
            .map(|talker| {
                // Before the server can be killed: whoever is connected sees nothing but an end.
                let stream = TcpStream::connect(address).unwrap();
                thread::spawn(move || talk(stream, &format!("r{round}t{talker}")))
            })
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
fn talk(stream: TcpStream, name: &str) -> Vec<String> {
    let mut reader = BufReader::new(stream);
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
