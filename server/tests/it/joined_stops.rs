//! One of several servers stops: what its users have said is there before they are told, or never.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::engine::Engine;
use crate::joined::server;

/// A server that stops gives up what it waits for after so long, on a machine that is too busy too.
const GIVES_UP: Duration = Duration::from_secs(3);

/// No test waits for this. It only ends those that would never end.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn whoever_is_closed_by_a_server_that_stops_finds_the_name_free_at_another_one() {
    let Some(engine) = Engine::start(&[]) else { return };
    let stays = server(&engine, |_| {});
    let mut olga = stays.login("olga");
    let rounds = (0..5).filter(|round| {
        let name = format!("al{round}");
        let mut goes = server(&engine, |_| {});
        let mut al = goes.login(&name);
        let mut watcher = goes.connect();
        watcher.send("watch\n");
        watcher.expect("Watch Success");
        let mut visitor = goes.connect();
        let mut elsewhere = stays.connect();
        olga.lines_until(&format!("{name} has entered the room."));
        let began = Instant::now();
        let stopped = thread::spawn(move || goes.stop());
        // None of them has closed its own side.
        assert!(al.rest().ends_with("Server Shutdown\n"), "{name}");
        let is_in_time = began.elapsed() < GIVES_UP;
        elsewhere.send(&format!("login {name}\n"));
        let answer = elsewhere.line();
        assert!(answer == "Login Success" || !is_in_time, "{answer}");
        assert!(watcher.rest().ends_with("Server Shutdown\n"));
        assert_eq!(visitor.rest(), "Server Shutdown\n");
        drop((al, watcher, visitor));
        stopped.join().unwrap();
        is_in_time
    });
    assert!(rounds.count() > 0);
}

/// Else its words could come after those that it says at another server, under another name.
#[test]
fn who_is_told_that_a_server_stops_has_seen_its_own_last_words() {
    let Some(engine) = Engine::start(&[]) else { return };
    let stays = server(&engine, |_| {});
    let mut olga = stays.login("olga");
    // Where the stop comes before the line was read it is not said, which nobody can see from outside.
    let is_said = (0..30).any(|_| {
        let mut goes = server(&engine, |_| {});
        let mut al = goes.login("al");
        olga.expect("al has entered the room.");
        // It is told of the stop at once, for it is in no room.
        let mut visitor = goes.connect();
        engine.signal(Signal::SIGSTOP);
        al.send("say last words\n");
        for n in 0..3 {
            visitor.expect_nothing_but(&n.to_string());
        }
        let began = Instant::now();
        let stopped = thread::spawn(move || goes.stop());
        assert_eq!(visitor.rest(), "Server Shutdown\n");
        engine.signal(Signal::SIGCONT);
        let told = al.rest();
        let is_in_time = began.elapsed() < GIVES_UP;
        assert!(told.ends_with("Server Shutdown\n"), "{told}");
        let is_said = |line: &str| line == "al: last words";
        let seen = olga.lines_until("al has left the room.").iter().any(|line| is_said(line));
        assert!(told.lines().any(is_said) == seen || !is_in_time, "{told}");
        drop((al, visitor));
        stopped.join().unwrap();
        seen && is_in_time
    });
    assert!(is_said);
}

/// What a server has given up, and its users with it, does not come when the engine is back.
#[test]
fn what_a_server_gives_up_is_never_said() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut engine) = Engine::start(&durable) else { return };
    let (stays, mut goes) = (server(&engine, |_| {}), server(&engine, |_| {}));
    let mut olga = stays.login("olga");
    let mut al = goes.login("al");
    olga.expect("al has entered the room.");
    engine.kill();
    al.send("say never\n");
    al.expect("Lines Waiting");
    olga.expect("Lines Waiting");
    let stopped = thread::spawn(move || goes.stop());
    assert!(al.rest().ends_with("Server Shutdown\n"));
    engine.restart();
    stopped.join().unwrap();
    let mut seen = olga.lines_until("Lines Moving");
    let mut other = stays.login("another");
    other.send("say later\n");
    other.lines_until("another: later");
    seen.extend(olga.lines_until("another: later"));
    assert!(!seen.iter().any(|line| line.contains("never")), "{seen:?}");
    drop(al);
}

/// Those whose lines have no room in the queue wait for it, and nobody waits for them.
#[test]
fn a_server_whose_queue_is_full_stops_in_time_without_the_engine() {
    // More than four MiB in all, of which each user has a part on its way.
    const USERS: usize = 320;
    let Some(mut engine) = Engine::start(&[]) else { return };
    let mut goes = server(&engine, |_| {});
    let mut users: Vec<_> = (0..USERS).map(|n| goes.login(&format!("u{n}"))).collect();
    engine.kill();
    let lines = format!("say {}\n", "x".repeat(395)).repeat(41);
    users.iter_mut().for_each(|user| user.send(&lines));
    // Each server tells all once it has been without the engine for long enough.
    users[USERS - 1].lines_until("Lines Waiting");
    let (ended, end) = channel();
    thread::spawn(move || {
        goes.stop();
        ended.send(()).unwrap();
    });
    end.recv_timeout(PATIENCE).expect("it does not stop");
}
