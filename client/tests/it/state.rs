//! What a session knows of the chat, step by step: requests out, lines in.

use std::time::Instant;

use chat_client::model::replay::{Earlier, Wanted};
use chat_client::model::state::{Effect, State};
use chat_client::sanitize::Sanitized;

fn sent(state: &mut State, request: &str) {
    state.sent(request, Instant::now());
}

fn receive(state: &mut State, line: &str) -> Effect {
    state.receive(&Sanitized::new(line))
}

#[track_caller]
fn check(state: &mut State, line: &str, shown: bool, unechoed: usize) {
    let effect = receive(state, line);
    assert_eq!(effect.show.as_deref(), shown.then_some(line), "{line}");
    assert_eq!(state.unconfirmed().unechoed(), unechoed, "{line}");
}

#[test]
fn a_request_waits_for_its_echo() {
    let mut state = State::new("al", None);
    for request in
        ["say one", "say two\u{202e}", "me waves", "msg bo hi", "topic x", "look", "topic"]
    {
        sent(&mut state, request);
    }
    check(&mut state, "bo: one", true, 5);
    check(&mut state, "al: one", true, 4);
    check(&mut state, "* al waves", true, 2);
    check(&mut state, "No Such User: cy", true, 2);
    check(&mut state, "No Such User: bo", true, 1);
    check(&mut state, "al set the topic: x", true, 0);
    sent(&mut state, "say \u{1b}");
    check(&mut state, "Control Character", true, 0);
    sent(&mut state, "me too");
    check(&mut state, "Unknown command: me", true, 0);
}

#[test]
fn an_echo_is_known_by_the_name_of_its_time() {
    let mut state = State::new("al", None);
    sent(&mut state, "rename alf");
    sent(&mut state, "say hi");
    assert!(!state.location().is_settled());
    check(&mut state, "Rename Success", true, 1);
    assert_eq!(state.name(), "alf");
    check(&mut state, "al is now known as alf.", true, 1);
    check(&mut state, "alf: hi", true, 0);
    assert!(state.location().is_settled());
}

#[test]
fn a_join_counts_when_it_is_answered() {
    let mut state = State::new("al", None);
    sent(&mut state, "join lobby");
    sent(&mut state, "join x y");
    assert_eq!((state.location().room(), state.location().is_settled()), ("main", false));
    let asked = receive(&mut state, "Join Success").requests;
    assert_eq!(asked, "history 200\nsince\nping chat-client-1\ntopic\n");
    check(&mut state, "RoomName Invalid: a space is not allowed", true, 0);
    assert_eq!((state.location().room(), state.location().is_settled()), ("lobby", true));
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 200\nsince\nping chat-client-2\n"
    );
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 200\nsince\nping chat-client-3\n"
    );
    assert_eq!(receive(&mut state, "Join Success"), Effect::default());
    assert_eq!(state.location().room(), "lobby");
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 200\nsince\nping chat-client-4\n"
    );
    check(&mut state, "RoomName Invalid: reserved", true, 0);
    assert_eq!(state.location().room(), "main");
}

#[test]
fn what_this_program_asks_by_itself_is_not_shown() {
    let mut state = State::new("al", None);
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "history 200\nsince\nping chat-client-1\n"
    );
    assert_eq!(state.request_for_life(), "ping chat-client-2\n");
    for line in [
        "Unknown command: history",
        "Unknown command: since",
        "Unknown command: ping",
        "Unknown command: ping",
    ] {
        check(&mut state, line, false, 0);
    }
    // What the user asks is answered.
    for line in ["Unknown command: ping", "Unknown command: history", "pong x", "History:"] {
        check(&mut state, line, true, 0);
    }
    check(&mut state, "[2026-11-22T10:04:05Z] bo: hi", true, 0);
}

fn row(line: &str) -> String {
    format!("[2026-11-22T10:04:05.000Z] {line}")
}

/// The connection is lost and found again. The rows are what the server says that was missed.
fn missed(state: &mut State, since: &str, answers: &[&str]) -> Earlier {
    state.lost();
    let requests = state.requests_after_login(Wanted::Missed);
    let (asked, fence) = requests.split_once("\nsince\nping ").unwrap();
    assert_eq!(asked, since);
    for answer in answers {
        assert_eq!(receive(state, answer), Effect::default(), "{answer}");
    }
    receive(state, &format!("pong {}", fence.trim())).earlier.unwrap()
}

