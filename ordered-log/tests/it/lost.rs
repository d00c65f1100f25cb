//! Logs that are lost: nobody can go on with what is there now, and all are told.

use std::thread;
use std::time::Duration;

use crate::engine::Engine;
use crate::proxy::Proxy;
use crate::seen::{Node, same, three};

#[test]
fn an_engine_that_comes_back_empty_is_another_log() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let nodes = three(&engine.options());
    nodes[0].say("gone");
    engine.kill();
    engine.restart();
    let newcomer = Node::start(&engine.options());
    for node in &nodes {
        let why = node.wait_lost();
        assert!(why.contains("gone") || why.contains("anew"), "{why}");
        assert!(node.log.submit(b"no").is_err());
    }
    newcomer.say("new");
    assert!(same(&[newcomer], 1).ends_with(" new\n"));
}

#[test]
fn a_log_that_is_emptied_while_it_is_followed_is_lost() {
    let Some(engine) = Engine::start(&[]) else { return };
    let nodes = three(&engine.options());
    nodes[0].say("gone");
    engine.ask(&["FLUSHALL"]);
    nodes.iter().for_each(|node| drop(node.wait_lost()));
    // Nobody made a log out of what was queued.
    assert_eq!(engine.ask(&["DBSIZE"]), "0");
}

/// Nodes that each go through their own proxy, and have seen five records more than the disk.
fn shortened(engine: &mut Engine) -> Vec<(Proxy, Node)> {
    let nodes: Vec<_> = (0..3)
        .map(|_| {
            let proxy = Proxy::start(engine.port);
            let node = Node::start(&proxy.options());
            (proxy, node)
        })
        .collect();
    nodes[0].1.say("kept");
    engine.ask(&["SAVE"]);
    for number in 0..5 {
        nodes[0].1.say(&number.to_string());
    }
    for (proxy, node) in &nodes {
        drop(node.wait("all", |seen| seen.text.ends_with(b" 4\n")));
        proxy.lead_to(None);
    }
    engine.kill();
    engine.restart();
    nodes
}

#[test]
fn whoever_is_ahead_of_a_shortened_stream_is_told() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    for (proxy, node) in shortened(&mut engine) {
        proxy.lead_to(Some(engine.port));
        let why = node.wait_lost();
        assert!(why.contains("the stream ends before entry "), "{why}");
    }
}

#[test]
fn a_shortened_stream_that_went_on_is_another_one() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let nodes = shortened(&mut engine);
    let others = three(&engine.options());
    for number in 0..9 {
        others[0].say(&number.to_string());
    }
    for (proxy, node) in &nodes {
        proxy.lead_to(Some(engine.port));
        let why = node.wait_lost();
        assert!(why.contains(" is another one now"), "{why}");
    }
    assert_eq!(same(&others, 10).lines().count(), 10);
}

#[test]
fn an_engine_that_is_made_a_replica_takes_nothing_more() {
    let Some(engine) = Engine::start(&[]) else { return };
    let Some(other) = Engine::start(&[]) else { return };
    let nodes = three(&engine.options());
    nodes[0].say("there");
    // It drops what it has and takes over that of the other one, which is nothing. But this is not its
    // to say, and who asks it meanwhile waits.
    engine.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    while engine.ask(&["EXISTS", "chat:log"]) != "0" {
        thread::sleep(Duration::from_millis(10));
    }
    nodes.iter().for_each(|node| node.wait_away("(READONLY): it is a replica"));
    engine.ask(&["REPLICAOF", "NO", "ONE"]);
    nodes.iter().for_each(|node| drop(node.wait_lost()));
}
