//! Followers step by step, with an engine that is a vector: whatever happens to it and to them in any
//! order, they have one order, or know that they are lost.

mod fake;
mod node;

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::apply::Origin;
use crate::engine::Stored;
use crate::format::{Batch, BatchBuffer};
use fake::{Fake, World};
use node::{Applied, Node};

/// What is to be applied of these entries, found in the simplest way.
fn expected(history: &[Stored]) -> Applied {
    let mut last = BTreeMap::<u64, u64>::new();
    let mut applied = Applied::new();
    for batch in history.iter().filter_map(|stored| Batch::read(stored.batch.as_deref()?)) {
        for (record, sequence) in batch.records.iter().zip(batch.identity.first..) {
            let last = last.entry(batch.identity.origin).or_default();
            if sequence == *last + 1 {
                *last = sequence;
                applied.push((batch.identity.origin, sequence, record[0]));
            }
        }
    }
    applied
}

#[derive(Debug, Clone)]
enum Happens {
    /// A program appends records.
    Says(usize, Vec<u8>),
    /// A program sends its last entry again.
    SaysAgain(usize),
    Step(usize),
    /// The engine goes away, or comes back.
    Away(bool),
    /// All connections are cut.
    Cut,
    /// Somebody else writes nonsense.
    Nonsense,
    /// An origin begins in its middle.
    Stray,
    /// Somebody keeps a copy of what the engine has.
    Keep,
    /// The engine starts again with that copy; before the first one, with nothing.
    PutBack,
}

fn happens() -> impl Strategy<Value = Happens> {
    let node = 0..3usize;
    prop_oneof![
        8 => (node.clone(), prop::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(node, records)| Happens::Says(node, records)),
        3 => node.clone().prop_map(Happens::SaysAgain),
        12 => node.prop_map(Happens::Step),
        1 => any::<bool>().prop_map(Happens::Away),
        2 => Just(Happens::Cut),
        1 => Just(Happens::Nonsense),
        1 => Just(Happens::Stray),
        1 => Just(Happens::Keep),
        1 => Just(Happens::PutBack),
    ]
}

fn happen(fake: &Fake, nodes: &mut [Node], kept: &mut World, what: Happens) {
    match what {
        Happens::Says(node, records) if !nodes[node].is_lost => nodes[node].say(fake, &records),
        Happens::Says(..) => {}
        Happens::SaysAgain(node) => nodes[node].say_again(fake),
        Happens::Step(node) => nodes[node].step(),
        Happens::Away(is_away) => fake.machine.lock().is_away = is_away,
        Happens::Cut => fake.machine.lock().generation += 1,
        Happens::Nonsense => {
            let nonsense = format!("nonsense {}", fake.tick());
            fake.append(nonsense.as_bytes());
        }
        Happens::Stray => {
            let mut batch = BatchBuffer::new(5);
            batch.push(b"x");
            batch.seal(Origin(99), fake.tick());
            fake.append(batch.bytes());
        }
        Happens::Keep => *kept = fake.machine.lock().world.clone(),
        Happens::PutBack => {
            let mut machine = fake.machine.lock();
            machine.world = kept.clone();
            machine.generation += 1;
        }
    }
}

proptest! {
    #[test]
    fn followers_have_one_order_or_are_lost(
        all in prop::collection::vec(happens(), 0..120),
    ) {
        let fake = Fake::default();
        let mut nodes: Vec<_> = (1..=3).map(|own| Node::start(&fake, own)).collect();
        let mut kept = World::default();
        let mut is_altered = false;
        for what in all {
            is_altered |= matches!(what, Happens::PutBack);
            happen(&fake, &mut nodes, &mut kept, what);
        }
        fake.machine.lock().is_away = false;
        for node in &mut nodes {
            // It may find that it has to connect first, and reads three at a time.
            (0..400).for_each(|_| node.step());
            let history = fake.machine.lock().world.history.clone();
            prop_assert!(is_altered || !node.is_lost, "it is lost without a reason");
            if !node.is_lost {
                prop_assert_eq!(Some(node.place()), history.last().map(|last| last.place));
                prop_assert_eq!(&*node.applied.lock(), &expected(&history));
            }
        }
        // Whoever begins now has it as well.
        let newcomer = Node::start(&fake, 4);
        let history = fake.machine.lock().world.history.clone();
        prop_assert_eq!(&*newcomer.applied.lock(), &expected(&history));
    }
}

