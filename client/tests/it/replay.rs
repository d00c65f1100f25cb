//! Which rows of a history are new to the user.

use chat_client::model::replay::{Answered, New, Replay, Wanted, text_of};
use protocol::limits::HISTORY_LINES;

/// Rows that are held at most, and lines that are asked for at most.
fn most() -> usize {
    Wanted::AllMissed.lines()
}

#[track_caller]
fn new(replay: &mut Replay, fence: &str) -> New {
    match replay.end(fence, "al") {
        Some(Answered::New(new)) => new,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn answer(replay: &mut Replay, rows: impl IntoIterator<Item = String>) {
    assert!(replay.heading());
    for row in rows {
        assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {row}")));
    }
}

#[track_caller]
fn check(seen: &[&str], rows: &[&str], expected: &[&str], has_gap: bool) {
    let mut replay = Replay::default();
    for line in seen {
        replay.saw(line);
    }
    replay.ask(Wanted::Missed, "1");
    assert!(!replay.row("too early"));
    assert!(replay.heading());
    for row in rows {
        assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {row}")));
    }
    assert_eq!(replay.end("2", "al"), None);
    let missed = new(&mut replay, "1");
    assert_eq!(missed.has_gap, has_gap);
    assert_eq!(missed.rows.iter().map(|row| text_of(row)).collect::<Vec<_>>(), expected);
    assert!(!replay.is_open());
}

#[test]
fn what_was_seen_is_not_shown_again() {
    check(&[], &["bo: a", "bo: b"], &["bo: a", "bo: b"], false);
    check(&["bo: a", "bo: b"], &["bo: a", "bo: b", "bo: c"], &["bo: c"], false);
    check(&["bo: a", "bo: b"], &["bo: b", "bo: c"], &["bo: c"], false);
    check(&["bo: a", "bo: b"], &["bo: a", "bo: b"], &[], false);
    // A text that was said again later is not the one that was seen.
    check(&["bo: a", "bo: b"], &["bo: a", "bo: b", "bo: c", "bo: b"], &["bo: c", "bo: b"], false);
    // Of a server that forgot everything, all is new.
    check(&["bo: a"], &["bo: x", "bo: y"], &["bo: x", "bo: y"], true);
    check(&["bo: a"], &[], &[], false);
}

#[test]
fn what_comes_before_the_answer_is_not_shown_twice() {
    let mut replay = Replay::default();
    replay.saw("bo: a");
    replay.ask(Wanted::Missed, "1");
    replay.saw("cy has entered the room.");
    replay.saw("cy: early");
    assert!(replay.heading());
    for line in ["bo: a", "bo: missed", "cy has entered the room.", "cy: early"] {
        assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {line}")));
    }
    replay.saw("cy: late");
    let missed = new(&mut replay, "1");
    assert_eq!(missed.rows, ["[2026-11-22T10:04:05Z] bo: missed"]);
    assert!(!missed.has_gap);
    // All of it was seen, in this order, when it is asked for again.
    replay.ask(Wanted::Missed, "2");
    let seen = ["bo: a", "bo: missed", "cy: early", "cy: late", "bo: new"];
    answer(&mut replay, seen.map(str::to_owned));
    assert_eq!(new(&mut replay, "2").rows, ["[2026-11-22T10:04:05Z] bo: new"]);
}

#[test]
fn an_answer_that_never_ends_is_not_kept() {
    let mut replay = Replay::default();
    replay.ask(Wanted::Latest, "1");
    assert!(replay.heading());
    assert!((0..most()).all(|_| replay.row("row")));
    assert!(!replay.row("one too many"));
    (0..=most()).for_each(|_| replay.saw("bo: flood"));
    assert!(!replay.is_open());
}

fn numbered(numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    numbers.map(|number| format!("bo: {number}"))
}

#[test]
fn an_answer_that_is_too_short_is_asked_for_again() {
    let mut replay = Replay::default();
    replay.saw("bo: 0");
    replay.ask(Wanted::Missed, "1");
    replay.saw("bo: 600");
    answer(&mut replay, numbered(101..601));
    replay.saw("bo: 601");
    assert_eq!(replay.end("1", "al"), Some(Answered::TooShort));
    replay.ask(Wanted::AllMissed, "2");
    replay.saw("bo: 602");
    answer(&mut replay, numbered(0..603));
    replay.saw("bo: 603");
    let missed = new(&mut replay, "2");
    assert!(missed.rows.iter().map(|row| text_of(row).to_owned()).eq(numbered(1..600)));
    assert!(!missed.has_gap);
}

#[test]
fn a_gap_that_no_answer_closes_is_told() {
    // Nothing was said yet when the connection was lost, and more than one can ask for since.
    for seen in [&[][..], &["bo: before"]] {
        let mut replay = Replay::default();
        seen.iter().for_each(|line| replay.saw(line));
        replay.ask(Wanted::Missed, "1");
        answer(&mut replay, numbered(most() - Wanted::Missed.lines()..most()));
        assert_eq!(replay.end("1", "al"), Some(Answered::TooShort));
        replay.ask(Wanted::AllMissed, "2");
        answer(&mut replay, numbered(0..most()));
        let missed = new(&mut replay, "2");
        assert_eq!((missed.rows.len(), missed.has_gap), (most(), true));
    }
}

#[test]
fn who_enters_misses_nothing() {
    let mut replay = Replay::default();
    replay.ask(Wanted::Latest, "1");
    answer(&mut replay, numbered(0..HISTORY_LINES));
    let latest = new(&mut replay, "1");
    assert_eq!((latest.rows.len(), latest.has_gap), (HISTORY_LINES, false));
}

#[test]
fn comings_and_goings_do_not_confuse_it() {
    check(
        &["cy has left the room.", "bo: a"],
        &["bo: a", "al has left the room.", "bo has left the room.", "al has entered the room."],
        &["bo has left the room."],
        false,
    );
}
