//! Every command that docs/check.md shows is run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::tried::until_tried;
use crate::zoo::{Fault, ZooServer};

const PAGE: &str = include_str!("../../../docs/check.md");

#[test]
fn every_command_of_the_page_does_what_it_says() {
    let folder = TempDir::new().unwrap();
    let right = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/right.py");
    std::fs::copy(right, folder.path().join("my_server.py")).unwrap();
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/right_client.py");
    std::fs::copy(client, folder.path().join("my_client.py")).unwrap();
    std::fs::write(folder.path().join("rubric.txt"), "level-1 20\nlevel-2 20\nlogin* 5 # x\n")
        .unwrap();
    let zoo = ZooServer::start(Fault::None);
    let programs = Path::new(env!("CARGO_BIN_EXE_chat-check")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let commands: Vec<_> = PAGE.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() >= 10, "{commands:?}");
    let run = |command: &str| {
        let command = command.replace("127.0.0.1:6666", &zoo.address.to_string());
        let output = until_tried(|| {
            let mut bash = Command::new("bash");
            bash.args(["-c", &command]).current_dir(folder.path()).env("PATH", &path);
            bash.stdin(Stdio::null()).output().unwrap()
        });
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{text}{errors}");
    };
    // They wait more than they work, so some of them run together.
    thread::scope(|scope| {
        for some in commands.chunks(commands.len().div_ceil(3)) {
            scope.spawn(|| some.iter().for_each(|command| run(command)));
        }
    });
    assert!(folder.path().join("report.xml").exists());
}

#[test]
fn the_page_has_every_exit_code() {
    for line in chat_check::exit::TABLE.lines().skip(1) {
        let code = line.split_whitespace().next().unwrap();
        assert!(PAGE.contains(&format!("\n| {code} | ")), "{code}");
    }
}