/// Three programs, the first of which has said `records`, one entry each, which all have applied.
fn three_after(records: u8) -> (Fake, Vec<Node>) {
    let fake = Fake::default();
    let mut nodes: Vec<_> = (1..=3).map(|own| Node::start(&fake, own)).collect();
    for record in 0..records {
        nodes[0].say(&fake, &[record]);
        nodes.iter_mut().for_each(Node::step);
    }
    (fake, nodes)
}

#[test]
fn an_entry_that_begins_with_what_was_applied_is_applied_from_there() {
    let (fake, mut nodes) = three_after(0);
    nodes[0].say(&fake, &[1, 2]);
    let mut batch = BatchBuffer::new(2);
    batch.push(&[2]);
    batch.push(&[3]);
    batch.seal(Origin(1), fake.tick());
    fake.append(batch.bytes());
    nodes[1].step();
    assert_eq!(*nodes[1].applied.lock(), [(1, 1, 1), (1, 2, 2), (1, 3, 3)]);
    assert_eq!(nodes[1].follower.replay.counts.again, 1);
}

#[test]
fn a_follower_that_fell_behind_is_told_which_of_its_own_records_were_applied() {
    let (fake, mut nodes) = three_after(0);
    nodes[2].say(&fake, &[7]);
    fake.machine.lock().generation += 1;
    for record in 0..20 {
        nodes[0].say(&fake, &[record]);
        nodes[0].step();
        nodes[0].step();
    }
    (0..20).for_each(|_| nodes[2].step());
    assert_eq!(nodes[2].follower.replay.counts.behind, 1);
    assert_eq!(nodes[2].follower.replay.own_sequence(), 1);
    assert_eq!(*nodes[2].applied.lock(), *nodes[0].applied.lock());
    assert_eq!(nodes[2].applied.lock().len(), 21);
}

#[test]
fn only_who_appended_the_entry_at_which_a_state_is_due_saves_it() {
    let (_fake, nodes) = three_after(12);
    let saved: Vec<_> = nodes.iter().map(|node| node.follower.replay.counts.saved).collect();
    assert_eq!(saved, [3, 0, 0]);
}

#[test]
fn the_stream_has_no_more_than_two_intervals() {
    let (fake, mut nodes) = three_after(0);
    for record in 0..50 {
        nodes[0].say(&fake, &[record]);
        nodes[0].step();
        let world = &fake.machine.lock().world;
        assert!(world.history.len() - world.removed <= 2 * 4 + 1);
    }
}

#[test]
fn who_is_ahead_of_a_shortened_stream_is_lost_though_nothing_comes() {
    let (fake, mut nodes) = three_after(3);
    fake.machine.lock().world.history.pop();
    nodes[1].step();
    assert!(nodes[1].is_lost);
}

#[test]
fn an_entry_of_a_later_version_is_not_left_out() {
    let (fake, mut nodes) = three_after(1);
    nodes[0].say(&fake, &[1]);
    fake.machine.lock().world.history.last_mut().unwrap().batch = None;
    nodes[1].step();
    assert!(nodes[1].is_lost);
}

#[test]
fn numbers_at_the_end_of_all_numbers_harm_nobody() {
    for first in [u64::MAX, u64::MAX - 1] {
        let (fake, mut nodes) = three_after(1);
        let mut batch = BatchBuffer::new(first);
        (0..3).for_each(|_| batch.push(b"x"));
        batch.seal(Origin(u64::MAX), u64::MAX / 2);
        fake.append(batch.bytes());
        nodes[1].step();
        nodes[0].say(&fake, &[9]);
        nodes[1].step();
        assert_eq!(nodes[1].applied.lock().len(), 2, "{first}");
    }
}
