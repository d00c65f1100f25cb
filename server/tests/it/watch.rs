//! `watch`: reading a room without a name. What a watcher may ask is in the transcripts.

use std::fs;
use std::io::Write;
use std::time::Duration;

use crate::support::{TestClient, TestServer, operators_file};

fn watch(server: &TestServer, room: &str) -> TestClient {
    let mut watcher = server.connect();
    watcher.send(&format!("watch {room}\n"));
    watcher.expect("Watch Success");
    watcher
}

#[test]
fn a_room_is_open_for_as_long_as_it_is_watched_and_listed_while_somebody_is_in_it() {
    let server = TestServer::start();
    let (mut one, mut two) = (watch(&server, "den"), watch(&server, "DEN"));
    one.send("rooms\n");
    assert_eq!(one.lines_until_fence(), ["Rooms:", "main 0"]);
    let mut ann = server.login("ann");
    ann.send("join den\ntopic tea\n");
    ann.expect("Join Success");
    ann.expect("ann set the topic: tea");
    one.expect("ann has entered the room.");
    one.expect("ann set the topic: tea");
    one.send("rooms\n");
    assert_eq!(one.lines_until_fence(), ["Rooms:", "den 1", "main 0"]);
    ann.send("logout\n");
    ann.expect_end();
    one.expect("ann has left the room.");
    one.send("rooms\n");
    assert_eq!(one.lines_until_fence(), ["Rooms:", "main 0"]);

    // The room is still the same, up to the last of them.
    one.send("logout\n");
    one.expect_end();
    two.lines_until("ann has left the room.");
    two.send("topic\n");
    two.expect("Topic: tea");
    // By a move to another room, too.
    two.send("watch main\nwatch den\ntopic\n");
    two.expect("Watch Success");
    two.expect("Watch Success");
    two.expect("Topic: ");
}

#[test]
fn a_watcher_leaves_no_line_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::with(|config| {
        config.data = Some(folder.path().to_owned());
    });
    let mut watcher = watch(&server, "den");
    watcher.send("history\nwatch main\nhistory\nlogout\n");
    for line in ["History:", "Watch Success", "History:"] {
        watcher.expect(line);
    }
    watcher.expect_end();
    server.stop();
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let logs: Vec<_> = files.filter(|name| name.to_string_lossy().ends_with(".log")).collect();
    assert!(logs.is_empty(), "{logs:?}");
}

#[test]
fn a_server_may_have_no_watchers() {
    let server = TestServer::with(|config| config.watchers = false);
    let mut ann = server.connect();
    ann.send("watch\nhelp watch\nlogin ann\n");
    ann.expect("Unknown command: watch");
    ann.expect("Unknown command: watch");
    ann.expect("Login Success");
}

#[test]
fn what_ends_others_ends_watchers_and_the_time_in_the_login_room_does_not() {
    let hasty = TestServer::with(|config| config.login_timeout = Duration::from_millis(200));
    let mut watcher = loop {
        let mut watcher = hasty.connect();
        // On a busy machine the time may be over before the request is there, or is sent.
        let _ = watcher.stream().write_all(b"watch\n");
        match watcher.line().as_str() {
            "Watch Success" => break watcher,
            line => assert_eq!(line, "Login Timeout"),
        }
    };
    // Somebody else who is silent for as long as is allowed shows that the time has passed.
    assert_eq!(hasty.connect().rest(), "Login Timeout\n");
    watcher.expect_nothing_but("here");

    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::with(|config| {
        config.operators = Some(operators_file(&folder, &[("teacher", "open")]));
    });
    let mut watcher = watch(&server, "");
    let mut teacher = server.login("teacher open");
    teacher.send("op open\nannounce tea\nban 127.0.0.1 5\n");
    let answers = ["Operator Success", "* tea", "Ban Success"];
    answers.iter().for_each(|line| teacher.expect(line));
    for line in ["teacher has entered the room.", "* tea", "Banned for 5 minutes"] {
        watcher.expect(line);
    }
    watcher.expect_end();
    teacher.send("ban 127.0.0.1 0\n");
    teacher.expect("Ban Success");

    // Whoever watches gets every line before the server's last word.
    let mut watcher = watch(&server, "main");
    teacher.send(&format!("{}ping\n", "say x\n".repeat(1000)));
    teacher.lines_until("pong");
    server.stop();
    let last = watcher.rest();
    assert_eq!(last, format!("{}Server Shutdown\n", "teacher: x\n".repeat(1000)));
}

#[test]
fn a_watcher_that_comes_again_gets_what_it_has_missed() {
    let server = TestServer::start();
    let mut ann = server.login("ann");
    let mut watcher = watch(&server, "");
    ann.send("say one\n");
    watcher.expect("ann: one");
    watcher.send("since\n");
    let line = watcher.line();
    let position = line.strip_prefix("Room Position: ").unwrap();
    drop(watcher);
    ann.send("say two\nping\n");
    ann.lines_until("pong");
    let mut watcher = watch(&server, "");
    ann.send("say three\n");
    watcher.expect("ann: three");
    watcher.send(&format!("since {position}\n"));
    let rows = watcher.lines_until_fence();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0] == "History:" && rows[1].ends_with("Z] ann: two"), "{rows:?}");
}

#[test]
fn a_browser_may_watch() {
    let server = TestServer::start();
    let mut watcher = server.connect_web();
    watcher.expect("Connect Success");
    watcher.send("watch\n");
    watcher.expect("Watch Success");
    let mut ann = server.login("ann");
    ann.send("say hi\n");
    watcher.expect("ann has entered the room.");
    watcher.expect("ann: hi");
}
