//! What a newcomer is shown of the lines that were said before.

use chat_client::model::replay::{Earlier, Replay, Wanted, text_of};

/// Rows that are held at most.
const HELD: usize = 10_000;

#[test]
fn what_comes_before_the_answer_is_not_shown_twice() {
    let mut replay = Replay::default();
    assert_eq!(replay.ask(Wanted::Latest, "1"), "history 200\nsince\n");
    for line in ["* Welcome", "cy has entered the room.", "cy: early"] {
        assert_eq!(replay.saw(line), "");
    }
    assert!(!replay.row("too early"));
    assert!(replay.heading());
    let rows = ["bo: a", "al has entered the room.", "cy has entered the room.", "cy: early"];
    for line in rows {
        assert!(replay.row(&format!("[2026-11-22T10:04:05Z] {line}")));
    }
    assert_eq!(replay.saw("cy: late"), "");
    assert!(!replay.heading(), "it is the user who asks");
    assert_eq!(replay.end("2", "al"), None);
    let Earlier { rows, is_missed, has_gap } = replay.end("1", "al").unwrap();
    assert_eq!(rows.iter().map(|row| text_of(row)).collect::<Vec<_>>(), ["bo: a"]);
    assert!(!is_missed && !has_gap && !replay.is_open());
}

/// Rows behind a position end where the user came in, so nothing of them came live as well.
#[test]
fn a_line_that_is_said_again_is_another_line() {
    let mut replay = Replay::default();
    replay.told("2026Z+1");
    replay.lost();
    assert_eq!(replay.ask(Wanted::Missed, "1"), "since 2026Z+1\nsince\n");
    assert_eq!(replay.saw("bo: ok"), "");
    assert!(replay.heading() && replay.row("[2026-11-22T10:04:05Z] bo: ok"));
    assert_eq!(replay.end("1", "al").unwrap().rows.len(), 1);
}

#[test]
fn an_answer_that_never_ends_is_not_kept() {
    let mut replay = Replay::default();
    let _ = replay.ask(Wanted::Latest, "1");
    assert!(replay.heading());
    assert!((0..HELD).all(|_| replay.row("row")));
    assert!(!replay.row("one too many"));
    replay.forget();
    assert!(!replay.is_open());
}

/// A room in which nothing was said has no moment from which lines can be counted.
#[test]
fn the_first_line_of_a_room_brings_a_place() {
    let mut replay = Replay::default();
    replay.told("1970-01-01T00:00:00.000Z+0");
    assert_eq!(replay.saw("bo: one"), "since\n");
    assert_eq!(replay.saw("bo: two"), "");
    replay.told("2026-11-22T10:04:05.000Z+2");
    assert_eq!(replay.saw("bo: three"), "");
    replay.lost();
    assert!(replay.ask(Wanted::Missed, "1").starts_with("since 2026-11-22T10:04:05.000Z+3\n"));
}
