//! Several servers that are one chat, over a real Redis.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chat_server::{Config, SharedLog};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::engine::Engine;
use crate::ports::Port;
use crate::program::Program;
use crate::support::{TestClient, TestServer, operators_file};

/// Servers in these tests say so often that they live. After five times another one counts as gone, so it
/// is more than a busy machine holds a thread up for, and more than a server waits until it tries again to
/// reach the engine.
const PULSE: Duration = Duration::from_secs(1);

/// What a Redis must have so that nothing is lost when it is killed.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

fn shared(engine: &Engine) -> SharedLog {
    SharedLog { address: engine.address(), password: None, authorities: None, pulse: PULSE }
}

fn server(engine: &Engine) -> TestServer {
    server_with(engine, |_| {})
}

fn server_with(engine: &Engine, configure: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::with(|config| {
        config.log = Some(shared(engine));
        configure(config);
    })
}

/// Says something, and waits until everybody here has seen it: then each of them has seen what came
/// before it too.
#[track_caller]
fn fence(speaker: &mut TestClient, name: &str, others: &mut [&mut TestClient]) {
    speaker.send("say fence\n");
    let line = format!("{name}: fence");
    speaker.lines_until(&line);
    for other in others {
        other.lines_until(&line);
    }
}

#[test]
fn users_of_several_servers_are_in_one_room() {
    let Some(engine) = Engine::start(&[]) else { return };
    let servers: Vec<_> = (0..3).map(|_| server(&engine)).collect();
    let mut al = servers[0].login("al");
    let mut bob = servers[1].login("bob");
    al.expect("bob has entered the room.");
    let mut carl = servers[2].login("carl");
    al.expect("carl has entered the room.");
    bob.expect("carl has entered the room.");
    // What is asked for stands where it was asked for.
    carl.send("say a\nlook\nsay b\ntopic tea\nhistory 3\n");
    for line in
        ["carl: a", "Online Users:", "al", "bob", "carl", "carl: b", "carl set the topic: tea"]
    {
        carl.expect(line);
    }
    carl.expect("History:");
    for end in ["carl: a", "carl: b", "carl set the topic: tea"] {
        assert!(carl.line().ends_with(end));
    }
    for client in [&mut al, &mut bob] {
        for line in ["carl: a", "carl: b", "carl set the topic: tea"] {
            client.expect(line);
        }
    }
    bob.send("join den\n");
    bob.expect("Join Success");
    al.expect("bob has left the room.");
    al.send("rooms\nmsg bob come back\nmsg dora hi\n");
    for line in ["Rooms:", "den 1", "main 2", "[to bob] come back", "No Such User: dora"] {
        al.expect(line);
    }
    bob.expect("[from al] come back");
    bob.send("ignore al\nrename robert\n");
    bob.expect("Ignore Success");
    bob.expect("Rename Success");
    bob.expect("bob is now known as robert.");
    al.send("msg robert still there?\n");
    al.expect("Message Refused: robert");
    bob.send("logout\n");
    bob.expect_end();
    carl.expect("bob has left the room.");
    al.send("rooms\n");
    for line in ["Rooms:", "main 2"] {
        al.expect(line);
    }
}

#[test]
fn all_servers_have_one_order() {
    const CLIENTS: usize = 30;
    const LINES: usize = 334;
    let Some(engine) = Engine::start(&[]) else { return };
    let servers: Vec<_> = (0..3).map(|_| server(&engine)).collect();
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|n| servers[n % 3].login(&format!("user{n}"))).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        for later in n + 1..CLIENTS {
            client.expect(&format!("user{later} has entered the room."));
        }
    }
    let talk = |mut client: TestClient| {
        thread::spawn(move || {
            let lines: String = (0..LINES).map(|n| format!("say line {n}\n")).collect();
            client.send(&lines);
            let seen: Vec<_> = (0..CLIENTS * LINES).map(|_| client.line()).collect();
            client.expect_nothing_but("done");
            (seen, client)
        })
    };
    let threads: Vec<_> = clients.into_iter().map(talk).collect();
    let (seen, _clients): (Vec<_>, Vec<_>) =
        threads.into_iter().map(|thread| thread.join().unwrap()).unzip();
    for (n, lines) in seen.iter().enumerate() {
        assert!(*lines == seen[0], "user{n} has another order than user0");
    }
    for n in 0..CLIENTS {
        let own = format!("user{n}: line ");
        let own = seen[0].iter().filter_map(|line| line.strip_prefix(&own)?.parse::<usize>().ok());
        assert!(own.eq(0..LINES), "the lines of user{n}");
    }
}

#[test]
fn of_logins_under_one_name_on_several_servers_one_succeeds() {
    let Some(engine) = Engine::start(&[]) else { return };
    let servers: Vec<_> = (0..3).map(|_| server(&engine)).collect();
    for round in 0..20 {
        let attempts: Vec<_> = (0..6)
            .map(|n| {
                let mut client = servers[n % 3].connect();
                thread::spawn(move || {
                    client.send(&format!("login name{round}\n"));
                    (client.line(), client)
                })
            })
            .collect();
        let answers: Vec<_> = attempts.into_iter().map(|it| it.join().unwrap()).collect();
        let count = |text| answers.iter().filter(|(line, _)| line == text).count();
        assert_eq!((count("Login Success"), count("UserName Exist")), (1, 5));
    }
}

#[test]
fn a_name_is_free_everywhere_once_its_connection_has_ended() {
    let Some(engine) = Engine::start(&[]) else { return };
    let servers: Vec<_> = (0..3).map(|_| server(&engine)).collect();
    for round in 0..30 {
        let mut al = servers[round % 3].login("al");
        al.send("say last words\nlogout\n");
        al.expect("al: last words");
        al.expect_end();
    }
}