#[test]
fn a_lost_request_is_kept_until_it_is_found_among_what_was_missed() {
    let mut state = State::new("al", None);
    check(&mut state, "Room Position: 2026-11-22T10:00:00.000Z+4", false, 0);
    // A line that was said long ago confirms nothing.
    for line in ["bo: a", "al: lost", "bo: b"] {
        check(&mut state, line, true, 0);
    }
    sent(&mut state, "say delivered");
    sent(&mut state, "say lost");
    state.lost();
    assert!(state.unconfirmed_mut().keep("say offline"));
    assert!(!state.unconfirmed_mut().keep("look"));
    assert_eq!(state.unconfirmed().unsent(), ["say delivered", "say lost", "say offline"]);
    let rows = [row("cy has left the room."), row("al: delivered"), row("al has left the room.")];
    let answers = ["History:", &rows[0], &rows[1], &rows[2], "Room Position: 2026Z+1"];
    let earlier = missed(&mut state, "since 2026-11-22T10:00:00.000Z+7", &answers);
    assert_eq!(earlier, Earlier { rows: rows[..2].to_vec(), is_missed: true, has_gap: false });
    assert_eq!(state.unconfirmed_mut().take_unsent(), ["say lost", "say offline"]);
}

/// The message of the day, private lines, answers and rows are not the room's.
#[test]
fn only_lines_of_the_room_are_counted() {
    let mut state = State::new("al", None);
    check(&mut state, "* Welcome to the lab", true, 0);
    check(&mut state, "Room Position: 2026Z+4", false, 0);
    for line in ["[from bo] hi", "Online Users:", "al", "bo", "Topic: bo: tea", &row("bo: hi")] {
        check(&mut state, line, true, 0);
    }
    check(&mut state, "* Break at ten", true, 0);
    check(&mut state, "bo has entered the room.", true, 0);
    let earlier = missed(&mut state, "since 2026Z+6", &["History:"]);
    assert_eq!(earlier, Earlier { is_missed: true, ..Earlier::default() });
    // The connection is lost again before the server has told another position.
    assert_eq!(
        missed(&mut state, "since 2026Z+6", &["History:", "Room Position: 2027Z+1"]),
        earlier
    );
    // Lines were left out: so another position is asked for, and there is none until it comes.
    assert_eq!(receive(&mut state, "Missed 9 lines").requests, "since\n");
    let unknown = missed(&mut state, "history 200", &["History:"]);
    assert!(unknown.has_gap);
    assert_eq!(state.names().users(""), ["bo"], "the first words of messages are no users");
}

#[test]
fn a_newcomer_is_told_the_topic_where_there_is_one() {
    for (answer, is_shown) in
        [("Topic: tea", true), ("Topic: ", false), ("Unknown command: topic", false)]
    {
        let mut state = State::new("al", None);
        assert!(state.requests_after_login(Wanted::Latest).ends_with("\ntopic\n"));
        receive(&mut state, "pong chat-client-1");
        check(&mut state, answer, is_shown, 0);
        check(&mut state, answer, true, 0);
    }
}

#[test]
fn a_position_is_asked_for_again_before_the_server_forgets_it() {
    let mut state = State::new("al", None);
    receive(&mut state, "Room Position: 2026Z+4");
    let asked: Vec<_> =
        (1..=2500).filter(|_| !receive(&mut state, "bo: flood").requests.is_empty()).collect();
    assert_eq!(asked, [1000, 2000]);
}

#[test]
fn what_cannot_be_known_is_told_and_confirms_nothing() {
    for (told, asked, answers) in [
        // The room has begun anew.
        (
            Some("Room Position: 2026Z+4"),
            "since 2026Z+4",
            &["Position Gone: 2026Z+4", "History:"][..],
        ),
        // An old server.
        (None, "history 200", &["History:"]),
        // The server was replaced by an old one, or by that of a course.
        (Some("Room Position: 2026Z+4"), "since 2026Z+4", &["Unknown command: since"]),
    ] {
        let mut state = State::new("al", None);
        let _ = told.map(|told| receive(&mut state, told));
        sent(&mut state, "say ok");
        let old = row("al: ok");
        let rows = if answers.contains(&"History:") { &[old.as_str()][..] } else { &[] };
        let answers = [answers, rows].concat();
        let earlier = missed(&mut state, asked, &answers);
        assert!(earlier.has_gap, "{asked}");
        assert_eq!(state.unconfirmed().unsent(), ["say ok"]);
    }
}

#[test]
fn operators_refuse_and_put_out() {
    let mut state = State::new("al", None);
    sent(&mut state, "say hi");
    check(&mut state, "Muted for 5 minutes", true, 0);
    sent(&mut state, "rename alf");
    check(&mut state, "Muted for 5 minutes", true, 0);
    assert!(state.location().is_settled());
    sent(&mut state, "rename alf");
    check(&mut state, "Banned for 5 minutes", true, 0);
    assert!(state.location().is_settled() && !state.is_put_out());
    check(&mut state, "Banned for 5 minutes", true, 0);
    assert!(state.is_put_out());
}

#[test]
fn names_are_learned_from_lines_and_lists() {
    let mut state = State::new("al", None);
    for line in [
        "bo has entered the room.",
        "cy: hi",
        "dee has entered the room.",
        "dee has left the room.",
        "Online Users:",
        "eve",
        "al",
        "not a name",
        "Rooms:",
        "lobby 3",
        "nonsense",
    ] {
        receive(&mut state, line);
    }
    assert_eq!(state.names().users(""), ["cy", "bo", "eve"]);
    assert_eq!(state.names().rooms(""), ["main", "lobby"]);
}
