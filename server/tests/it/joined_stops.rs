//! One of several servers stops: what its users have said is there before they are told, or never.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::engine::Engine;
use crate::joined::server;

/// No test waits for this. It only ends those that would never end.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn whoever_is_closed_by_a_server_that_stops_finds_the_name_free_at_another_one() {
    let Some(engine) = Engine::start(&[]) else { return };
    let stays = server(&engine, |_| {});
    let mut olga = stays.login("olga");
    for round in 0..5 {
        let mut goes = server(&engine, |_| {});
        let mut al = goes.login("al");
        let mut watcher = goes.connect();
        watcher.send("watch\n");
        watcher.expect("Watch Success");
        let mut visitor = goes.connect();
        let mut elsewhere = stays.connect();
        olga.lines_until("al has entered the room.");
        let stopped = thread::spawn(move || goes.stop());
        // Neither has closed its own side.
        assert!(al.rest().ends_with("Server Shutdown\n"), "round {round}");
        elsewhere.send("login al\n");
        elsewhere.expect("Login Success");
        assert!(watcher.rest().ends_with("Server Shutdown\n"));
        assert_eq!(visitor.rest(), "Server Shutdown\n");
        for line in ["al has left the room.", "al has entered the room."] {
            olga.expect(line);
        }
        elsewhere.send("logout\n");
        elsewhere.expect_end();
        drop((al, watcher, visitor));
        stopped.join().unwrap();
    }
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
        let stopped = thread::spawn(move || goes.stop());
        assert_eq!(visitor.rest(), "Server Shutdown\n");
        engine.signal(Signal::SIGCONT);
        let seen = olga.lines_until("al has left the room.");
        let expected: String = seen.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(al.rest(), expected + "Server Shutdown\n");
        drop((al, visitor));
        stopped.join().unwrap();
        seen == ["al: last words"]
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