#[test]
fn operators_reach_the_users_of_other_servers() {
    let Some(engine) = Engine::start(&[]) else { return };
    let folder = TempDir::new().unwrap();
    let operators = operators_file(&folder, &[("olga", "secret")]);
    let with = |config: &mut Config| config.operators = Some(operators.clone());
    let (near, far) = (server_with(&engine, with), server_with(&engine, with));
    let mut olga = near.connect();
    olga.send("login olga secret\nop secret\n");
    olga.expect("Login Success");
    olga.expect("Operator Success");
    let mut al = far.login("al");
    olga.send("mute al 5\n");
    olga.expect("al has entered the room.");
    olga.expect("Mute Success");
    al.expect("Muted for 5 minutes");
    al.send("say psst\n");
    al.expect("Muted for 5 minutes");
    olga.send("mute al 0\nannounce tea is ready\n");
    olga.expect("Mute Success");
    al.expect("Muted for 0 minutes");
    for client in [&mut olga, &mut al] {
        client.expect("* tea is ready");
    }
    al.send("say thanks\n");
    al.expect("al: thanks");
    olga.expect("al: thanks");
    olga.send("kick al enough\n");
    olga.expect("Kick Success");
    olga.expect("al has left the room.");
    assert_eq!(al.rest(), "Kicked: enough\n");
    olga.send("ban bob 10\n");
    olga.expect("Ban Success");
    let mut bob = far.connect();
    bob.send("login bob\n");
    bob.expect("Banned for 10 minutes");
    // A server that comes later knows it too.
    let late = server_with(&engine, with);
    let mut bob = late.connect();
    bob.send("login bob\n");
    bob.expect("Banned for 10 minutes");
}

/// Who proves that a name is its own gets it from an older connection, wherever that is.
#[test]
fn a_name_is_taken_back_from_another_server() {
    let Some(engine) = Engine::start(&[]) else { return };
    let folder = TempDir::new().unwrap();
    let users = operators_file(&folder, &[("al", "secret")]);
    let with = |config: &mut Config| config.users = Some(users.clone());
    let (old, new) = (server_with(&engine, with), server_with(&engine, with));
    let mut bob = new.login("bob");
    let mut here = old.connect();
    here.send("login al secret\n");
    here.expect("Login Success");
    bob.expect("al has entered the room.");
    let mut there = new.connect();
    there.send("login al secret\nsay me again\n");
    there.expect("Login Success");
    there.expect("al: me again");
    assert_eq!(here.rest(), "Kicked: you came from elsewhere\n");
    for line in ["al has left the room.", "al has entered the room.", "al: me again"] {
        bob.expect(line);
    }
}

#[test]
fn a_server_that_comes_later_has_what_the_others_have() {
    let Some(engine) = Engine::start(&[]) else { return };
    let first = server(&engine);
    let mut al = first.login("al");
    al.send("say early\njoin den\ntopic tea\nsay in the den\n");
    for line in ["al: early", "Join Success", "al set the topic: tea", "al: in the den"] {
        al.expect(line);
    }
    let late = server(&engine);
    let mut bob = late.login("bob");
    bob.send("history\n");
    bob.expect("History:");
    for end in ["al has entered the room.", "al: early", "al has left the room."] {
        assert!(bob.line().ends_with(end));
    }
    assert!(bob.line().ends_with("bob has entered the room."));
    bob.send("join den\nlook\ntopic\n");
    for line in ["Join Success", "Online Users:", "al", "bob", "Topic: tea"] {
        bob.expect(line);
    }
    al.expect("bob has entered the room.");
}

/// What a client has seen at one server it is not sent again by another one, and nothing is left out.
#[test]
fn a_position_means_the_same_on_every_server() {
    let Some(engine) = Engine::start(&[]) else { return };
    let (first, second) = (server(&engine), server(&engine));
    let mut al = first.login("al");
    let mut bob = second.login("bob");
    al.expect("bob has entered the room.");
    al.send("say seen\nsince\n");
    al.expect("al: seen");
    let position = al.line();
    let position = position.strip_prefix("Room Position: ").expect(&position).to_owned();
    al.send("logout\n");
    al.expect_end();
    bob.send("say missed\nsay missed too\n");
    bob.lines_until("bob: missed too");
    // One that was there all the time, and one that comes later.
    for (server, name) in [(&second, "al"), (&server(&engine), "anna")] {
        let mut client = server.login(name);
        client.send(&format!("since {position}\nping 1\n"));
        client.expect("History:");
        for end in ["al has left the room.", "bob: missed", "bob: missed too"] {
            let line = client.line();
            assert!(line.ends_with(end), "{line}");
        }
        client.lines_until("pong 1");
    }
}

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
    fence(&mut al, "al", &mut [&mut bob]);
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
    let page = include_str!("../../../docs/several-servers.md");
    let servers = page.split("\n## The servers\n").nth(1).unwrap();
    let table = servers.split("\n| what happens |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        let name = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let test = format!("#[test]\nfn {}()", name.trim_matches('`'));
        assert!(name == "the same" || include_str!("cluster.rs").contains(&test), "no test {name}");
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

/// The receiver's server finds that its mailbox is full, and the sender's one tells it.
#[test]
fn a_full_mailbox_is_told_across_servers() {
    let Some(engine) = Engine::start(&[]) else { return };
    let (near, far) = (server(&engine), server(&engine));
    let mut al = near.login("al");
    // It does not read.
    let _bob = far.login("bob");
    al.expect("bob has entered the room.");
    let text = "x".repeat(4000);
    loop {
        al.send(&format!("msg bob {text}\nping 1\n"));
        if al.lines_until("pong 1").contains(&"Mailbox Full: bob".to_owned()) {
            break;
        }
    }
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
