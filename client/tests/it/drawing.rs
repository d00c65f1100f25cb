//! The mode for terminals: what is on the screen, of lines that are typed and of lines that come.

use std::sync::mpsc::channel;

use crate::pty::{CTRL_C, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn what_is_typed_is_shown_once_and_as_the_server_has_it() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("hello\r");
    let screen = pty.wait_for("al: hello\nal@main>");
    assert_eq!(screen.matches("hello").count(), 1, "{screen}");
    pty.leave();
}

#[test]
fn a_line_that_fills_its_row_leaves_no_gap() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 60, &fresh_directory(), &[]);
    pty.wait_for_last("al@main>");
    // The prompt has nine columns, and the row has eighty.
    for length in [70, 71, 72, 150, 151, 152, 153] {
        pty.keys(&format!("{}\rend{length}\r", "x".repeat(length)));
        pty.wait_for(&format!("al: end{length}\nal@main>"));
    }
    let screen = pty.wait_for_last("al@main>");
    assert!(!screen.contains("\n\n"), "{screen}");
    assert_eq!(screen.matches("al: xxx").count(), 7, "{screen}");
    assert_eq!(screen.matches("al@main>").count(), 1, "{screen}");
}

#[test]
fn a_line_of_wide_characters_leaves_no_gap_and_takes_nothing_else() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 80, &fresh_directory(), &[]);
    pty.wait_for_last("al@main>");
    // The prompt has nine columns, so the thirty-sixth of them does not fit into the row of eighty
    // and leaves its last column empty; in a row of their own forty of them fit.
    for count in [35, 36, 75, 76] {
        for narrow in 0..4 {
            let text = "漢".repeat(count) + &"x".repeat(narrow);
            pty.keys(&format!("before\r{text}\rafter{count}{narrow}\r"));
            pty.wait_for(&format!("al: after{count}{narrow}\nal@main>"));
        }
    }
    let screen = pty.wait_for_last("al@main>");
    assert!(!screen.contains("\n\n"), "{screen}");
    assert_eq!(screen.matches("al: before").count(), 16, "{screen}");
    assert_eq!(screen.matches("al: 漢").count(), 16, "{screen}");
    assert_eq!(screen.matches("al@main>").count(), 1, "{screen}");
}

#[test]
fn an_empty_line_leaves_no_prompt_behind() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("one\r");
    pty.wait_for("al: one\nal@main>");
    pty.keys(&format!("\r\r{CTRL_C}two\r"));
    pty.wait_for("al: two\nal@main>");
    pty.leave();
    let screen = pty.contents();
    let after = screen.split("al: one\n").nth(1).unwrap();
    assert_eq!(after, "-- Ctrl-C again leaves, and so does Ctrl-D\nal: two", "{screen}");
}

#[test]
fn enter_in_the_middle_of_a_line_takes_nothing_else_from_the_screen() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("one\rtwo\rthree\r");
    pty.wait_for("al: one\nal: two\nal: three\nal@main>");
    for (number, length) in [10, 150, 200].into_iter().enumerate() {
        // To the beginning of the line, and three to the right.
        pty.keys(&format!("{}\x01\x1b[C\x1b[C\x1b[C\rend {number}\r", "x".repeat(length)));
        pty.wait_for(&format!("al: end {number}\nal@main>"));
    }
    let screen = pty.wait_for("al: one\nal: two\nal: three\nal: xxx");
    assert_eq!(screen.matches("al: xxx").count(), 3, "{screen}");
    assert_eq!(screen.matches("al: end").count(), 3, "{screen}");
    assert!(!screen.contains("\n\n"), "{screen}");
}

#[test]
fn lines_of_others_appear_above_what_is_half_typed() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("half ty");
    pty.wait_for_last("al@main> half ty");
    let mut bob = server.other("bob");
    bob.send("say one\nsay two\n");
    let screen = pty.wait_for("bob: one\nbob: two\nal@main> half ty");
    assert_eq!(screen.matches("half ty").count(), 1, "{screen}");
    pty.keys("ped\r");
    pty.wait_for("al: half typed\nal@main>");
}

#[test]
fn lines_that_come_during_a_search_are_not_lost() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("needle\r");
    pty.wait_for("al: needle\nal@main>");
    pty.keys("\x12need");
    pty.wait_for_last("(reverse-i-search)`need': needle");
    let mut bob = server.other("bob");
    bob.send("say one\nsay two\nping\n");
    bob.read_to("pong");
    pty.keys("\r");
    pty.wait_for("bob: one\nbob: two\nal: needle\nal@main>");
}

