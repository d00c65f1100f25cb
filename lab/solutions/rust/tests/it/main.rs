//! The lab holds what it promises: starters and solutions pass their levels, and every command of
//! the handout does what the handout says, in both languages.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod handout;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// The folder of the programs of the whole workspace, which are built when they are first needed.
fn programs() -> &'static Path {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        // When all tests are run, these are built already. Fewer packages would be built anew, with fewer
        // features of their dependencies.
        let mut cargo = outside_of_cargo(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
        assert!(cargo.status().unwrap().success());
    });
    Path::new(env!("CARGO_BIN_EXE_solved-server")).parent().unwrap()
}

/// A command that is run where the project is, and is not told what cargo tells this test of its crate. The
/// script that builds `ring` looks at that, so another cargo would build `ring` anew, and all that uses it.
fn outside_of_cargo(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(root());
    command
}

fn check(arguments: &[&str]) -> Output {
    let programs = programs();
    let arguments = arguments.iter().map(|word| word.replace("BIN", programs.to_str().unwrap()));
    let mut checker = outside_of_cargo(programs.join("chat-check"));
    checker.args(arguments);
    until_tried(&mut checker)
}

/// Runs what checks a server, until there was time to try everything: the checker's minute counts also while
/// others have the processors.
fn until_tried(command: &mut Command) -> Output {
    const TRIES: usize = 5;
    let mut output = command.output().unwrap();
    for _ in 1..TRIES {
        if !String::from_utf8_lossy(&output.stdout).contains(" s are over") {
            break;
        }
        output = command.output().unwrap();
    }
    output
}

#[track_caller]
fn passes(arguments: &[&str]) {
    let output = check(arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(" 0 failed"), "{text}");
}

#[test]
fn starters_run_and_pass_level_0() {
    passes(&["server", "--level", "0", "--", "python3", "lab/python/server.py", "{port}"]);
    passes(&["server", "--level", "0", "--", "BIN/my-server", "{port}"]);
    let server = outside_of_cargo(root().join("scripts/with-server"))
        .env("CHAT_PROGRAMS", programs())
        .args(["-q", "--", "bash", "-c"])
        .arg("python3 lab/python/client.py $CHAT_PORT && cargo run -q -p my-chat --bin my-client $CHAT_PORT")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&server.stdout), "Connect Success\n\n".repeat(2));
}

#[test]
fn the_simplest_server_passes_level_4_and_is_stopped_by_a_reader_that_stalls() {
    let simple = ["--", "BIN/examples/simple", "--listen", "127.0.0.1:{port}"];
    passes(&[&["server", "--level", "4"], &simple[..]].concat());
    let stall = ["server", "--only", "a-reader-that-stalls-stops-nobody"];
    assert_eq!(check(&[&stall, &simple[..]].concat()).status.code(), Some(1));
}

#[test]
fn the_solution_in_python_passes_level_5() {
    passes(&[
        "server",
        "--level",
        "5",
        "--",
        "python3",
        "lab/solutions/python/server.py",
        "{port}",
    ]);
}

#[test]
fn the_solution_in_rust_passes_level_5() {
    passes(&["server", "--level", "5", "--", "BIN/solved-server", "{port}"]);
}

#[test]
fn the_clients_pass() {
    passes(&["client", "--raw", "--", "python3", "lab/solutions/python/client.py", "{port}"]);
    passes(&["client", "--raw", "--", "BIN/solved-client", "{port}"]);
    passes(&["client", "--raw", "--", "BIN/examples/simple_client", "127.0.0.1:{port}"]);
    let own = ["BIN/chat-client", "--server", "{host}:{port}"];
    passes(&[&["client", "--raw", "--"], &own[..]].concat());
    passes(&[&["client", "--raw", "--"], &own[..], &["--name", "{name}"]].concat());
}

#[test]
fn the_simplest_programs_are_short() {
    for (file, most) in
        [("server/examples/simple.rs", 200), ("client/examples/simple_client.rs", 100)]
    {
        let lines = fs::read_to_string(root().join(file)).unwrap().lines().count();
        assert!(lines <= most, "{file} has {lines} lines");
    }
}

#[test]
fn a_class_is_graded_and_nothing_that_it_started_goes_on() {
    let class = TempDir::new().unwrap();
    let folder = |name: &str, file: &str, text: &str| {
        let folder = class.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
    };
    let solution = fs::read_to_string(root().join("lab/solutions/python/server.py")).unwrap();
    let starter = fs::read_to_string(root().join("lab/python/server.py")).unwrap();
    let left = class.path().join("left");
    folder("right", "server.py", &solution);
    folder("begun", "server.py", &starter);
    folder("command", "command", &format!("{}/solved-server {{port}}", programs().display()));
    let left_by = left.display();
    let stays = format!(
        "setsid sh -c 'echo $$ >{left_by}; exec sleep 600' & until [ -s {left_by} ]; do sleep 0.05; done; exit 1"
    );
    folder("stays", "run.sh", &stays);
    folder("stays", "command", "bash run.sh {port}");
    let (table, report) = (class.path().join("table.csv"), class.path().join("report.xml"));
    let output = outside_of_cargo(root().join("scripts/grade"))
        .arg(class.path())
        .args(["--level", "1", "--seconds", "120", "--checker"])
        .arg(programs().join("chat-check"))
        .arg("--csv")
        .arg(&table)
        .arg("--junit")
        .arg(&report)
        .output()
        .unwrap();
    let text = fs::read_to_string(table).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), text);
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    // What needs classic framing was not tried, and is no check that passed.
    assert!(row("right,").starts_with("right,passed,1,11,0,"), "{text}");
    assert!(row("command,").starts_with("command,passed,1,"), "{text}");
    assert!(row("begun,").starts_with("begun,failed,0,"), "{text}");
    assert!(row("begun,").ends_with(",login"), "{text}");
    assert!(!row("stays,").contains("passed"), "{text}");
    let report = fs::read_to_string(report).unwrap();
    assert_eq!(report.matches("<testsuite ").count(), 4);
    let process = fs::read_to_string(left).unwrap();
    // One that has ended and that nobody has waited for yet has no command line any more.
    let command = Path::new("/proc").join(process.trim()).join("cmdline");
    assert_eq!(fs::read_to_string(command).unwrap_or_default(), "", "it goes on");
}
