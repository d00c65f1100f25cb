//! The files of operators, users and bans: the commands that make them, and what is wrong with one.

use std::fs;
use std::process::Command;

use chat_server::secrets;
use tempfile::TempDir;

use crate::program::{Program, filter};
use crate::support::{TestClient, TestServer, operators_file};

fn hash_password(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    filter(&[&["hash-password"], arguments].concat(), input)
}

fn make_users(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    filter(&[&["make-users"], arguments].concat(), input)
}

#[test]
fn the_program_makes_the_lines_that_it_reads() {
    let folder = TempDir::new().unwrap();
    let (code, line, errors) = hash_password(&["Zoé"], "mot de passe\r\nmore\n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(line.starts_with("Zoé:$argon2id$") && line.ends_with('\n'), "{line}");
    let (code, hash, _) = hash_password(&[], "mot de passe");
    assert_eq!(code, Some(0));
    assert!(hash.starts_with("$argon2id$"), "{hash}");

    let operators = folder.path().join("operators");
    fs::write(&operators, format!("{line}\nann:{hash}")).unwrap();
    let server = TestServer::with(|config| config.operators = Some(operators));
    for name in ["zoé", "ann"] {
        let mut client = server.login(&format!("{name} mot de passe"));
        client.send("op mot de passe\nlogout\n");
        assert_eq!(client.rest(), "Operator Success\n");
    }
}

#[test]
fn passwords_that_cannot_be_sent_are_refused() {
    for input in ["", "\n", " leading\n", "trailing \n", "bell\u{7}\n"] {
        let (code, line, errors) = hash_password(&["ann"], input);
        assert_eq!((code, line.as_str()), (Some(1), ""), "{input:?}");
        let expected = "chat-server: `op` cannot send this password: it must not be empty, begin \
                        or end with a space, or have control characters\n";
        assert_eq!(errors, expected);
    }
    let (code, _, errors) = hash_password(&["a:b"], "x\n");
    assert_eq!(code, Some(2));
    assert!(errors.contains("this cannot be a name: : is not allowed"), "{errors}");
}

#[track_caller]
fn check_refused(arguments: &[&str], why: &str) {
    let output = Program::start(&[&["--listen", "127.0.0.1:0"], arguments].concat()).output();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, format!("chat-server: {why}\n"));
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_bad_file_of_operators_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let good = fs::read_to_string(operators_file(&folder, &[("ann", "x")])).unwrap();
    let path = folder.path().join("operators");
    let file = path.to_str().unwrap();
    for (contents, why) in [
        (format!("{good}bob\n"), "line 2 is not NAME:HASH"),
        (
            "bob:secret\n".to_owned(),
            "line 1 has no hash as `chat-server hash-password` or `make-users` makes it",
        ),
        (
            good.rsplit_once('$').unwrap().0.to_owned(),
            "line 1 has no hash as `chat-server hash-password` or `make-users` makes it",
        ),
        (good.replace("ann", "a b"), "line 1 names no user: a space is not allowed"),
        (good.replace("m=8,", "m=4000000,"), "line 1 has a hash that asks for too much memory"),
        (format!("{good}\n{good}"), "line 3 has a name for the second time"),
    ] {
        fs::write(&path, contents).unwrap();
        check_refused(&["--operators", file], &format!("cannot use {file}: {why}"));
    }
    fs::write(&path, "\n").unwrap();
    let why = format!("{file} names nobody; `chat-server hash-password NAME` makes a line for it");
    check_refused(&["--operators", file], &why);
}

/// One bad line lets nobody else in, keeps no server down, is told, and is not lost.
#[test]
fn a_bad_line_in_the_file_of_bans_is_told_and_kept() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let file = folder.path().join("bans");
    fs::write(&file, b"2999-01-01T00:00:00Z bob \nbob for ever\n2999-01-01T00:00:00Z b\xffd\n")
        .unwrap();
    let (data, operators) = (folder.path().to_str().unwrap(), operators.to_str().unwrap());
    let mut program =
        Program::start(&["--listen", "127.0.0.1:0", "--operators", operators, "--data", data]);
    let mut teacher = TestClient::connect(program.address().0);
    teacher.send("login bob\nlogin carl\nrename teacher open\nop open\nban carl 5\nlogout\n");
    let answers = teacher.rest();
    assert!(answers.starts_with("Connect Success\nBanned for "), "{answers}");
    assert!(answers.ends_with("Operator Success\nBan Success\n"), "{answers}");
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let kept = ["2999-01-01T00:00:00Z bob", "bob for ever", "2999-01-01T00:00:00Z b\u{fffd}d"];
    assert!(lines[0].ends_with(" carl"), "{text}");
    assert_eq!(lines[1..], kept);
    let log = program.stop();
    for number in [2, 3] {
        assert!(log.contains(&format!("{}: line {number} is no ban", file.display())), "{log}");
    }
}

