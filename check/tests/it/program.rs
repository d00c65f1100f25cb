//! The program: its command line, its exit codes, and its verdicts on servers.

mod processes;
mod reports;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::tried::until_tried;
use crate::zoo::{Fault, ZooServer};

/// A server in Python that passes up to level 5.
const RIGHT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/right.py");

fn chat_check(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_chat-check");
    until_tried(|| Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap())
}

#[track_caller]
fn check(arguments: &[&str], code: i32, wanted: &[&str]) -> String {
    let output = chat_check(arguments);
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    text
}

/// `right.py` with `old` replaced by `new`, in a file of its own.
fn wrong_python(folder: &TempDir, old: &str, new: &str) -> String {
    let right = std::fs::read_to_string(RIGHT).unwrap();
    assert!(right.contains(old), "{old}");
    let path = folder.path().join("wrong.py");
    std::fs::write(&path, right.replace(old, new)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_right_server_passes_through_every_mood_that_keeps_all() {
    let list = check(&["server", "--list"], 0, &[]);
    // The server is right up to level 5.
    let (list, _) = list.split_once("level 6: ").unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<_> = names.collect();
    // They wait more than they work, so each mood has its checks tried by two at the same time.
    let run = |mood: &str, names: &[&str]| {
        let only = names.iter().flat_map(|name| ["--only", name]).collect::<Vec<_>>();
        let command = ["--", "python3", RIGHT, "{port}"];
        let said =
            check(&[&["server", "--mood", mood], &only[..], &command].concat(), 0, &[" 0 failed"]);
        said.lines().filter(|line| line.starts_with("  ok    ")).count()
    };
    let moods = ["pieces", "glue", "slow"];
    let passed = thread::scope(|scope| {
        let running = moods.map(|mood| {
            names
                .chunks(names.len().div_ceil(2))
                .map(|names| scope.spawn(move || run(mood, names)))
                .collect::<Vec<_>>()
        });
        running.map(|parts| parts.into_iter().map(|part| part.join().unwrap()).sum::<usize>())
    });
    let classic = names.iter().filter(|name| name.ends_with("-classic")).count();
    assert_eq!(passed, [names.len() - classic; 3]);
}

#[test]
fn a_server_that_spins_or_grows_is_caught() {
    let folder = TempDir::new().unwrap();
    let spins = "server = socket.create_server";
    let spins = wrong_python(
        &folder,
        spins,
        &format!(
            "import time\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()\n{spins}"
        ),
    );
    let only = |name| ["server", "--only", name, "--", "python3"];
    let text = ["FAIL  no-spin-when-idle", "it used the processor in"];
    check(&[&only("no-spin-when-idle")[..], &[&spins, "{port}"]].concat(), 1, &text);
    let grows = wrong_python(
        &folder,
        "kept = (kept + line)[: LINE + 2]\n                if length >= UNTERMINATED:",
        "kept = kept + line\n                if False:",
    );
    let text = ["FAIL  memory-is-bounded", "it grew by"];
    check(&[&only("memory-is-bounded")[..], &[&grows, "{port}"]].concat(), 1, &text);
}

#[test]
fn no_server_is_neither_passed_nor_failed() {
    // A port that was free a moment ago may be that of another test.
    check(&["server", "127.0.0.1:1"], 3, &["nobody listens at"]);
    check(&["server", "--", "no-such-program", "{port}"], 3, &["cannot run no-such-program"]);
    let text = ["the server ended (exit status: 5) before it took a connection", "    oh"];
    check(&["server", "--", "sh", "-c", "echo oh >&2; exit 5 # {port}"], 3, &text);
}

#[test]
fn wrong_usage_is_said_in_one_line() {
    let (command, glob) = (["server", "--", "python3", RIGHT], "no check is called x");
    check(&command, 2, &["put {port} into the command"]);
    check(&["server", "127.0.0.1:1", "--only", "x"], 2, &[glob]);
    check(&["server", "192.0.2.1:1"], 2, &["is on another machine; say --remote"]);
    check(&["server", "127.0.0.1:1", "--mood", "reset"], 2, &["pieces, glue or slow"]);
    check(&["server", "127.0.0.1:1", "--points", "/no/such"], 2, &["/no/such"]);
    check(&["server"], 2, &["HOST:PORT"]);
    check(&[], 2, &["say what to do; --help lists it"]);
    check(&["server", "python3", "-u", "x"], 2, &["put -- before the command"]);
    for arguments in
        [&["server"][..], &["serve"], &["server", "--level", "8"], &["help", "x"], &["proxy"], &[]]
    {
        let text = check(arguments, 2, &["--help"]);
        let is_one_line = text.ends_with('\n') && text.matches('\n').count() == 1;
        assert!(is_one_line && text.starts_with("chat-check: "), "{text}");
    }
}

/// Nobody may be reading, and the exit code tells all the same.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_changes_no_exit_code_but_its_own() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |arguments: &[&str], stdout: Stdio, stderr: Stdio| {
        let program = env!("CARGO_BIN_EXE_chat-check");
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        command.status().unwrap().code()
    };
    for arguments in [&["--no-such-flag"][..], &["server", "192.0.2.1:1"], &["server", "-x"], &[]] {
        assert_eq!(run(arguments, Stdio::null(), full().into()), Some(2), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["server", "--list"], &["--variant", "7"]] {
        assert_eq!(run(arguments, full().into(), Stdio::null()), Some(4), "{arguments:?}");
    }
}

#[test]
fn checks_are_listed_shown_and_explained() {
    check(&["server", "--list"], 0, &["level 0: connects\n", "  login-taken "]);
    check(&["server", "--show", "login-taken"], 0, &["level 1", "eve < UserName Exist"]);
    check(&["server", "--show", "lines-are-whole"], 0, &["level 5", "played by a function"]);
    check(&["help", "transcripts"], 0, &["# Transcripts", "at the same time"]);
}

/// A clone of the course's server: four replies without a newline, each in a packet of its own.
#[test]
fn a_clone_of_the_courses_server_is_checked_by_classic_framing() {
    let folder = TempDir::new().unwrap();
    let send = "self.connection.sendall(line.encode() + b\"\\n\")";
    let bare = "bare = line in (\"Connect Success\", \"Login Success\", \"UserName Empty\", \
                \"UserName Exist\")\n                \
                self.connection.sendall(line.encode() + (b\"\" if bare else b\"\\n\"))";
    let rest = "if length:\n            yield self.decoded(kept, length)";
    let right = std::fs::read_to_string(RIGHT).unwrap();
    assert!(right.contains(send) && right.contains(rest));
    // What stands after the last newline counts for nothing there.
    let clone = right.replace(send, bare).replace(rest, "");
    // A newline behind one of the four is a fault there.
    let wrong = clone.replace("\"UserName Exist\")", "\"\")");
    assert_ne!(wrong, clone);
    let [clone, wrong] = [("course.py", clone), ("wrong.py", wrong)].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let right = ["  ok    login-classic", " 0 failed"];
    // With the option, and found out from the greeting.
    let cases: [(&[&str], _, _, &[&str]); 3] = [
        (&["--classic", "--level", "4"], &clone, 0, &right),
        (&["--level", "1"], &clone, 0, &right),
        (&["--classic", "--level", "1"], &wrong, 1, &["FAIL  login-refused-classic"]),
    ];
    thread::scope(|scope| {
        for (options, server, code, text) in cases {
            let command = ["--", "python3", server, "{port}"];
            scope.spawn(move || check(&[&["server"], options, &command].concat(), code, text));
        }
    });
}

#[test]
fn who_forgets_the_dashes_is_told() {
    check(&["server", "python3", "x.py", "{port}"], 2, &["put -- before the command"]);
    check(&["client", "--", "python3", "x.py"], 2, &["put {port} into the command"]);
}

#[test]
fn a_server_that_knows_no_look_yet_costs_no_time() {
    let folder = TempDir::new().unwrap();
    let begun = wrong_python(&folder, "command == \"look\" and self.name", "False");
    let command = ["server", "--json", "--level", "1", "--", "python3", &begun, "{port}"];
    // Who waited for a list in vain would do so before each check but the first, two seconds or more.
    const WAIT: u64 = 2000;
    let shortest = || {
        let output = chat_check(&command);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let passed = report["checks"].as_array().unwrap().iter().skip(1);
        let passed = passed.filter(|check| check["outcome"] == "passed");
        passed.map(|check| check["milliseconds"].as_u64().unwrap()).min().unwrap()
    };
    // On a busy machine each of them may take so long once.
    assert!((0..3).any(|_| shortest() < WAIT));
}

#[test]
fn a_server_that_hangs_or_floods_gets_a_verdict_in_time() {
    thread::scope(|scope| {
        for fault in [Fault::NoGreeting, Fault::Floods, Fault::ClosesAtOnce] {
            scope.spawn(move || {
                let zoo = ZooServer::start(fault);
                let start = std::time::Instant::now();
                let address = zoo.address.to_string();
                check(&["server", "--level", "5", &address], 1, &["not tried: nothing of level"]);
                assert!(start.elapsed().as_secs() < 70, "{fault:?}: {:?}", start.elapsed());
            });
        }
    });
}

#[test]
fn a_server_that_dies_fails_the_check_that_it_died_in() {
    let folder = TempDir::new().unwrap();
    let dies = wrong_python(
        &folder,
        "except UnicodeDecodeError:",
        "except UnicodeDecodeError:\n            import os; os._exit(9)",
    );
    let only = ["--only", "greeting", "--only", "not-utf8", "--only", "say"];
    let command = ["--", "python3", &dies, "{port}"];
    let text = [
        "  ok    greeting",
        "FAIL  not-utf8",
        "the server ended by itself: exit status: 9",
        "  ok    say",
    ];
    check(&[&["server"], &only[..], &command[..]].concat(), 1, &text);
}

#[test]
fn the_proxy_says_where_it_listens() {
    let zoo = ZooServer::start(Fault::None);
    let mut proxy = Command::new(env!("CARGO_BIN_EXE_chat-check"))
        .args(["proxy", "--listen", "127.0.0.1:0", "--to", &zoo.address.to_string()])
        .args(["--mood", "pieces", "--seed", "7"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim_end().strip_prefix("listening at ").unwrap();
    check(&["server", "--only", "say", address], 0, &["1 passed"]);
    proxy.kill().unwrap();
    proxy.wait().unwrap();
}
