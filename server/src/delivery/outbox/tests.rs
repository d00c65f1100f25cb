//! What is due when, and what a full outbox does.

use std::time::Duration;

use super::*;
use crate::delivery::item::ITEM_BYTES;
use crate::delivery::phase::{DeliveryEnd, Failure, Removal};

const START: Position = Position { byte: 0, line: 0 };
const LATER: Position = Position { byte: 2, line: 1 };

fn text(bytes: &str, alone: bool) -> Item {
    Item::Text { bytes: bytes.into(), alone, sender: None }
}

fn texts(outbox: &Outbox, at: Position) -> Vec<u8> {
    match outbox.next(at) {
        Next::Texts(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts_that_are_due_come_together_unless_one_stands_alone() {
    let outbox = Outbox::default();
    assert!(outbox.post(START, text("a\n", false)).unwrap(), "the courier is notified");
    assert!(!outbox.post(START, text("b\n", false)).unwrap(), "it was notified already");
    for (at, item) in [(START, text("c\n", true)), (START, text("d\n", false))] {
        outbox.post(at, item).unwrap();
    }
    outbox.post(LATER, text("e\n", false)).unwrap();
    assert_eq!(texts(&outbox, START), b"a\nb\n");
    assert_eq!(texts(&outbox, START), b"c\n");
    assert_eq!(texts(&outbox, START), b"d\n");
    assert!(matches!(outbox.next(START), Next::Later(LATER)));
    assert_eq!(outbox.next_position(), LATER);
    assert_eq!(texts(&outbox, LATER), b"e\n");
    assert!(!outbox.post(LATER, text("f\n", false)).unwrap(), "it has not found it empty");
    assert_eq!(texts(&outbox, LATER), b"f\n");
    assert!(matches!(outbox.next(LATER), Next::Nothing));
    assert_eq!(outbox.next_position(), Position::MAX);
    assert!(outbox.post(LATER, text("g\n", false)).unwrap(), "it is notified again");
}

#[test]
fn it_is_full_by_bytes() {
    let outbox = Outbox::default();
    outbox.post(START, text(&"x".repeat(TEXT_BYTES - ITEM_BYTES), false)).unwrap();
    assert_eq!(outbox.readiness(), Readiness::Ready);
    outbox.post(START, text("x", false)).unwrap();
    assert_eq!(outbox.readiness(), Readiness::Wait);
    texts(&outbox, START);
    assert_eq!(outbox.readiness(), Readiness::Ready);
}

/// The worst case of `docs/operating.md`: tiny items, with which the queue is longest.
#[test]
fn tiny_items_take_no_more_than_they_are_counted_for() {
    let outbox = Outbox::default();
    while outbox.readiness() == Readiness::Ready {
        post(&outbox, 1, None);
    }
    for sender in 0..100 {
        while outbox.takes_mail_of(sender) {
            post(&outbox, 1, Some(sender));
        }
    }
    let state = outbox.state.lock();
    let queue = state.items.capacity() * size_of::<(Position, Item)>();
    // An allocation takes 32 bytes at least: see malloc(3), `malloc_usable_size`.
    let texts = state.items.len() * 32;
    assert!(queue + texts <= 2 * TEXT_BYTES, "{queue} and {texts} bytes");
}

#[test]
fn its_phase_goes_forward_only() {
    let outbox = Outbox::default();
    outbox.remove(Removal::Banned(1));
    outbox.remove(Removal::Banned(2));
    assert_eq!(outbox.phase(), Phase::Removed(Removal::Banned(1)));
    assert_eq!(outbox.wait_for_space(None), Err(Removal::Banned(1)));
    // Does not wait.
    outbox.delay(Duration::from_secs(3600));
    outbox.post(START, text("bye\n", false)).unwrap();
    outbox.post(START, Item::Close).unwrap();
    outbox.remove(Removal::Banned(3));
    assert_eq!(outbox.phase(), Phase::Closing);
    assert!(outbox.post(START, text("late\n", false)).is_err());
    assert_eq!(outbox.end(Some(Failure::Broken), 10).len(), 2);
    let end = DeliveryEnd::Failed { cause: Failure::Broken, owed: 14 };
    assert_eq!(outbox.wait_for_end(), end);
    assert!(matches!(outbox.phase(), Phase::Ended(_)));
    assert_eq!(outbox.removal(), Some(Removal::Banned(1)), "that stays known");
    assert!(outbox.post(START, Item::Close).is_err());
}

fn long_text(length: usize, sender: Option<ClientId>) -> Item {
    Item::Text { bytes: vec![b'x'; length], alone: false, sender }
}

fn post(outbox: &Outbox, length: usize, sender: Option<ClientId>) {
    outbox.post(Position::default(), long_text(length, sender)).unwrap();
}

/// However many flood a client, there is something left for one more, and for its own replies.
#[test]
fn no_sender_can_fill_a_mailbox_for_the_others() {
    let outbox = Outbox::default();
    for sender in 0..8 {
        assert!(outbox.takes_mail_of(sender), "{sender} is refused");
        while outbox.takes_mail_of(sender) {
            post(&outbox, 100, Some(sender));
        }
    }
    assert_eq!(outbox.readiness(), Readiness::Ready);
    post(&outbox, TEXT_BYTES + 1, None);
    assert_eq!(outbox.readiness(), Readiness::Wait);
    // The courier takes all of it.
    while let Next::Texts(_) = outbox.next(Position::default()) {}
    assert_eq!(outbox.readiness(), Readiness::Ready);
    assert!(outbox.takes_mail_of(0));
    assert!(outbox.state.lock().bytes.senders.is_empty());
}

#[test]
fn when_all_are_owed_too_much_each_takes_its_own_first() {
    let owed = Arc::new(Owed::new(1000));
    let [deaf, quick] = [(); 2].map(|()| Outbox::new(Arc::clone(&owed)));
    post(&deaf, 990 - ITEM_BYTES, None);
    post(&quick, 1, None);
    assert_eq!(deaf.readiness(), Readiness::Wait);
    assert_eq!(quick.readiness(), Readiness::Wait);
    // What was taken from the outbox is owed until it was sent, which the next call tells.
    assert!(matches!(quick.next(Position::default()), Next::Texts(_)));
    assert_eq!(quick.readiness(), Readiness::Wait);
    assert!(matches!(quick.next(Position::default()), Next::Nothing));
    assert_eq!(quick.readiness(), Readiness::Ready);
    assert!(!owed.is_over());
    post(&quick, 1, None);
    assert!(owed.is_over());
    // Whoever is not there is owed nothing.
    drop(deaf.end(Some(Failure::Stalled), 0));
    assert!(!owed.is_over());
    assert_eq!(deaf.readiness(), Readiness::Over);
    assert_eq!(quick.readiness(), Readiness::Ready);
    drop(quick.end(None, 0));
    owed.add(1000);
    assert!(!owed.is_over(), "nothing is left of either");
}