/// What can never be read as a file of bans is another matter.
#[test]
fn what_is_no_file_of_bans_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("ann", "x")]);
    let bans = folder.path().join("bans");
    fs::create_dir(&bans).unwrap();
    let data = folder.path().to_str().unwrap();
    let arguments = ["--operators", operators.to_str().unwrap(), "--data", data];
    let why = format!("cannot use {}: it is no regular file", bans.display());
    check_refused(&arguments, &why);
}

#[test]
fn what_makes_no_sense_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (_, hash) = secrets::make().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let operators = operators.to_str().unwrap();
    let both = path("both", &format!("Teacher:{hash}\n"));
    let empty = path("empty", "\n");
    let plain = path("plain", "let us in\n");
    let users = path("users", &format!("alice:{hash}\n"));
    for (arguments, code, error) in [
        (vec!["--members-only"], 2, "required arguments were not provided"),
        (vec!["--members-only", "--users", &users, "--password", &plain], 2, "cannot be used with"),
        (
            vec!["--users", &both, "--operators", operators],
            3,
            "Teacher is an operator and has a secret",
        ),
        (
            vec!["--users", &empty],
            3,
            "names nobody; `chat-server make-users NAME` makes lines for it",
        ),
        (vec!["--users", &plain], 3, "line 1 is not NAME:HASH"),
        (vec!["--password", &plain], 3, "line 1 has no hash as"),
        (vec!["--password", &empty], 3, "line 1 has to be the only one"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_chat-server"))
            .args(["--listen", "127.0.0.1:0"])
            .args(&arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(error), "{arguments:?}: {errors}");
    }
}

#[test]
fn the_program_makes_users_who_come_in() {
    let folder = TempDir::new().unwrap();
    let (users, sheet) = (folder.path().join("users"), folder.path().join("sheet"));
    let sheet_path = sheet.to_str().unwrap();
    let (code, lines, errors) = make_users(&["--sheet", sheet_path], "ann\n\n Zo\u{e9} \n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let sheet = fs::read_to_string(&sheet).unwrap();
    assert!(sheet.starts_with("ann ") && sheet.lines().count() == 2, "{sheet}");
    fs::write(&users, &lines).unwrap();
    let users_path = users.to_str().unwrap();
    let trace = ["--listen", "127.0.0.1:0", "--trace", "-vv", "--users", users_path];
    let mut program = Program::start(&trace);
    let (address, _) = program.address();
    for line in sheet.lines() {
        let mut client = TestClient::connect(address);
        client.send(&format!("login {line}\nlogout\n"));
        assert!(client.rest().contains("\nLogin Success\n"));
    }
    let log = program.stop();
    for secret in sheet.lines().map(|line| line.split_once(' ').unwrap().1) {
        assert!(!log.contains(secret) && !lines.contains(secret), "{log}");
    }
    // A sheet is never written over.
    let (code, lines, errors) = make_users(&["--sheet", sheet_path, "bob"], "");
    assert_eq!((code, lines.as_str()), (Some(1), ""));
    assert!(errors.starts_with("chat-server: cannot write "), "{errors}");
    // Without one it comes on stderr.
    let (code, lines, errors) = make_users(&["bob"], "");
    assert_eq!(code, Some(0));
    assert!(lines.starts_with("bob:$blake2b$") && errors.starts_with("bob "), "{lines}{errors}");
    for (arguments, input) in [(vec![], "\n"), (vec![], "a b\n"), (vec!["bob", "B0B"], "")] {
        let (code, lines, errors) = make_users(&arguments, input);
        assert_eq!((code, lines.as_str(), errors.lines().count()), (Some(1), "", 1), "{errors}");
    }
}
