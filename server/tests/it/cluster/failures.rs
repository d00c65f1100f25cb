//! What happens when a server, the engine or the log goes away, as `docs/several-servers.md` has it.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{server, server_with, shared};
use crate::engine::Engine;
use crate::ports::Port;
use crate::program::Program;
use crate::support::TestClient;

/// What a Redis must have so that nothing is lost when it is killed.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Nobody is thrown out, and what is said meanwhile is seen later, once.
#[test]
fn while_the_engine_is_away_lines_wait() {
    let Some(mut engine) = Engine::start(&DURABLE) else { return };
    let servers = [server(&engine), server(&engine)];
    let mut al = servers[0].login("al");
    let mut bob = servers[1].login("bob");
    al.expect("bob has entered the room.");
    engine.kill();
    al.send("say 1\n");
    bob.send("say 2\n");
    for client in [&mut al, &mut bob] {
        client.expect("Lines Waiting");
    }
    al.send("say 3\n");
    bob.send("say 4\nlook\n");
    engine.restart();
    let mut seen = [Vec::new(), Vec::new()];
    for (client, seen) in [&mut al, &mut bob].into_iter().zip(&mut seen) {
        while seen.iter().filter(|line: &&String| line.contains(": ")).count() < 4
            || !seen.contains(&"Lines Moving".to_owned())
        {
            seen.push(client.line());
        }
        seen.retain(|line| line.contains(": "));
    }
    assert_eq!(seen[0], seen[1]);
    seen[0].sort();
    assert_eq!(seen[0], ["al: 1", "al: 3", "bob: 2", "bob: 4"]);
    al.send("say it goes on\n");
    for client in [&mut al, &mut bob] {
        client.lines_until("al: it goes on");
    }
}

/// One that died without a word, and one that was only stopped for a while.
#[test]
fn a_server_that_is_gone_takes_its_users_with_it() {
    let Some(engine) = Engine::start(&[]) else { return };
    // It has the usual pulse, so the other one has it too.
    let near = server_with(&engine, |config| {
        let mut log = shared(&engine);
        log.pulse = Duration::from_secs(2);
        config.log = Some(log);
    });
    let mut al = near.login("al");
    let far = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
        let url = format!("redis://127.0.0.1:{}", engine.port);
        command.args(["--listen", "127.0.0.1:0", "--log", &url]);
        let mut program = Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let address = program.address().0;
        (program, address)
    };
    let (killed, address) = far();
    let mut bob = TestClient::connect(address);
    bob.send("login bob\n");
    al.expect("bob has entered the room.");
    let (stopped, address) = far();
    let mut carl = TestClient::connect(address);
    carl.send("login carl\n");
    al.expect("carl has entered the room.");
    killed.signal(Signal::SIGKILL);
    stopped.signal(Signal::SIGSTOP);
    let mut left = [al.line(), al.line()];
    left.sort();
    assert_eq!(left, ["bob has left the room.", "carl has left the room."]);
    // The name is free again. The one that was cut off finds what has become of it.
    let mut again = near.login("carl");
    al.expect("carl has entered the room.");
    stopped.signal(Signal::SIGCONT);
    assert!(carl.rest().ends_with("\nServer Cut Off\n"));
    let mut dora = TestClient::connect(address);
    dora.send("login dora\nsay I am back\n");
    al.expect("dora has entered the room.");
    al.expect("dora: I am back");
    again.expect("dora has entered the room.");
}

#[test]
fn a_server_that_stops_lets_its_users_leave() {
    let Some(engine) = Engine::start(&[]) else { return };
    let (stays, mut goes) = (server(&engine), server(&engine));
    let mut al = stays.login("al");
    let mut bob = goes.login("bob");
    al.expect("bob has entered the room.");
    let stop = thread::spawn(move || goes.stop());
    assert_eq!(bob.rest(), "Server Shutdown\n");
    drop(bob);
    al.expect("bob has left the room.");
    stop.join().unwrap();
    al.send("look\n");
    for line in ["Online Users:", "al"] {
        al.expect(line);
    }
}

/// There is no way back to a log that somebody has emptied. All begin anew together.
#[test]
fn when_the_log_is_emptied_all_begin_anew() {
    let Some(engine) = Engine::start(&[]) else { return };
    let servers = [server(&engine), server(&engine)];
    let mut al = servers[0].login("al");
    let mut bob = servers[1].login("bob");
    assert_eq!(engine.ask(&["FLUSHALL"]), "OK");
    for client in [&mut al, &mut bob] {
        assert!(client.rest().ends_with("Server Cut Off\n"));
    }
    // A login that is asked for while there is no log waits for one.
    let mut al = servers[0].login("al");
    let mut bob = servers[1].login("bob");
    al.send("say hello\n");
    bob.lines_until("al: hello");
    al.lines_until("al: hello");
    bob.send("look\n");
    for line in ["Online Users:", "al", "bob"] {
        bob.expect(line);
    }
}

/// What docs/several-servers.md says of servers. What it says of the engine is held by the log's tests.
#[test]
fn each_failure_of_the_page_is_held_by_a_test() {
    let page = include_str!("../../../../docs/several-servers.md");
    let servers = page.split("\n## The servers\n").nth(1).unwrap();
    let table = servers.split("\n| what happens |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        let name = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let test = format!("#[test]\nfn {}()", name.trim_matches('`'));
        assert!(
            name == "the same" || include_str!("failures.rs").contains(&test),
            "no test {name}"
        );
    }
}

#[test]
fn a_server_stops_in_time_also_without_the_engine() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let mut server = server(&engine);
    let mut al = server.login("al");
    engine.kill();
    al.send("say 1\nlook\n");
    al.expect("Lines Waiting");
    let begin = Instant::now();
    let stop = thread::spawn(move || server.stop());
    assert!(al.rest().ends_with("Server Shutdown\n"));
    drop(al);
    stop.join().unwrap();
    // Five seconds are for what waits for the engine, and the rest is the machine's.
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

/// Whoever connects and goes without a login waits for no engine, and holds no place.
#[test]
fn without_the_engine_visitors_come_and_go() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let server = server_with(&engine, |config| config.max_clients = 3);
    let mut al = server.login("al");
    engine.kill();
    for _ in 0..10 {
        let mut visitor = server.connect();
        visitor.send("logout\n");
        visitor.expect_end();
    }
    al.send("ping 1\n");
    al.lines_until("pong 1");
}

#[test]
fn what_is_wrong_with_the_log_is_said_in_one_line() {
    let (nobody, folder) = (Port::new(), TempDir::new().unwrap());
    let folder = folder.path().to_str().unwrap();
    let url = &format!("redis://user:secret@127.0.0.1:{}", nobody.address().port());
    for (arguments, code, expected) in [
        (vec!["--log", "http://host"], 2, "this is no address of an engine"),
        (vec!["--log", url, "--data", folder], 2, "cannot be used with '--data <DIR>'"),
        (vec!["--log-password", "file"], 2, "--log <URL>"),
        (vec!["--log", url], 3, "cannot be reached"),
        (vec!["--log", url, "--log-password", "/nowhere"], 3, "/nowhere"),
    ] {
        let program = Program::start(&[vec!["--listen", "127.0.0.1:0"], arguments].concat());
        let output = program.output();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        // Whoever waits for `listening on` would come to a server that takes nobody.
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("secret"), "{said}");
        let is_one_line = said.lines().filter(|line| line.contains("chat-server: ")).count() == 1;
        assert!(code == 2 || is_one_line, "{said}");
    }
}
