//! The mode for terminals: keys and what they do.

use crate::pty::{CTRL_C, CTRL_D, Pty, chat, fresh_directory};
use crate::real_server::RealServer;

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
    pty.leave();
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
        pty.leave();
        // Its end would take the files away.
        ended.push(pty);
    }
}
