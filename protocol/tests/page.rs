//! `docs/protocol.md` lists every line that a client can get, and this crate reads each as the page
//! says.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::rows::{BanRow, HelpRow, HistoryRow, RoomRow, WhoRow};
use protocol::{Command, Event, Reply, ServerLine, UserName};

/// The names of all variants of an enum. It does not compile when one is missing.
macro_rules! variants {
    ($type:ident: $($variant:ident)*) => {{
        let _exhaustive = |it: &$type<'_>| match it {
            $($type::$variant { .. } => {})*
        };
        BTreeSet::from([$(stringify!($variant).to_owned()),*])
    }};
}

/// A line of the table and its kind.
fn table() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let page = fs::read_to_string(path).unwrap();
    let section = page.split("\n## Every line\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let line = cells.next().unwrap().trim_start_matches("| `").trim_end_matches('`');
        (line.to_owned(), cells.next().unwrap().to_owned())
    })
    .collect()
}

/// The line with values instead of the words in capitals.
fn example(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let name = word.trim_matches(|letter: char| !letter.is_ascii_alphabetic());
        let value = match name {
            "NAME" | "OLD" => "bob",
            "NEW" => "bill",
            "TEXT" | "REASON" => "tea: at four",
            "WHY" => "a space is not allowed",
            "TOKEN" => "7 8",
            "COMMAND" => "dance",
            "USAGE" => "mute NAME MINUTES",
            "HELP" => "what it does",
            "N" | "COUNT" | "IDLE" | "MINUTES" => "17",
            "ADDRESS" => "[fd00::7]:50123",
            "CARRIER" => "tcp",
            "ROOM" => "den",
            "TARGET" => "fd00::/64",
            "TIME" => "2026-11-22T10:04:05.123Z",
            "POSITION" => "2026-11-22T10:04:05.123Z+3",
            "LINE" => "bob: hi",
            other => other,
        };
        word.replacen(name, value, 1)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The name of the variant: what its debug text starts with.
fn variant(debug: &str) -> String {
    debug.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn every_line_is_on_the_page_and_reads_as_the_page_says() {
    let (mut replies, mut events, mut rows) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (line, kind) in table() {
        let text = example(&line);
        match (ServerLine::parse(&text), kind.as_str()) {
            (ServerLine::Reply(reply), "reply") => {
                replies.insert(variant(&format!("{reply:?}")));
            }
            (ServerLine::Event(event), "event") => {
                events.insert(variant(&format!("{event:?}")));
            }
            (ServerLine::Other(row), "row") => rows.push((line, row.to_owned())),
            (read, kind) => panic!("`{line}` is said to be a {kind} and is read as {read:?}"),
        }
    }
    let all_replies = variants!(Reply: ConnectSuccess LoginSuccess UserNameEmpty UserNameExist
        UserNameInvalid RenameSuccess OnlineUsers JoinSuccess RoomNameEmpty RoomNameInvalid TooManyRooms Rooms
        MessageTo MessageFrom NoSuchUser MailboxFull MessageRefused IgnoreSuccess TooManyIgnored
        UnignoreSuccess Topic History OperatorSuccess PasswordRequired PasswordWrong PasswordQueueFull
        Connections OperatorsOnly KickSuccess MuteSuccess BanSuccess BanList Kicked Muted Banned Pong
        Commands
        UnknownCommand Usage LineTooLong InvalidUtf8 ControlCharacter WrongProtocol Missed
        Position PositionGone WatchSuccess
        ServerFull LoginTimeout ServerShutdown ServerCutOff LinesWaiting LinesMoving);
    assert_eq!(replies, all_replies);
    let all_events = variants!(Event: Said Did Entered Left Renamed TopicSet Announced);
    assert_eq!(events, all_events);

    let [(_, user), (_, room), (_, ban), (_, history), (_, who), (_, _help)] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert!(UserName::parse(user).is_ok());
    assert_eq!(RoomRow::parse(room).map(|row| row.users), Some(17));
    assert_eq!(WhoRow::parse(who).map(|row| row.idle), Some(17));
    assert_eq!(BanRow::parse(ban).map(|row| row.minutes), Some(17));
    let line = HistoryRow::parse(history).unwrap().line;
    assert_eq!(Event::parse(line), Some(Event::Said { name: "bob", text: "hi" }));
}

#[test]
fn a_row_of_help_is_no_reply_and_no_event() {
    for command in Command::ALL {
        let row = HelpRow { command: *command, width: 28 }.to_string();
        assert_eq!(ServerLine::parse(&row), ServerLine::Other(&row));
    }
}
