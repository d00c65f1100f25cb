//! Operators against those who resist, with their passwords kept secret.

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chat_server::Config;
use nix::sys::socket::{setsockopt, sockopt};
use tempfile::TempDir;

use crate::program::Program;
use crate::support::{TestClient, TestServer, operators_file};

/// A server with the operator `teacher`, whose password is `open`.
pub fn server(folder: &TempDir, configure: impl FnOnce(&mut Config)) -> TestServer {
    let operators = operators_file(folder, &[("teacher", "open")]);
    TestServer::with(|config| {
        config.operators = Some(operators);
        configure(config);
    })
}

/// That operator, in the room.
pub fn operator(server: &TestServer) -> TestClient {
    let mut teacher = server.login("teacher open");
    teacher.send("op open\n");
    teacher.expect("Operator Success");
    teacher
}

#[test]
fn a_wrong_password_costs_its_giver_time_and_nobody_else() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut teacher = server.login("Teacher open");
    let mut bob = server.login("bob");
    teacher.expect("bob has entered the room.");
    let begin = Instant::now();
    teacher.send("op wrong\nop open\n");
    // The right password of somebody else is wrong too.
    let mut eve = server.login("eve");
    eve.send("op open\nkick bob\n");
    for n in 0..100 {
        bob.send(&format!("say {n}\n"));
    }
    let mut expected = vec!["eve has entered the room.".to_owned()];
    expected.extend((0..100).map(|n| format!("bob: {n}")));
    assert_eq!(teacher.lines_until("Password Wrong"), expected);
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(2), "{took:?}");
    teacher.expect("Operator Success");
    assert_eq!(eve.lines_until("Password Wrong"), expected[1..]);
    eve.expect("Operators Only: kick");
}

#[test]
fn an_operator_gets_in_under_any_name() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut other = server.login("other");
    other.send("op wrong open\nop eve open\nop teacher open\nmute nobody 5\n");
    for line in ["Password Wrong", "Password Wrong", "Operator Success", "No Such User: nobody"] {
        other.expect(line);
    }
}

#[test]
fn by_going_away_a_guesser_spares_no_time() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut bob = server.login("bob");
    let mut guesser = server.login("guesser");
    bob.expect("guesser has entered the room.");
    let begin = Instant::now();
    guesser.send("say now\nop wrong\n");
    bob.expect("guesser: now");
    let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(guesser.stream(), sockopt::Linger, &at_once).unwrap();
    drop(guesser);
    let mut again = server.connect();
    loop {
        // What is said lets the server find out that the connection is gone.
        bob.send("say are you there?\n");
        again.send("login guesser\n");
        if again.line() == "Login Success" {
            break;
        }
    }
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(2), "{took:?}");
}

#[test]
fn guessers_do_not_delay_the_stop() {
    let folder = TempDir::new().unwrap();
    let mut server = server(&folder, |_| {});
    let mut teacher = server.login("teacher open");
    // Half an hour of waiting.
    teacher.send(&"op wrong\n".repeat(1000));
    teacher.end_input();
    server.stop();
    assert!(teacher.rest().ends_with("Server Shutdown\n"));
}

/// Of a flood, much has been read and not yet been said when its sender is muted.
#[test]
fn nobody_hears_who_is_muted() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut teacher = operator(&server);
    let flooder = server.login("flooder");
    teacher.expect("flooder has entered the room.");
    let mut writer = flooder.stream().try_clone().unwrap();
    let mut reader = flooder.stream().try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || while writer.write_all(b"say spam\n").is_ok() {});
        scope.spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        let _end = EndWhenDropped(&flooder);
        for _ in 0..30 {
            teacher.lines_until("flooder: spam");
            teacher.send("mute flooder 5\nping muted\n");
            teacher.lines_until("Mute Success");
            teacher.expect("pong muted");
            teacher.send("mute flooder 0\n");
            teacher.lines_until("Mute Success");
        }
        teacher.lines_until("flooder: spam");
        teacher.send("kick flooder\nping kicked\n");
        teacher.lines_until("Kick Success");
        let lines = teacher.lines_until("pong kicked");
        assert!(lines.iter().all(|line| line == "flooder has left the room."), "{lines:?}");
    });
}

/// Ends a connection that other threads use, so that they end too, also when a check fails.
struct EndWhenDropped<'a>(&'a TestClient);

impl Drop for EndWhenDropped<'_> {
    fn drop(&mut self) {
        let _ = self.0.stream().shutdown(Shutdown::Both);
    }
}

#[test]
fn a_flood_is_ended_and_its_sender_told() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |_| {});
    let mut teacher = operator(&server);
    let mut flooder = server.login("flooder");
    let mut writer = flooder.stream().try_clone().unwrap();
    let flood = thread::spawn(move || while writer.write_all(b"say spam\n").is_ok() {});
    let reading = thread::spawn(move || {
        loop {
            let line = flooder.line();
            if line != "flooder: spam" {
                flooder.expect_end();
                // It fails where the connection was reset since, as who sends on is not read for ever.
                let _ = flooder.stream().shutdown(Shutdown::Both);
                return line;
            }
        }
    });
    teacher.expect("flooder has entered the room.");
    teacher.send("kick flooder no spam\n");
    let spam = teacher.lines_until("Kick Success");
    assert!(spam.iter().all(|line| line == "flooder: spam"), "{spam:?}");
    teacher.lines_until("flooder has left the room.");
    assert_eq!(reading.join().unwrap(), "Kicked: no spam");
    flood.join().unwrap();
}

