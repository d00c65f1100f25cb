//! Whose names are learned.

use chat_client::model::roster::Roster;
use protocol::{Event, Reply};

#[test]
fn names_are_learned_from_events_and_lists() {
    let mut roster = Roster::default();
    roster.event(&Event::Entered { name: "bo" }, "al");
    roster.event(&Event::Said { name: "cy", text: "hi" }, "al");
    roster.event(&Event::Said { name: "al", text: "hi" }, "al");
    roster.event(&Event::Entered { name: "dee" }, "al");
    roster.event(&Event::Left { name: "dee" }, "al");
    roster.row("no list is coming", "al");
    roster.reply(&Reply::OnlineUsers);
    for row in ["eve", "al", "not a name"] {
        roster.row(row, "al");
    }
    roster.reply(&Reply::Rooms);
    roster.row("lobby 3", "al");
    roster.row("nonsense", "al");
    roster.list_ended();
    roster.row("den 1", "al");
    assert_eq!(roster.names().users(""), ["cy", "bo", "eve"]);
    assert_eq!(roster.names().rooms(""), ["lobby"]);
}

/// The first word of an announcement or of the day's message is nobody, unless somebody is called so.
#[test]
fn what_the_server_itself_says_makes_no_user() {
    let mut roster = Roster::default();
    roster.event(&Event::Did { name: "Welcome", text: "to the lab" }, "al");
    roster.event(&Event::Entered { name: "bo" }, "al");
    roster.event(&Event::Said { name: "cy", text: "hi" }, "al");
    roster.event(&Event::Did { name: "bo", text: "waves" }, "al");
    assert_eq!(roster.names().users(""), ["bo", "cy"]);
    assert_eq!(roster.names().correspondent(), None);
    roster.reply(&Reply::MessageFrom { name: "cy", text: "psst" });
    assert_eq!(roster.names().users(""), ["cy", "bo"]);
    assert_eq!(roster.names().correspondent().as_deref(), Some("cy"));
}
