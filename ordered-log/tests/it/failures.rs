//! Engines that are killed, stopped, filled and replaced, and logs that go on all the same, or end in time.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use ordered_log::{Options, Origin, Status};

use crate::engine::Engine;
use crate::proxy::Proxy;
use crate::seen::{EndsByPanic, Node, same, start, three, whole};

/// An engine that loses nothing when it is killed.
const KEEPS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// An engine that stands still is found after this.
fn soon(options: Options) -> Options {
    Options { patience: Duration::from_millis(300), ..options }
}

/// Submits records from all nodes, some of them before `happens` and the others meanwhile.
fn submit_while(nodes: &[Node], each: u64, happens: impl FnOnce()) {
    thread::scope(|scope| {
        let _ends: Vec<_> = nodes.iter().map(EndsByPanic).collect();
        for node in nodes {
            scope.spawn(move || {
                for number in 0..each {
                    node.log.submit(number.to_string().as_bytes()).unwrap();
                    if number % 50 == 0 {
                        thread::yield_now();
                    }
                }
            });
        }
        happens();
    });
}

#[test]
fn an_engine_that_is_killed_and_comes_back_loses_nothing() {
    let Some(mut engine) = Engine::start(&KEEPS) else { return };
    let nodes = three(&engine.options());
    for round in 1..=3 {
        submit_while(&nodes, 500, || {
            engine.kill();
            nodes.iter().for_each(|node| node.wait_away(""));
            engine.restart();
        });
        let text = same(&nodes, 3 * 500 * round);
        whole(&text, &nodes, 500 * round as u64);
        nodes.iter().for_each(Node::wait_connected);
    }
}

#[test]
fn while_the_engine_stands_still_records_wait_and_come_once() {
    let Some(engine) = Engine::start(&[]) else { return };
    let nodes = three(&soon(engine.options()));
    nodes[0].say("0");
    engine.signal(Signal::SIGSTOP);
    submit_while(&nodes, 100, || {
        for node in &nodes {
            node.wait_away("no answer for 300 ms");
        }
        engine.signal(Signal::SIGCONT);
    });
    let text = same(&nodes, 301);
    nodes[1..].iter().for_each(|node| whole(&text, std::slice::from_ref(node), 100));
    // It stands still with an entry in a socket, which is sent again once it was waited for in vain. But it
    // may go on before that, for the follower that has told of it is another thread.
    while nodes[0].log.counts().again == 0 {
        engine.signal(Signal::SIGSTOP);
        nodes[0].log.submit(b"on").unwrap();
        nodes[0].wait_away("no answer for 300 ms");
        engine.signal(Signal::SIGCONT);
        nodes[0].wait_connected();
    }
}

#[test]
fn answers_that_are_lost_double_nothing() {
    let Some(engine) = Engine::start(&[]) else { return };
    let proxy = Proxy::start(engine.port);
    let nodes = three(&proxy.options());
    proxy.eat(20);
    let mut number = 0;
    while proxy.hungry() > 0 {
        nodes.iter().for_each(|node| node.say(&number.to_string()));
        number += 1;
    }
    let text = same(&nodes, 3 * number as usize);
    whole(&text, &nodes, number);
    nodes[0].say("the last");
    let again = nodes[0].log.counts().again;
    assert!(again >= 1, "{again}");
    let sum: u64 = engine.ask(&["XLEN", "chat:log"]).parse().unwrap();
    assert_eq!(sum, 1 + 3 * number + 20 + 1);
}

#[test]
fn a_slow_engine_is_slow_and_nothing_else() {
    let Some(engine) = Engine::start(&[]) else { return };
    let proxy = Proxy::start(engine.port);
    proxy.delay(Duration::from_millis(30));
    let nodes = three(&proxy.options());
    submit_while(&nodes, 500, || {});
    let text = same(&nodes, 3 * 500);
    whole(&text, &nodes, 500);
    assert!(nodes.iter().all(|node| node.wait("anything", |_| true).statuses.is_empty()));
    // The slower the engine, the larger the entries.
    let entries: u64 = engine.ask(&["XLEN", "chat:log"]).parse().unwrap();
    assert!(entries < 500, "{entries}");
}

#[test]
fn a_full_engine_is_away_until_it_has_room() {
    let Some(engine) = Engine::start(&[]) else { return };
    let nodes = three(&engine.options());
    engine.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    submit_while(&nodes, 10, || {
        for node in &nodes {
            node.wait_away("raise its maxmemory");
        }
    });
    engine.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    nodes.iter().for_each(Node::wait_connected);
    whole(&same(&nodes, 30), &nodes, 10);
}