#[test]
fn lines_typed_at_once_are_sent_in_order() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("one\rtwo\rthree\r");
    pty.wait_for("al: one\nal: two\nal: three\nal@main>");
}

#[test]
fn a_thousand_lines_and_a_thousand_times_enter_keep_their_order() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let state = fresh_directory();
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 2400, &state, &[]);
    pty.wait_for_last("al@main>");
    let mut bob = server.other("bob");
    for number in 0..1000 {
        bob.send(&format!("say number {number}\n"));
        if number % 10 == 0 {
            pty.keys(&format!("mine {number}\r"));
        } else {
            pty.keys("\r");
        }
    }
    // To look at so large a screen again and again takes longer than the rest of the test.
    for last in [": number 999\r\n", ": mine 990\r\n"] {
        pty.wait_raw(last);
    }
    let screen = pty.contents();
    let of = |who: &str| -> Vec<u32> {
        let numbers = screen.lines().filter_map(|line| line.strip_prefix(who));
        numbers.map(|number| number.trim().parse().unwrap()).collect()
    };
    assert_eq!(of("bob: number "), (0..1000).collect::<Vec<_>>());
    assert_eq!(of("al: mine "), (0..1000).step_by(10).collect::<Vec<_>>());
}

#[test]
fn a_flood_does_not_hold_up_the_keys() {
    const LEAST: u32 = 100_000;
    // The end of a flood for keys that are held up for ever. On a busy machine this program itself may not
    // run for some seconds, and must find the flood still going on.
    const MOST: u32 = 2_000_000;
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time", "--color", "never"]);
    let mut bob = server.other("bob");
    let (seen, flooding) = channel();
    // The flood goes on until the typed text is seen: were the keys kept waiting, it never was.
    let writer = std::thread::spawn(move || {
        let (mut number, mut is_seen) = (0, false);
        while number < LEAST || (number < MOST && !is_seen) {
            let lines = (number..number + 1000).map(|number| format!("say flood {number}\n"));
            bob.send(&(lines.collect::<String>() + "ping\n"));
            bob.read_to("pong");
            number += 1000;
            is_seen |= flooding.try_recv().is_ok();
        }
        (bob, number, is_seen)
    });
    pty.wait_for("bob: flood");
    pty.keys("still typ");
    pty.wait_for("al@main> still typ");
    // When it fails, the flood is over, which the writer tells.
    let _ = seen.send(());
    pty.keys("ing\r");
    let (bob, count, was_seen) = writer.join().unwrap();
    assert!(was_seen, "typing waited for the end of the flood");
    pty.wait_for(&format!("bob: flood {}", count - 1));
    let raw = pty.wait_raw("al: still typing");
    drop(bob);
    let numbers: Vec<u32> = raw
        .lines()
        .filter_map(|line| Some(line.rsplit_once("flood ")?.1.trim().parse().unwrap()))
        .collect();
    assert!(numbers.into_iter().eq(0..count));
}

#[test]
fn a_cleared_screen_begins_at_its_top() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    let mut bob = server.other("bob");
    pty.wait_for("bob has entered");
    for clear in ["\x0c", "/clear\r"] {
        pty.keys(clear);
        pty.wait_until("an empty screen", |screen| screen.trim_end() == "al@main>");
        pty.keys("half");
        pty.wait_for_last("al@main> half");
        bob.send("say one\n");
        pty.wait_until("one line", |screen| screen.trim_end() == "bob: one\nal@main> half");
        bob.send("say two\n");
        pty.wait_until("two", |screen| screen.trim_end() == "bob: one\nbob: two\nal@main> half");
        pty.keys("\x15");
    }
    pty.keys("\x0cmine\r");
    pty.wait_until("the own line", |screen| screen.trim_end() == "al: mine\nal@main>");
}

#[test]
fn the_title_of_the_window_tells_what_came_and_is_given_back() {
    let server = RealServer::start();
    let mut pty = chat(&server, &[]);
    pty.wait_raw("\x1b]2;main\x1b\\");
    let mut bob = server.other("bob");
    bob.send("say one\nsay al, two\n");
    pty.wait_raw("\x1b]2;(2, 1 for you) main\x1b\\");
    pty.keys("/join den\r");
    let raw = pty.wait_raw("\x1b]2;den\x1b\\");
    assert_eq!(
        raw.matches("\x1b]2;main\x1b\\").count(),
        2,
        "a key means that it was read: {raw:?}"
    );
    pty.leave();
    let raw = pty.raw();
    assert!(raw.find("\x1b[22;2t") < raw.find("\x1b]2;"), "it is kept first");
    assert!(raw.rfind("\x1b[23;2t") > raw.rfind("\x1b]2;"), "and then taken back");
}
