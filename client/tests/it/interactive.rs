//! The mode for terminals: keys and what they do.

use std::sync::mpsc::channel;

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::pty::{CTRL_C, CTRL_D, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn what_is_typed_is_shown_once_and_as_the_server_has_it() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("hello\r");
    let screen = pty.wait_for("al: hello\nal@main>");
    assert_eq!(screen.matches("hello").count(), 1, "{screen}");
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 0);
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
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 0);
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
fn tab_completes_names_and_commands() {
    let server = RealServer::start();
    let mut pty = chat(&server, &[]);
    let mut bob = server.other("bob");
    bob.send("say hi\n");
    pty.wait_for("bob: hi");
    pty.keys("bo\t");
    pty.wait_for_last("al@main> bob:");
    pty.keys("\x15/lo\t");
    pty.wait_for_last("al@main> /look");
    pty.keys("\x15/ms");
    pty.wait_for_last("al@main> /msg NAME TEXT");
    // Several: the most recent speaker first, then the next, and back with Shift-Tab.
    let mut bea = server.other("bea");
    bea.send("say hi\n");
    pty.wait_for("bea: hi");
    pty.keys("\x15hey b\t");
    pty.wait_for_last("al@main> hey bea [bob]");
    pty.keys("\t");
    pty.wait_for_last("al@main> hey bob [bea]");
    pty.keys("\x1b[Z");
    pty.wait_for_last("al@main> hey bea [bob]");
    // The chat goes on above it.
    bob.send("say me too\n");
    pty.wait_for("bob: me too");
    pty.wait_for_last("al@main> hey bea [bob]");
    pty.keys("!\r");
    pty.wait_for("al: hey bea !");
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
fn a_mistyped_command_is_not_said() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/lokk\r//lokk\r");
    let screen = pty.wait_for("al: /lokk");
    assert!(screen.contains("no command /lokk; did you mean /look?"), "{screen}");
}

#[test]
fn help_explains_the_commands_and_what_one_lacks() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let mut pty = Pty::start_with(&arguments, 50, &fresh_directory(), &[]);
    pty.wait_for("| bob has entered the room.\nal@main>");
    pty.keys("/msg bob\r");
    pty.wait_for("-- something is missing; type /msg NAME TEXT\nal@main>");
    pty.keys("/help msg\r");
    pty.wait_for(
        "\n-- /msg NAME TEXT   say something to one user alone, in whatever room\nal@main>",
    );
    pty.keys("/help xyzzy\r");
    pty.wait_for("\n-- there is no command /xyzzy; /help lists them\nal@main>");
    pty.keys("/help\r");
    let screen = pty.wait_for("-- //TEXT           say a text that starts with a slash\nal@main>");
    assert!(screen.contains("\n-- /kick NAME [REASON]\n--                  end the"), "{screen}");
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 0);
    assert_eq!(bob.read_to("al has left the room."), ["al has entered the room."]);
}

#[test]
fn ctrl_c_clears_and_twice_on_an_empty_line_leaves() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &[]);
    pty.keys("nothing");
    pty.wait_for_last("al@main> nothing");
    pty.keys(CTRL_C);
    pty.wait_for_last("al@main>");
    pty.keys(CTRL_C);
    pty.wait_for("Ctrl-C again leaves");
    pty.keys("text");
    pty.wait_for_last("al@main> text");
    pty.keys(CTRL_C);
    pty.wait_for_last("al@main>");
    pty.keys(CTRL_C);
    pty.keys(CTRL_C);
    assert_eq!(pty.wait(), 0);
    let lines = bob.read_to("al has left the room.");
    assert!(!lines.iter().any(|line| line.starts_with("al:")), "{lines:?}");
}