#[test]
fn a_replica_that_takes_over_goes_on_where_the_old_engine_was() {
    let Some(mut old) = Engine::start(&[]) else { return };
    let port = old.port.to_string();
    let Some(new) = Engine::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let proxy = Proxy::start(old.port);
    let nodes = three(&proxy.options());
    submit_while(&nodes, 100, || {});
    whole(&same(&nodes, 300), &nodes, 100);
    while !new.ask(&["INFO", "replication"]).contains("master_link_status:up")
        || old.ask(&["XLEN", "chat:log"]) != new.ask(&["XLEN", "chat:log"])
    {
        thread::sleep(Duration::from_millis(10));
    }
    old.kill();
    proxy.lead_to(Some(new.port));
    submit_while(&nodes, 100, || {
        for node in &nodes {
            node.wait_away("(READONLY): it is a replica");
        }
        new.ask(&["REPLICAOF", "NO", "ONE"]);
    });
    whole(&same(&nodes, 600), &nodes, 200);
}

#[test]
fn an_engine_that_is_not_there_is_said_at_once() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    engine.kill();
    let said = start(&engine.options()).unwrap_err().to_string();
    let expected = format!("the log at redis://127.0.0.1:{}/0: cannot be reached (", engine.port);
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn stopping_ends_in_time_whatever_the_engine_does() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let node = Node::start(&engine.options());
    for _ in 0..3 {
        node.log.submit(b"here").unwrap();
    }
    let soon = || Instant::now() + Duration::from_secs(20);
    assert_eq!(node.log.stop(soon()).records, 0);
    assert_eq!(engine.ask(&["XLEN", "chat:log"]).parse::<u8>().unwrap().min(2), 2);

    let [frozen, cut] = [Node::start(&engine.options()), Node::start(&engine.options())];
    engine.signal(Signal::SIGSTOP);
    for node in [&frozen, &cut] {
        node.log.submit(b"waits").unwrap();
        node.log.submit(b"waits too").unwrap();
    }
    let began = Instant::now();
    assert_eq!(frozen.log.stop(began + Duration::from_millis(100)).records, 2);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    engine.kill();
    cut.wait_away("");
    assert_eq!(cut.log.stop(Instant::now()).records, 2);
}

#[test]
fn who_submits_to_a_full_queue_waits_for_the_engine_or_the_end() {
    let Some(mut engine) = Engine::start(&KEEPS) else { return };
    let options = Options { queue_bytes: 1000, ..engine.options() };
    let [node, other] = [Node::start(&options), Node::start(&options)];
    engine.kill();
    thread::scope(|scope| {
        let _ends = [&node, &other].map(EndsByPanic);
        let (submitted, submits) = channel();
        let [here, there] = [&node, &other].map(|node| {
            let submitted = submitted.clone();
            scope.spawn(move || {
                (0..10).all(|_| {
                    let is_taken = node.log.submit(&[b'x'; 300]).is_ok();
                    submitted.send(()).unwrap();
                    is_taken
                })
            })
        });
        // Three of each have room.
        (0..6).for_each(|_| submits.recv().unwrap());
        other.wait_away("");
        assert_eq!(other.log.stop(Instant::now()).records, 3);
        assert!(!there.join().unwrap());
        engine.restart();
        assert!(here.join().unwrap());
    });
    drop(node.wait("all", |seen| seen.own == 10));
}

#[test]
fn a_thread_that_panics_ends_the_log() {
    struct Panics;
    impl ordered_log::Apply for Panics {
        fn apply(&mut self, _: &ordered_log::Entry<'_>) {
            panic!("on purpose");
        }
        fn snapshot(&mut self) -> Vec<u8> {
            Vec::new()
        }
        fn restore(&mut self, _: &ordered_log::Restored<'_>) -> Result<(), String> {
            Ok(())
        }
        fn status(&mut self, _: &Status) {}
    }
    let Some(engine) = Engine::start(&[]) else { return };
    let options = Options { origin: Origin::random(), ..engine.options() };
    let log = ordered_log::OrderedLog::start(&options, Box::new(Panics)).unwrap();
    // Nobody waits for ever, as soon as the thread is gone.
    while log.submit(&[0; 100_000]).is_ok() {}
    let _ = log.stop(Instant::now() + Duration::from_secs(20));
}