#[test]
fn who_waits_for_its_rate_is_dismissed_at_once() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |config| (config.rate, config.burst) = (1, 5));
    let mut teacher = operator(&server);
    let mut bob = server.login("bob");
    teacher.expect("bob has entered the room.");
    // Over a quarter of an hour of waiting.
    bob.send(&"ping\n".repeat(1000));
    bob.expect("pong");
    teacher.send("kick bob\n");
    teacher.expect("Kick Success");
    assert!(bob.rest().ends_with("pong\nKicked: no reason given\n"));
    teacher.expect("bob has left the room.");
}

#[test]
fn who_takes_nothing_is_out_of_the_room_at_once_and_gets_what_it_was_owed() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder, |config| config.couriers = 1);
    let mut teacher = operator(&server);
    let mut bob = server.login("bob");
    teacher.expect("bob has entered the room.");
    // So many answers that its session waits until it takes some.
    let topic = "x".repeat(4000);
    bob.send(&format!("topic {topic}\n"));
    teacher.expect(&format!("bob set the topic: {topic}"));
    let mut writer = bob.stream().try_clone().unwrap();
    let asking = thread::spawn(move || while writer.write_all(b"topic\n").is_ok() {});
    // The one courier passes between any two answers to the teacher, and each time it could empty
    // bob's mailbox if his socket had space; that is used up long before.
    teacher.fill_mailbox("bob", "are you there?");
    teacher.send("say last words\nkick bob that is enough\n");
    teacher.expect("teacher: last words");
    teacher.expect("Kick Success");
    teacher.expect("bob has left the room.");
    teacher.send("msg bob are you there?\n");
    teacher.expect("No Such User: bob");
    bob.expect(&format!("bob set the topic: {topic}"));
    let rest = bob.rest();
    let (owed, last) = rest.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(last, "Kicked: that is enough");
    let answers = owed.lines().filter(|line| *line == format!("Topic: {topic}")).count();
    // More than the 64 KiB that its outbox holds: the rest was on its way already.
    assert!(answers > 20, "only {answers} answers were owed");
    assert!(owed.lines().any(|line| line == "teacher: last words"));
    let _ = bob.stream().shutdown(Shutdown::Both);
    asking.join().unwrap();
}

/// Every file in a folder, as text.
fn contents(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn a_password_is_kept_nowhere() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open sesame")]);
    let data = folder.path().join("data");
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "--trace",
        "-vv",
        "--operators",
        operators.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ]);
    let mut teacher = TestClient::connect(program.address().0);
    teacher.send("op open sesame\nlogin\tteacher\topen sesame\nlogin teacher not sesame\nLOGIN teacher open sesame\n");
    for byte in b"login teacher open sesame\n" {
        teacher.send_bytes(&[*byte]);
    }
    // However the network cuts it, and however it is mistyped.
    for byte in b"op open sesame\n" {
        teacher.send_bytes(&[*byte]);
    }
    teacher
        .send("OP open sesame\n op open sesame\nop\topen sesame\nop not sesame\nhistory\nlogout\n");
    let seen = teacher.rest();
    assert!(seen.contains("Operator Success\n") && seen.contains("Password Wrong\n"), "{seen}");
    assert!(!seen.contains("sesame"), "{seen}");
    drop(teacher);
    let log = program.stop();
    assert!(!log.contains("sesame"), "{log}");
    assert_eq!(log.matches("-> op [password]\\n").count(), 6, "{log}");
    assert_eq!(log.matches("-> login teacher [password]\\n").count(), 4, "{log}");
    assert!(log.contains(" gave a wrong password for teacher"), "{log}");
    assert!(log.contains("(teacher) gave a wrong password for `op`"), "{log}");
    assert!(log.contains("(teacher) is an operator now"), "{log}");
    let files = contents(&data);
    assert!(files.iter().any(|(file, _)| file.ends_with("main.log")), "{files:?}");
    assert!(files.iter().all(|(_, text)| !text.contains("sesame")), "{files:?}");
}

#[test]
fn what_operators_do_is_logged() {
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("teacher", "open")]);
    let operators = operators.to_str().unwrap();
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "--operators", operators]);
    let mut teacher = TestClient::connect(program.address().0);
    teacher.send("login teacher open\nop open\nkick bob bye\nban carl 5\nlogout\n");
    teacher.rest();
    drop(teacher);
    let log = program.stop();
    for act in ["kick bob bye", "ban carl 5"] {
        assert!(log.contains(&format!("(teacher) as operator: {act}\n")), "{log}");
    }
}