#[test]
fn ctrl_d_and_quit_leave_properly() {
    for keys in [CTRL_D, "/quit\r"] {
        let server = RealServer::start();
        let mut bob = server.other("bob");
        let mut pty = chat(&server, &[]);
        pty.keys("bye\r");
        pty.keys(keys);
        assert_eq!(pty.wait(), 0);
        let lines = bob.read_to("al has left the room.");
        assert!(lines.contains(&"al: bye".to_owned()), "{lines:?}");
    }
}

#[test]
fn lines_typed_at_once_are_sent_in_order() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("one\rtwo\rthree\r");
    pty.wait_for("al: one\nal: two\nal: three\nal@main>");
}

#[test]
fn a_paste_of_several_lines_asks_once_and_is_said_as_it_is() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    bob.read_to("al has entered the room.");
    let paste = "\x1b[200~def f(x):\n    if x:\n\n        return 1 // one\n/look\n\x1b[201~\r";
    pty.keys(paste);
    pty.wait_for_last("say these 5 lines as they are? [y/N]");
    pty.keys("\r");
    pty.wait_for("nothing was sent");
    pty.wait_for_last("al@main>");
    pty.keys(paste);
    pty.wait_for_last("say these 5 lines as they are? [y/N]");
    pty.keys("y\r");
    let said =
        "al: def f(x):\nal:     if x:\nal:\nal:         return 1 // one\nal: /look\nal@main>";
    pty.wait_until("the code", |screen| {
        let lines: Vec<_> = screen.lines().map(str::trim_end).collect();
        lines.join("\n").contains(said)
    });
    // No other client shows the indentation less, as this one is not trimmed on the way.
    let lines = bob.read_to("al: /look");
    let indented = |columns, text| format!("al: {}{text}", "\u{a0}".repeat(columns));
    assert_eq!(
        lines,
        ["al: def f(x):", &indented(4, "if x:"), "al:", &indented(8, "return 1 // one")]
    );
    // A password among them is said to nobody.
    pty.keys("\x1b[200~hello\n/op secret\x1b[201~\r");
    pty.wait_for("-- nothing was sent: one of these lines holds a password\nal@main>");
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
fn the_prompt_follows_name_and_room() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/join lobby\r");
    pty.wait_for("Join Success");
    pty.wait_for_last("al@lobby>");
    pty.keys("/rename alf\r");
    pty.wait_for_last("alf@lobby>");
    pty.keys("/rename bob\r");
    pty.wait_for("UserName Exist");
    pty.wait_for_last("alf@lobby>");
    pty.keys("/join x y\r");
    pty.wait_for("RoomName Invalid");
    pty.wait_for_last("alf@lobby>");
    bob.read_to("al has left the room.");
}

#[test]
fn a_room_can_be_named_on_the_command_line() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let mut bob = server.other("bob");
    bob.send("join den\nsay earlier\n");
    bob.read_to("bob: earlier");
    for arguments in [&["--room", "den", "--name", "al"][..], &["--room", "den"]] {
        let arguments = [&["--server", &address, "--no-time"][..], arguments].concat();
        let mut pty = Pty::start(&arguments);
        if arguments.len() == 5 {
            pty.wait_for_last(&format!("server [{address}]:"));
            pty.keys("\ral\r");
        }
        bob.read_to("al has entered the room.");
        // The history is the one of the room.
        pty.wait_for("| bob: earlier\nal@den>");
        pty.keys(CTRL_D);
        assert_eq!(pty.wait(), 0);
        assert!(!pty.contents().contains("Join Success"), "{}", pty.contents());
        bob.read_to("al has left the room.");
    }
    let arguments = ["--server", &address, "--no-time", "--name", "al", "--room", "no room"];
    let pty = Pty::start(&arguments);
    pty.wait_for("RoomName Invalid: a space is not allowed\n");
    pty.wait_for_last("al@main>");
    assert!(!pty.raw().contains("al@no room"), "the prompt waits for the answer");
}

