//! `since`: where one is in a room, and what was said after a place in it.

use crate::support::{TestClient, TestServer};

/// The rows of a list, without their times.
fn rows(client: &mut TestClient) -> Vec<String> {
    let rows = client.lines_until_fence();
    rows.into_iter()
        .map(|row| match row.split_once("Z] ") {
            Some((time, line)) if time.starts_with('[') => format!("[TIME] {line}"),
            _ => row,
        })
        .collect()
}

#[test]
fn who_enters_again_gets_what_was_said_after_its_position() {
    let server = TestServer::start();
    let mut ann = server.login("ann");
    let mut bob = server.login("bob");
    ann.expect("bob has entered the room.");
    ann.send("say one\nsince\n");
    ann.expect("ann: one");
    bob.expect("ann: one");
    let line = ann.line();
    let position = line.strip_prefix("Room Position: ").unwrap();

    // Whoever asks after what it was sent itself gets nothing.
    ann.send(&format!("since {position}\n"));
    assert_eq!(rows(&mut ann), ["History:"]);

    bob.send("logout\n");
    bob.expect_end();
    ann.expect("bob has left the room.");
    ann.send("say two\nme waves\n");
    ann.expect("ann: two");
    ann.expect("* ann waves");
    let mut bob = server.login("bob");
    ann.expect("bob has entered the room.");
    ann.send("say three\n");
    bob.expect("ann: three");
    bob.send(&format!("since {position}\n"));
    let missed = ["[TIME] bob has left the room.", "[TIME] ann: two", "[TIME] * ann waves"];
    assert_eq!(rows(&mut bob)[1..], missed);

    // A position that the room does not have is said; then comes all that there is.
    let gone = "2026-11-22T10:04:05.123Z+1";
    bob.send(&format!("since {gone}\n"));
    bob.expect(&format!("Position Gone: {gone}"));
    let all = rows(&mut bob);
    assert_eq!(all[..2], ["History:", "[TIME] ann has entered the room."]);
    assert_eq!(all[all.len() - 3..], missed);

    bob.send("since yesterday\n");
    bob.expect("Usage: since [POSITION]");
}
