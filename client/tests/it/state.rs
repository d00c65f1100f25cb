//! What a session knows of the chat, step by step: requests out, lines in.

use chat_client::model::replay::Wanted;
use chat_client::model::state::{Effect, State};
use chat_client::sanitize::Sanitized;

fn receive(state: &mut State, line: &str) -> Effect {
    state.receive(&Sanitized::new(line))
}

#[track_caller]
fn check(state: &mut State, line: &str, shown: bool, unechoed: usize) {
    let effect = receive(state, line);
    assert_eq!(effect.show, if shown { vec![line.to_owned()] } else { vec![] }, "{line}");
    assert_eq!(state.unconfirmed().unechoed(), unechoed, "{line}");
}

#[test]
fn a_request_waits_for_its_echo() {
    let mut state = State::new("al", None);
    for request in
        ["say one", "say two\u{202e}", "me waves", "msg bo hi", "topic x", "look", "topic"]
    {
        state.sent(request);
    }
    check(&mut state, "bo: one", true, 5);
    check(&mut state, "al: one", true, 4);
    check(&mut state, "* al waves", true, 2);
    check(&mut state, "No Such User: cy", true, 2);
    check(&mut state, "No Such User: bo", true, 1);
    check(&mut state, "al set the topic: x", true, 0);
    state.sent("say \u{1b}");
    check(&mut state, "Control Character", true, 0);
    state.sent("me too");
    check(&mut state, "Unknown command: me", true, 0);
}

#[test]
fn an_echo_is_known_by_the_name_of_its_time() {
    let mut state = State::new("al", None);
    state.sent("rename alf");
    state.sent("say hi");
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
    state.sent("join lobby");
    state.sent("join x y");
    assert_eq!((state.location().room(), state.location().is_settled()), ("main", false));
    assert_eq!(receive(&mut state, "Join Success").ask, Some(Wanted::Latest));
    check(&mut state, "RoomName Invalid: a space is not allowed", true, 0);
    assert_eq!((state.location().room(), state.location().is_settled()), ("lobby", true));
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 500\nping chat-client-1\n"
    );
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 500\nping chat-client-2\n"
    );
    assert_eq!(receive(&mut state, "Join Success"), Effect::default());
    assert_eq!(state.location().room(), "lobby");
    state.lost();
    assert_eq!(
        state.requests_after_login(Wanted::Missed),
        "join lobby\nhistory 500\nping chat-client-3\n"
    );
    check(&mut state, "RoomName Invalid: reserved", true, 0);
    assert_eq!(state.location().room(), "main");
}

#[test]
fn what_this_program_asks_by_itself_is_not_shown() {
    let mut state = State::new("al", None);
    assert_eq!(state.requests_after_login(Wanted::Missed), "history 500\nping chat-client-1\n");
    assert_eq!(state.request_for_life(), "ping chat-client-2\n");
    for line in ["Unknown command: history", "Unknown command: ping", "Unknown command: ping"] {
        check(&mut state, line, false, 0);
    }
    // What the user asks is answered.
    for line in ["Unknown command: ping", "Unknown command: history", "pong x", "History:"] {
        check(&mut state, line, true, 0);
    }
    check(&mut state, "[2026-11-22T10:04:05Z] bo: hi", true, 0);
}

#[test]
fn a_lost_request_is_kept_until_history_shows_it() {
    let mut state = State::new("al", None);
    check(&mut state, "bo: a", true, 0);
    check(&mut state, "bo: b", true, 0);
    state.sent("say delivered");
    state.sent("say lost");
    state.lost();
    assert!(state.unconfirmed_mut().keep("say offline"));
    assert!(!state.unconfirmed_mut().keep("look"));
    assert_eq!(state.unconfirmed().unsent(), ["say delivered", "say lost", "say offline"]);
    let _ = state.requests_after_login(Wanted::Missed);
    let row = |line: &str| format!("[2026-11-22T10:04:05Z] {line}");
    for line in ["History:"]
        .map(str::to_owned)
        .into_iter()
        .chain(["bo: a", "cy has left the room.", "bo: b", "al: delivered"].map(row))
    {
        check(&mut state, &line, false, 0);
    }
    let effect = receive(&mut state, "pong chat-client-1");
    assert!(effect.replayed);
    assert_eq!(effect.show, [row("al: delivered")]);
    assert_eq!(state.unconfirmed_mut().take_unsent(), ["say lost", "say offline"]);
}

#[test]
fn operators_refuse_and_put_out() {
    let mut state = State::new("al", None);
    state.sent("say hi");
    check(&mut state, "Muted for 5 minutes", true, 0);
    state.sent("rename alf");
    check(&mut state, "Muted for 5 minutes", true, 0);
    assert!(state.location().is_settled());
    state.sent("rename alf");
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
