//! Nothing goes wrong.

use std::collections::BTreeMap;
use std::thread;

use crate::engine::Engine;
use crate::seen::{Node, same, three, whole};

#[test]
fn many_threads_of_three_logs_have_one_order() {
    let Some(engine) = Engine::start(&[]) else { return };
    let nodes = three(&engine.options());
    thread::scope(|scope| {
        for node in &nodes {
            for thread in 0..8 {
                scope.spawn(move || {
                    for number in 0..200 {
                        node.log.submit(format!("{thread} {number}").as_bytes()).unwrap();
                    }
                });
            }
        }
    });
    let text = same(&nodes, 3 * 8 * 200);
    whole(&text, &nodes, 8 * 200);
    // What one thread has submitted is in its order, and times never go back.
    let mut times = Vec::new();
    let mut numbers = BTreeMap::<_, Vec<u32>>::new();
    for line in text.lines() {
        let [origin, _, time, thread, number] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        times.push(time.parse::<u64>().unwrap());
        numbers.entry((origin, thread)).or_default().push(number.parse().unwrap());
    }
    assert!(times.is_sorted());
    assert_eq!(numbers.len(), 3 * 8);
    assert!(numbers.values().all(|numbers| *numbers == (0..200).collect::<Vec<_>>()));
    assert_eq!(nodes[0].log.counts().again, 0);
}

#[test]
fn a_newcomer_has_all_that_was_before() {
    let Some(engine) = Engine::start(&[]) else { return };
    let mut nodes = vec![Node::start(&engine.options())];
    nodes[0].say("before");
    nodes.push(Node::start(&engine.options()));
    nodes[1].say("after");
    let text = same(&nodes, 2);
    assert!(text.contains(" before\n") && text.contains(" after\n"), "{text}");
}
