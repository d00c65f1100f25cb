//! The processes that the program starts, and how they end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::{RIGHT, check};

/// Waits for a killed process, which ends as soon as the system comes to it; it may wait to be reaped then.
fn wait_for_the_end_of(process: &str) {
    let stat = Path::new("/proc").join(process.trim()).join("stat");
    let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    let start = std::time::Instant::now();
    while runs() {
        assert!(start.elapsed().as_secs() < 30, "it runs still");
        thread::yield_now();
    }
}

#[test]
fn nothing_that_a_server_started_is_left() {
    let folder = TempDir::new().unwrap();
    let started = folder.path().join("started");
    let script =
        format!("sleep 1000 & echo $! > {}; exec python3 {RIGHT} {{port}}", started.display());
    check(&["server", "--only", "greeting", "--", "sh", "-c", &script], 0, &["1 passed"]);
    let process = std::fs::read_to_string(started).unwrap();
    wait_for_the_end_of(&process);
}

#[test]
fn what_a_server_left_behind_does_not_keep_anybody_waiting() {
    // The first stays in the server's group; the second leaves it and is ended by the test.
    let folder = TempDir::new().unwrap();
    let left = folder.path().join("left");
    let left_by = left.display();
    let away = format!(
        "setsid sh -c 'echo $$ >{left_by}; exec sleep 100' & until [ -s {left_by} ]; do sleep 0.05; done;"
    );
    for script in ["sleep 100 &", &away] {
        let start = std::time::Instant::now();
        let script = format!("{script} echo oh; exit 5 # {{port}}");
        check(&["server", "--", "sh", "-c", &script], 3, &["exit status: 5", "    oh"]);
        assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    }
    let process = std::fs::read_to_string(left).unwrap();
    assert!(Command::new("kill").arg(process.trim()).status().unwrap().success());
}

#[test]
fn ctrl_c_ends_everything_that_was_started() {
    let folder = TempDir::new().unwrap();
    let started = folder.path().join("started");
    let script = format!("echo $$ > {}; exec python3 {RIGHT} {{port}}", started.display());
    let mut checker = Command::new(env!("CARGO_BIN_EXE_chat-check"))
        .args(["server", "--level", "5", "--", "sh", "-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line of the report: a server runs.
    BufReader::new(checker.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let process = std::fs::read_to_string(&started).unwrap();
    let interrupt = ["-INT", &checker.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(checker.wait().unwrap().code(), Some(130));
    wait_for_the_end_of(&process);
}
