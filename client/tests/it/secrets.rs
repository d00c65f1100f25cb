//! Names that belong to somebody, from the side of their owners.

use std::fs;
use std::path::PathBuf;

use chat_server::secrets;

use crate::cable::Cable;
use crate::program::command;
use crate::pty::{CTRL_D, Pty, fresh_directory};
use crate::real_server::RealServer;
use crate::script::{check, run, start};

/// A server on which `al` and the operator `teacher` have the same secret, and that secret.
fn server(directory: &std::path::Path) -> (RealServer, String, PathBuf) {
    let (secret, hash) = secrets::make().unwrap();
    let (users, operators) = (directory.join("users"), directory.join("operators"));
    let file = directory.join("password");
    fs::write(&users, format!("al:{hash}\n")).unwrap();
    fs::write(&operators, format!("teacher:{hash}\n")).unwrap();
    fs::write(&file, format!("{secret}\nmore\n")).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = RealServer::with(address, |mut config| {
        config.users = Some(users);
        config.operators = Some(operators);
        config
    });
    (server, secret, file)
}

#[test]
fn a_script_gives_its_secret_where_it_is_asked() {
    let directory = fresh_directory();
    let (server, secret, file) = server(&directory);
    let file = file.to_str().unwrap();
    let wrong = directory.join("wrong");
    fs::write(&wrong, "another\n").unwrap();
    let wrong = wrong.to_str().unwrap();
    check(&run(server.address, "say", &["--name", "al", "--password-file", file, "hi"]), 0, "", "");
    // A name that needs none is not given one.
    check(&run(server.address, "say", &["--name", "bo", "--password-file", file, "hi"]), 0, "", "");
    for (arguments, error) in [
        (
            &["--name", "al", "hi"][..],
            "chat-client: login refused: Password Required; give --password-file FILE, or set \
             CHAT_PASSWORD\n",
        ),
        (
            &["--name", "al", "--password-file", wrong, "hi"],
            "chat-client: login refused: Password Wrong; check the password and the name\n",
        ),
    ] {
        check(&run(server.address, "say", arguments), 8, "", error);
    }
    let output = command(&["say", "--server", &server.address.to_string(), "--name", "al", "hi"])
        .env("CHAT_PASSWORD", &secret)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let refused =
        "chat-client: who is an operator? give --password-file FILE, or set CHAT_PASSWORD\n";
    check(&run(server.address, "who", &["--name", "teacher"]), 2, "", refused);
    let who = run(server.address, "who", &["--name", "teacher", "--password-file", file, "--json"]);
    assert_eq!((who.code, who.stderr.as_str()), (Some(0), ""), "{who:?}");
    // One row, so the whole is one object.
    let row: serde_json::Value = serde_json::from_str(&who.stdout).unwrap();
    assert_eq!((&row["name"], &row["room"]), (&"teacher".into(), &"main".into()));
    assert_eq!(row["carrier"], "tcp");
}

#[test]
fn a_prompt_asks_for_the_secret_and_keeps_it_nowhere() {
    let directory = fresh_directory();
    let (server, secret, _) = server(&directory);
    let log = directory.join("log");
    let address = server.address.to_string();
    let arguments =
        ["--server", &address, "--name", "al", "--no-time", "--log", log.to_str().unwrap()];
    let mut pty = Pty::start_with(&arguments, 24, &directory, &[]);
    pty.wait_for_last("password of al:");
    pty.keys("wrong\r");
    pty.wait_for("Password Wrong");
    pty.wait_for_last("password of al:");
    pty.keys(&format!("{secret}\r"));
    pty.wait_for_last("al@main>");
    // To who is no operator, it is who is in the room.
    pty.keys("/who\r");
    pty.wait_for("Online Users:");
    pty.keys("/rename bo\r");
    pty.wait_for_last("bo@main>");
    pty.keys("/rename al\r");
    pty.wait_for("Password Required");
    pty.keys(&format!(" /nick al {secret}\r"));
    pty.wait_for_last("al@main>");
    pty.keys("hello\r");
    pty.wait_for("al: hello");
    // Another one comes, and this one is not brought back.
    let mut again = server.other(&format!("al {secret}"));
    pty.wait_for("Kicked: you came from elsewhere");
    again.send("say mine\n");
    assert_eq!(again.line(), "al: mine");
    pty.keys(CTRL_D);
    for file in [log, directory.join("chat-client").join("history")] {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.is_empty() && !text.contains(&secret), "{}: {text}", file.display());
    }
}

/// The client's machine slept, say: the server still holds the old connection, and so the name.
#[test]
fn a_prompt_gets_its_name_back_from_its_own_ghost() {
    let directory = fresh_directory();
    let (server, secret, _) = server(&directory);
    let cable = Cable::to(server.address);
    let arguments = ["--server", &cable.address(), "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 24, &directory, &[]);
    // One refusal is enough to know that a password is needed.
    let refused = cable.plug();
    pty.wait_for_last("password of al:");
    pty.keys(&format!("{secret}\r"));
    let ghost = cable.plug();
    pty.wait_for_last("al@main>");
    ghost.cut();
    pty.wait_for("connection lost");
    let again = cable.plug();
    pty.wait_for("-- connected again");
    pty.keys("back\r");
    pty.wait_for("al: back");
    assert!(refused.until_closed().ends_with("Password Required\n"));
    let told = ghost.until_closed();
    assert!(told.ends_with("Kicked: you came from elsewhere\n"), "{told}");
    pty.leave();
    assert!(again.until_closed().contains("al: back\n"));
}

#[test]
fn a_script_gets_its_name_back_from_its_own_ghost_and_misses_nothing() {
    let directory = fresh_directory();
    let (server, _, file) = server(&directory);
    let cable = Cable::to(server.address);
    let file = file.to_str().unwrap();
    let options =
        ["--name", "al", "--password-file", file, "--reconnect", "--count", "3", "--from", "bo"];
    let mut bo = server.other("bo");
    let mut follow = start(cable.address(), "follow", &options);
    let mut ghost = cable.plug();
    // It knows its place in the room then.
    ghost.wait_for("Room Position: ");
    bo.send("say one\n");
    follow.read_to("bo: one\n");
    ghost.cut();
    bo.send("say two\nping said\n");
    bo.read_to("pong said");
    let mut again = cable.plug();
    again.wait_for("bo: two");
    bo.send("say three\n");
    let outcome = follow.finish();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let said: Vec<_> =
        outcome.stdout.lines().filter_map(|line| line.split("bo: ").nth(1)).collect();
    assert_eq!(said, ["two", "three"], "{outcome:?}");
    let told = ghost.until_closed();
    assert!(told.ends_with("Kicked: you came from elsewhere\n"), "{told}");
}
