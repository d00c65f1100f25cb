//! Options in a file: `--config` and `check-config`.

use std::fs;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::program::Program;

/// A file with this text.
fn file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// The exit code of a server that does not start, and what it says with the path as FILE.
fn refused(arguments: &[&str], path: &str) -> (i32, String) {
    let output = Program::start(arguments).output();
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap().replace(path, "FILE");
    (output.status.code().unwrap(), said)
}

#[test]
fn a_server_takes_its_options_from_a_file() {
    let (_folder, path) =
        file("listen = ['127.0.0.1:0', '127.0.0.1:0']\nclassic = '127.0.0.1:0'\n");
    let mut program = Program::start(&["--config", &path]);
    let listeners = [(); 3].map(|()| program.address().1);
    assert_eq!(listeners, ["", "", "(classic)"]);
    program.stop();
}

#[test]
fn the_command_line_goes_before_the_file_and_completes_it() {
    // The address of the file cannot be listened at, and `sync` needs the data of the command line.
    let (folder, path) = file("listen = '192.0.2.1:1'\nsync = true\n");
    let data = folder.path().join("data");
    let listen = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let mut program = Program::start(&[&["--config", &path], &listen[..]].concat());
    program.address();
    program.stop();
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_starts_nothing() {
    for (text, why) in [
        ("rate = 1\nrata = 2\n", "line 2: there is no rata; the keys are the options"),
        ("max_line = 100\n", "line 1: there is no max_line; write max-line"),
        ("\nrate = -1\n", "line 2: invalid value '-1' for '--rate <N>'"),
        ("listen = 'nowhere'\n", "line 1: invalid value 'nowhere' for '--listen"),
        ("rate = \n", "line 1: "),
    ] {
        let (_folder, path) = file(text);
        let (code, said) = refused(&["--config", &path], &path);
        assert_eq!(code, 2, "{said}");
        assert!(said.starts_with(&format!("chat-server: FILE: {why}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let (code, checked) = refused(&["check-config", &path], &path);
        assert_eq!((code, checked), (1, said));
    }
    let (_folder, path) = file("sync = true\n");
    let (code, said) = refused(&["check-config", &path], &path);
    assert!(code == 1 && said.contains("--data <DIR>") && said.lines().count() == 1, "{said}");
    let (code, said) = refused(&["--config", "/no/such"], "/no/such");
    assert!(code == 2 && said.starts_with("chat-server: FILE: No such file"), "{said}");
    let (folder, path) = file("data = '/x'\nsync = true\n");
    assert_eq!(refused(&["check-config", &path], &path), (0, String::new()));
    // Nobody writes to this pipe.
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    for path in [&pipe, folder.path()].map(|path| path.to_str().unwrap()) {
        let said = "chat-server: FILE: it is no regular file\n".to_owned();
        assert_eq!(refused(&["--config", path], path), (2, said));
    }
}

/// What the page about running a server shows.
#[test]
fn the_file_of_the_page_is_right() {
    let page = include_str!("../../../docs/operating.md");
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let (_folder, path) = file(text);
    assert_eq!(refused(&["check-config", &path], &path), (0, String::new()));
}