#[test]
fn without_a_name_it_asks_until_somebody_lets_the_user_in() {
    let server = RealServer::start();
    let bob = server.other("bob");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut pty = Pty::start(&["--server", &nobody.to_string(), "--no-time"]);
    pty.wait_for_last(&format!("server [{nobody}]:"));
    pty.keys("\r");
    pty.wait_for_last("user name:");
    pty.keys("al\r");
    pty.wait_for("Connect Fail! cannot connect to");
    pty.wait_for_last(&format!("server [{nobody}]:"));
    pty.keys(&format!("{}\r", server.address));
    // A refused name asks for another one alone.
    for (name, answer) in
        [("bob", "UserName Exist!"), ("a:b", "UserName Invalid! : is not allowed")]
    {
        pty.wait_for_last("user name:");
        pty.keys(&format!("{name}\r"));
        pty.wait_for(answer);
    }
    // None leads back to the first question, which now offers the server that answered.
    pty.wait_for_last("user name:");
    pty.keys("\r");
    pty.wait_for("UserName Empty!");
    pty.wait_for_last(&format!("server [{}]:", server.address));
    // A server that does not answer is not offered.
    pty.keys(&format!("{nobody}\ral\r"));
    pty.wait_until("a second failure", |screen| screen.matches("Connect Fail!").count() == 2);
    pty.wait_for_last(&format!("server [{}]:", server.address));
    pty.keys("\ral\rhello\r");
    pty.wait_for("al: hello\nal@main>");
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 0);
    drop(bob);
}

#[test]
fn the_dialog_can_be_left() {
    for keys in [CTRL_C, CTRL_D] {
        let mut pty = Pty::start(&[]);
        pty.wait_for_last("server [127.0.0.1:6666]:");
        pty.keys(keys);
        assert_eq!(pty.wait(), 0);
    }
}

#[test]
fn the_dialog_can_be_left_while_it_waits_for_a_server() {
    // It takes connections and never greets.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut pty = Pty::start(&["--server", &address]);
    pty.wait_for_last(&format!("server [{address}]:"));
    pty.keys("\ral\r");
    pty.wait_for(&format!("-- connecting to {address}; Ctrl-C leaves"));
    // The terminal makes a signal of Ctrl-C now, for the job that it belongs to. It belongs to no
    // job of this test, so the signal is sent by hand.
    assert!(pty.modes().0.local_flags.contains(LocalFlags::ISIG));
    pty.signal(Signal::SIGINT);
    assert_eq!(pty.wait(), 143);
    assert!(!pty.contents().contains("Connect Fail!"), "{}", pty.contents());
}

#[test]
fn the_classic_listener_works_as_well() {
    let server = RealServer::start();
    let bob = server.other("bob");
    let classic = server.classic.to_string();
    let mut pty = Pty::start(&["--server", &classic, "--name", "bob"]);
    assert_eq!(pty.wait(), 4);
    let mut pty = Pty::start(&["--server", &classic, "--name", "al", "--no-time"]);
    pty.wait_for_last("al@main>");
    pty.keys("hello\r");
    pty.wait_for("al: hello\nal@main>");
    drop(bob);
}

#[test]
fn a_login_that_fails_ends_as_in_a_pipe() {
    let server = RealServer::start();
    let bob = server.other("bob");
    let mut pty = Pty::start(&["--server", &server.address.to_string(), "--name", "bob"]);
    assert_eq!(pty.wait(), 4);
    let mut pty = Pty::start(&["--server", "127.0.0.1:1", "--name", "bob"]);
    assert_eq!(pty.wait(), 3);
    drop(bob);
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
fn the_last_private_line_can_be_answered() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/r hi\r");
    pty.wait_for("-- nobody has written to you alone\nal@main>");
    let mut bob = server.other("bob");
    let mut cy = server.other("cy");
    bob.send("msg al psst\n");
    pty.wait_for("[from bob] psst");
    cy.send("say I speak later\n");
    pty.wait_for("cy: I speak later");
    pty.keys("/reply hello  there\r");
    pty.wait_for("[to bob] hello  there\nal@main>");
    bob.read_to("[from al] hello  there");
    pty.keys("/r \tagain\r");
    pty.wait_for("[to bob] again\nal@main>");
    pty.keys("/msg \tand again\r");
    pty.wait_for("[to bob] and again\nal@main>");
}

