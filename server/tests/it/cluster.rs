//! Several servers that are one chat, over a real Redis.

mod failures;

use std::time::Duration;

use chat_server::{Config, SharedLog};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::support::{TestServer, operators_file};
use crate::together::{all_see_one_order, at_once};

/// Servers in these tests say so often that they live. After five times another one counts as gone, so it
/// is more than a busy machine holds a thread up for, and more than a server waits until it tries again to
/// reach the engine.
const PULSE: Duration = Duration::from_secs(1);

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
    all_see_one_order(&mut clients, LINES);
}

#[test]
fn of_logins_under_one_name_on_several_servers_one_succeeds() {
    let Some(engine) = Engine::start(&[]) else { return };
    let servers: Vec<_> = (0..3).map(|_| server(&engine)).collect();
    for round in 0..20 {
        let mut clients: Vec<_> = (0..6).map(|n| servers[n % 3].connect()).collect();
        let answers = at_once(&mut clients, |_, client| {
            client.send(&format!("login name{round}\n"));
            client.line()
        });
        let count = |text| answers.iter().filter(|answer| *answer == text).count();
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
