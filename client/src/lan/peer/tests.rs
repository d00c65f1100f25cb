//! A peer without a network: what it shows and sends for each request and each packet.

use super::*;

fn peer() -> Peer {
    let mut peer = Peer::default();
    let outcome = peer.request(Ok("login al"));
    assert_eq!(outcome.show, ["Login Success"]);
    assert_eq!(outcome.send.as_deref(), Some("al has entered the room."));
    peer
}

#[track_caller]
fn check(outcome: &Outcome, show: &[&str], send: Option<&str>) {
    assert_eq!((outcome.show.as_slice(), outcome.send.as_deref()), (&*strings(show), send));
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn requests_have_the_answers_of_a_server() {
    let mut peer = peer();
    let long = "x".repeat(DATAGRAM_BYTES);
    for (request, show, send) in [
        ("say hi ", "al: hi", Some("al: hi")),
        ("me waves", "* al waves", Some("* al waves")),
        ("look", "al is here.", Some("look")),
        ("ping x", "pong x", None),
        ("join den", "Unknown command: join", None),
        ("say \u{7}", "Control Character", None),
        (&format!("say {long}"), "Line Too Long: 1200", None),
    ] {
        check(&peer.request(Ok(request)), &[show], send);
    }
    check(&peer.request(Err(LineError::NotUtf8)), &["Invalid UTF-8"], None);
    assert_eq!(peer.request(Ok("logout")).then, Then::End);
    assert_eq!(peer.leave().as_deref(), Some("al has left the room."));
    assert_eq!(peer.leave(), None);
}

#[test]
fn a_name_is_a_name_as_on_a_server() {
    let mut peer = Peer::default();
    check(&peer.request(Ok("say hi")), &["Unknown command: say"], None);
    check(&peer.request(Ok("login")), &["UserName Empty"], None);
    let refusal = peer.request(Ok("login a b")).show.remove(0);
    assert!(refusal.starts_with("UserName Invalid: "), "{refusal}");
    check(&peer.datagram(b"bo: hi", "b"), &[], None);
}

#[test]
fn what_is_no_line_of_a_chat_is_ignored_and_counted() {
    let mut peer = peer();
    for line in ["bo: hi", "* bo waves", "bo has entered the room.", "bo has left the room."] {
        check(&peer.datagram(line.as_bytes(), "b"), &[line], None);
        check(&peer.datagram(format!("{line}\r\n").as_bytes(), "b"), &[line], None);
    }
    check(&peer.datagram(b"bo is here.", "b"), &["bo is here."], None);
    check(&peer.datagram(b"look", "b"), &[], Some("al is here."));
    assert_eq!(peer.ignored(), 0);
    let long = format!("bo: {}", "x".repeat(DATAGRAM_BYTES));
    let bad: [&[u8]; 9] = [
        b"",
        b"hello",
        b"bo: \xff",
        b"bo: \x1b[2J",
        b"bo: two\nlines",
        b"a b is here.",
        b"server: hi",
        b"bo is now known as al.",
        long.as_bytes(),
    ];
    for bytes in bad {
        check(&peer.datagram(bytes, "b"), &[], None);
    }
    assert_eq!(peer.ignored(), 9);
}

#[test]
fn two_of_one_name_notice_each_other() {
    let mut peer = peer();
    let notice = "You and somebody at b are both called AL: come back with another name";
    let entered = "AL has entered the room.";
    check(&peer.datagram(entered.as_bytes(), "b"), &[entered, notice], Some("al is here."));
    check(&peer.datagram(b"AL: hi", "b"), &["AL: hi"], None);
    let notice = notice.replace("at b", "at c");
    check(&peer.datagram(b"AL is here.", "c"), &["AL is here.", &notice], None);
}