#[test]
fn who_comes_and_goes_is_hidden_when_the_user_wants() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/quiet\r");
    pty.wait_for("-- who comes and goes is not shown; /quiet again shows it\nal@main>");
    let mut bob = server.other("bob");
    bob.send("say hi\n");
    pty.wait_for("bob: hi");
    pty.keys("/quiet\r");
    pty.wait_for("-- who comes and goes is shown\nal@main>");
    let screen = pty.contents();
    assert!(!screen.contains("bob has"), "{screen}");
    pty.keys("/clear\r");
    pty.wait_until("an empty screen", |screen| screen.trim() == "al@main>");
}

#[test]
fn a_key_that_nobody_knows_types_nothing() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    // Ctrl-Tab, Ctrl-Enter, Ctrl-A and Ctrl-Backspace of kitty, Ctrl-Tab of xterm, a click, focus, F25, Alt-x.
    for key in [
        "\x1b[9;5u",
        "\x1b[13;5u",
        "\x1b[97;5u",
        "\x1b[127;5u",
        "\x1b[27;5;9~",
        "\x1b[<0;10;10M",
        "\x1b[I",
        "\x1b[1;2Q",
        "\x1b[?1;2c",
    ] {
        pty.keys(&format!("a{key}b"));
    }
    pty.wait_for_last(&format!("al@main> {}", "ab".repeat(9)));
    // Those that the editor knows still work.
    pty.keys("\x1b[D\x1b[D\x1b[1;5D\x1b[H7;5u \x1bOF!\r");
    pty.wait_for(&format!("al: 7;5u {}!\nal@main>", "ab".repeat(9)));
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
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 0);
    let raw = pty.raw();
    assert!(raw.find("\x1b[22;2t") < raw.find("\x1b]2;"), "it is kept first");
    assert!(raw.rfind("\x1b[23;2t") > raw.rfind("\x1b]2;"), "and then taken back");
}

#[test]
fn who_is_ignored_is_not_heard_in_the_next_run_either() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let state = fresh_directory();
    let arguments = ["--server", &address, "--name", "al", "--no-time", "--quiet"];
    let mut bob = server.other("bob");
    let mut cy = server.other("cy");
    let mut ended = Vec::new();
    for (typed, told) in [
        ("/ignore B0B\r", "-- B0B is ignored; /ignore B0B again ends it\nal@main>"),
        // What was said before may come behind it.
        ("/ignore\r", "-- ignored: B0B\n"),
    ] {
        let mut pty = Pty::start_with(&arguments, 24, &state, &[]);
        pty.wait_for_last("al@main>");
        pty.keys(typed);
        pty.wait_for(told);
        bob.send("say al, hear me\nme shouts\nmsg al psst\nping\n");
        bob.read_to("pong");
        let peace = format!("peace {}", ended.len());
        cy.send(&format!("say {peace}\n"));
        pty.wait_for(&format!("\ncy: {peace}\nal@main>"));
        assert!(!pty.raw().contains("hear me") && !pty.raw().contains('\x07'));
        assert!(!pty.raw().contains("shouts") && !pty.raw().contains("psst"));
        if typed == "/ignore\r" {
            pty.keys("/ignore bob\r");
            pty.wait_for("-- bob is shown\nal@main>");
            bob.send("say again\n");
            pty.wait_for("bob: again");
        }
        pty.keys(CTRL_D);
        assert_eq!(pty.wait(), 0);
        // Its end would take the files away.
        ended.push(pty);
    }
}
