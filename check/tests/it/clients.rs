//! A right client passes, and wrong ones, one a typical mistake, are caught by the check that names it.

use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// A client in Python that passes.
const RIGHT: &str = include_str!("../python/right_client.py");

const SHOW: &str = "    for line in lines:\n        print(line, end=\"\", flush=True)\n";

/// What is replaced in the right client, with what, and the check that must catch it.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("\"login \" + input()", "\"login \" + input().upper()", "logs-in"),
    ("send(\"login \" + input())", "connection.sendall(b\"login \" + input().encode())", "logs-in"),
    (
        "    if answer == \"Login Success\\n\":\n        break\n",
        "    break\n",
        "tries-another-name",
    ),
    (
        "    if answer == \"Login Success\\n\":\n        break\n",
        "    if answer != \"Login Success\\n\":\n        sys.exit(1)\n    break\n",
        "tries-another-name",
    ),
    (
        SHOW,
        "    for line in lines:\n        print(line, line, end=\"\", flush=True)\n",
        "shows-what-comes",
    ),
    (
        SHOW,
        "    sys.stdin.readline()\n    for line in lines:\n        print(line, end=\"\", flush=True)\n",
        "shows-what-comes",
    ),
    (
        SHOW,
        "    while data := connection.recv(1024):\n        print(data.decode(errors=\"replace\"), flush=True)\n",
        "shows-pieces-as-one-line",
    ),
    (
        SHOW,
        "    while data := connection.recv(1024):\n        print(data.decode(), end=\"\", flush=True)\n",
        "shows-characters-in-two-packets",
    ),
    (
        "send(\"say \" + typed.rstrip(\"\\n\"))",
        "send(typed.rstrip(\"\\n\"))",
        "sends-what-is-typed",
    ),
    ("for typed in sys.stdin:", "for typed in [\" \".join(sys.stdin)]:", "sends-what-is-typed"),
    ("    os._exit(0)\n", "", "ends-when-the-server-closes"),
];

fn chat_check(arguments: &[&str], folder: &TempDir, client: &str) -> Output {
    let path = folder.path().join("client.py");
    std::fs::write(&path, client).unwrap();
    Command::new(env!("CARGO_BIN_EXE_chat-check"))
        .arg("client")
        .args(arguments)
        .args(["--", "python3"])
        .arg(path)
        .args(["{host}", "{port}"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_right_client_passes() {
    let folder = TempDir::new().unwrap();
    for arguments in [&[][..], &["--pty"]] {
        let output = chat_check(arguments, &folder, RIGHT);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}{errors}");
        assert!(text.ends_with("7 passed, 0 failed\n"), "{text}");
    }
}

#[test]
fn each_mistake_of_a_client_is_caught_by_the_check_that_names_it() {
    let caught = |(old, new, name): &(&str, &str, &str)| {
        assert!(RIGHT.contains(old), "{old}");
        let folder = TempDir::new().unwrap();
        let output = chat_check(&["--only", name], &folder, &RIGHT.replace(old, new));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{new}\n{text}");
        assert!(text.contains(&format!("FAIL  {name}\n")), "{new}\n{text}");
    };
    // They wait more than they work, so some of them run together.
    thread::scope(|scope| {
        for some in MISTAKES.chunks(3) {
            scope.spawn(|| some.iter().for_each(caught));
        }
    });
}

/// What cannot be tried without a login is not counted as seven faults.
#[test]
fn a_client_that_cannot_log_in_gets_one_fault() {
    let folder = TempDir::new().unwrap();
    let output = chat_check(&[], &folder, "print('I end at once')");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("it has ended before"), "{text}");
    assert!(text.contains("0 passed, 1 failed\n6 not tried: each of them begins"), "{text}");
}

#[test]
fn no_client_is_neither_passed_nor_failed() {
    let output = Command::new(env!("CARGO_BIN_EXE_chat-check"))
        .args(["client", "--", "no-such-program", "{port}"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("chat-check: cannot run no-such-program"), "{text}");
}
