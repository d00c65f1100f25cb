//! The state beside the stream, and what is removed because of it.

use ordered_log::{Interval, Options};

use crate::engine::Engine;
use crate::proxy::Proxy;
use crate::seen::{Node, same, three, whole};

fn every(entries: u64, options: Options) -> Options {
    Options { interval: Interval { entries, bytes: 1 << 30 }, ..options }
}

/// The number of the entry after which the state is.
fn state_number(engine: &Engine) -> u64 {
    let head = engine.ask(&["GETRANGE", "chat:state", "0", "63"]);
    let line = head.lines().next().unwrap();
    line.strip_prefix("ordered-log 1 ").unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_stream_stays_short_and_newcomers_have_all() {
    let Some(engine) = Engine::start(&[]) else { return };
    let options = every(10, engine.options());
    let mut nodes = three(&options);
    for number in 0..40 {
        for node in &nodes {
            node.say(&number.to_string());
        }
        let entries: u64 = engine.ask(&["XLEN", "chat:log"]).parse().unwrap();
        // Two intervals and the one at which a state is due; and what the two others said before that state
        // was saved, as whoever saves it has applied the entry by then and says nothing more.
        assert!(entries <= 21 + 2, "{entries}");
    }
    nodes.push(Node::start(&options));
    let text = same(&nodes, 120);
    whole(&text, &nodes[..3], 40);
    assert_eq!(engine.ask(&["DBSIZE"]), "2");
    let saved: u64 = nodes.iter().map(|node| node.log.counts().saved).sum();
    assert!((11..=12).contains(&saved), "{saved}");
}

#[test]
fn bytes_count_as_well_as_entries() {
    let Some(engine) = Engine::start(&[]) else { return };
    let interval = Interval { entries: 1_000_000, bytes: 10_000 };
    let node = Node::start(&Options { interval, ..engine.options() });
    for _ in 0..30 {
        node.say(&"x".repeat(1000));
    }
    let entries: u64 = engine.ask(&["XLEN", "chat:log"]).parse().unwrap();
    assert!(entries <= 21, "{entries}");
}

#[test]
fn who_falls_behind_begins_from_the_state() {
    let Some(engine) = Engine::start(&[]) else { return };
    let options = every(10, engine.options());
    let proxy = Proxy::start(engine.port);
    let behind = Node::start(&every(10, proxy.options()));
    let others = [Node::start(&options), Node::start(&options)];
    behind.say("before");
    proxy.lead_to(None);
    behind.wait_away("");
    behind.log.submit(b"waits").unwrap();
    for number in 0..30 {
        others[0].say(&number.to_string());
    }
    proxy.lead_to(Some(engine.port));
    drop(behind.wait("its own record", |seen| seen.own == 2));
    behind.wait_connected();
    let restored = behind.wait("nothing", |_| true).restored;
    assert_eq!(restored, 1);
    let [other, another] = others;
    let text = same(&[behind, other, another], 32);
    assert!(text.ends_with(" waits\n"), "{text}");
}

#[test]
fn a_state_that_comes_late_does_not_replace_a_newer_one() {
    let Some(engine) = Engine::start(&[]) else { return };
    let options = every(10, engine.options());
    let [slow, quick] = [Node::start(&options), Node::start(&options)];
    // The first entry is the birth of the log; the ten after that make a state due, which `slow` has to
    // save as it has appended the tenth.
    for number in 2..=10 {
        quick.say(&number.to_string());
    }
    slow.hold(true);
    slow.log.submit(b"11").unwrap();
    drop(slow.wait("its state", |seen| seen.holds));
    drop(quick.wait("the same entry", |seen| seen.text.ends_with(b" 11\n")));
    for number in 12..=21 {
        quick.say(&number.to_string());
    }
    quick.say("22");
    assert_eq!(state_number(&engine), 21);
    slow.hold(false);
    slow.say("23");
    assert_eq!(state_number(&engine), 21);
    assert_eq!((slow.log.counts().saved, quick.log.counts().saved), (0, 1));
    assert_eq!(engine.ask(&["XLEN", "chat:log"]), (23 - 11).to_string());
    same(&[slow, quick], 22);
}

#[test]
fn a_state_that_the_full_engine_does_not_take_removes_nothing() {
    let Some(engine) = Engine::start(&[]) else { return };
    let node = Node::start(&every(10, engine.options()));
    for number in 2..=10 {
        node.say(&number.to_string());
    }
    node.hold(true);
    node.log.submit(b"11").unwrap();
    drop(node.wait("its state", |seen| seen.holds));
    engine.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    node.hold(false);
    node.log.submit(b"12").unwrap();
    node.wait_away("(OOM ");
    engine.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    node.wait_connected();
    for number in 13..=22 {
        node.say(&number.to_string());
    }
    assert_eq!(state_number(&engine), 21);
    // What is in the state that was refused is kept until the next one but one.
    assert_eq!(engine.ask(&["XLEN", "chat:log"]), (22 - 11).to_string());
}
