//! Replies as lines, there and back.

use super::*;

#[track_caller]
fn check(reply: Reply<'_>, line: &str) {
    assert_eq!(reply.to_string(), line);
    assert_eq!(Reply::parse(line), Some(reply), "{line:?}");
    assert_eq!(reply.to_bytes(Framing::Line), format!("{line}\n").into_bytes());
}

#[test]
fn every_reply_reads_back() {
    for (line, reply) in FIXED {
        check(*reply, line);
    }
    for (text, reply) in WITH_VALUE {
        check(reply("a: b"), &format!("{text}a: b"));
    }
    check(Reply::Pong(""), "pong");
    check(Reply::LineTooLong(4096), "Line Too Long: 4096");
    for (start, end, reply) in AROUND_NUMBER {
        check(reply(17), &format!("{start}17{end}"));
    }
    check(Reply::MessageTo { name: "bob", text: "x] y" }, "[to bob] x] y");
    check(Reply::MessageFrom { name: "bob", text: "" }, "[from bob] ");
}

#[test]
fn what_is_no_reply_is_none() {
    for line in ["", "alice", "pongo", "pong ", "Missed x lines", "Missed 01 lines", "main 3"] {
        assert_eq!(Reply::parse(line), None, "{line:?}");
    }
}

#[test]
fn four_replies_are_bare_for_classic_clients() {
    let bare: Vec<_> = FIXED
        .iter()
        .filter(|(_, reply)| reply.is_bare(Framing::Classic))
        .map(|(text, _)| *text)
        .collect();
    assert_eq!(bare, ["Connect Success", "Login Success", "UserName Empty", "UserName Exist"]);
    assert_eq!(Reply::LoginSuccess.to_bytes(Framing::Classic), b"Login Success");
    assert_eq!(Reply::OnlineUsers.to_bytes(Framing::Classic), b"Online Users:\n");
}

#[test]
fn nobody_can_speak_in_the_words_of_the_server() {
    use crate::rows::RoomRow;
    use crate::{NameError, RoomName, UserName};

    // What a user says is `NAME: TEXT`.
    let texts = FIXED.iter().map(|(text, _)| *text);
    let texts = texts.chain(WITH_VALUE.iter().map(|(text, _)| *text));
    let words: Vec<_> = texts
        .filter_map(|text| text.split_once(':'))
        .map(|(word, _)| word)
        .filter(|word| !word.contains(' '))
        .collect();
    assert!(words.contains(&"Kicked") && words.contains(&"Rooms"), "{words:?}");
    for word in words {
        assert_eq!(UserName::parse(word), Err(NameError::Reserved), "{word}");
    }
    // A row of `rooms` is `ROOM COUNT`, and `pong 1` ends the list for a script.
    let row = RoomRow { name: "pong", users: 1 }.to_string();
    assert_eq!(Reply::parse(&row), Some(Reply::Pong("1")));
    assert_eq!(RoomName::parse("Pong"), Err(NameError::Reserved));
    // A row of `look` is a name.
    assert_eq!(Reply::parse("pong"), Some(Reply::Pong("")));
    assert_eq!(UserName::parse("Pong"), Err(NameError::Reserved));
}
