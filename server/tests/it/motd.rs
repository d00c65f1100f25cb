//! What newcomers are told, and which files a server refuses to tell.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::Program;
use crate::support::TestServer;

fn file(folder: &TempDir, contents: &[u8]) -> PathBuf {
    let path = folder.path().join("motd");
    fs::write(&path, contents).unwrap();
    path
}

#[test]
fn newcomers_alone_are_told() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "\u{feff}Welcome, 王小明!\r\n\nToday:\ttea\n".as_bytes());
    let server = TestServer::with(|config| config.motd = Some(path.clone()));
    // It is read once.
    fs::remove_file(path).unwrap();
    let mut ann = server.login("ann");
    ann.send("look\nping 1\n");
    let lines = ann.lines_until("pong 1");
    assert_eq!(lines, ["* Welcome, 王小明!", "* ", "* Today:\ttea", "Online Users:", "ann"]);

    let mut bob = server.login_classic("bob");
    bob.expect_nothing_but("classic clients are told nothing");
    ann.expect("bob has entered the room.");
    ann.expect_nothing_but("nobody is told again");
    ann.send("history\nping 2\n");
    let history = ann.lines_until("pong 2");
    assert_eq!(history.len(), 3, "it is no line of the room: {history:?}");
}

#[track_caller]
fn check_refused(path: &Path, why: &str) {
    let arguments = ["--listen", "127.0.0.1:0", "--motd", path.to_str().unwrap()];
    let output = Program::start(&arguments).output();
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let expected = format!("chat-server: cannot use {}: {why}\n", path.display());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[test]
fn a_bad_file_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    check_refused(&folder.path().join("none"), "No such file or directory (os error 2)");
    check_refused(folder.path(), "it is no regular file");
    check_refused(&file(&folder, b"caf\xe9\n"), "stream did not contain valid UTF-8");
    check_refused(
        &file(&folder, b"one\n\x1b[31mtwo\n"),
        "line 2 has the control character U+001B; write text and tabs alone",
    );
    check_refused(
        &file(&folder, "a\u{9b}b\n".as_bytes()),
        "line 1 has the control character U+009B; write text and tabs alone",
    );
    check_refused(&file(&folder, &[b'x'; 70_000]), "it is longer than 65536 bytes");
}
