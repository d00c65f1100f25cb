//! The line mode: terminals that cannot move their cursor, and output that goes elsewhere.

use std::fs::File;

use nix::sys::signal::Signal;

use crate::pty::{Pty, fresh_directory};
use crate::real_server::RealServer;

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_whole_lines() {
    for (terminal, extra) in [("dumb", None), ("emacs", None), ("xterm", Some("--plain"))] {
        let server = RealServer::start();
        let address = server.address.to_string();
        let mut bob = server.other("bob");
        let mut arguments = vec!["--server", &address, "--name", "al", "--no-time"];
        arguments.extend(extra);
        arguments.extend(["--color", "always"]);
        let mut pty = Pty::start_with(&arguments, 40, &fresh_directory(), &[("TERM", terminal)]);
        pty.wait_for("al@main>");
        pty.wait_for("| bob has entered the room.");
        bob.send("say hello al\n");
        // The own name is marked without any colour.
        pty.wait_for("\n! bob: hello al");
        pty.keys("hi there\n");
        pty.wait_for("hi there\nal: hi there");
        bob.read_to("al: hi there");
        pty.keys("/join den\n");
        pty.wait_for("\nal@den>");
        pty.keys("\n");
        pty.wait_for("al@den>\n\nal@den>");
        pty.keys("/clear\n");
        pty.wait_for("-- a terminal in line mode is not cleared");
        pty.keys("/lokk\n/help msg\n");
        pty.wait_for("-- there is no command /lokk; did you mean /look?");
        pty.wait_for("-- /msg NAME TEXT   say something to one user alone");
        pty.keys("/join main\nbye\n");
        pty.wait_for("al: bye");
        pty.leave();
        assert!(!pty.raw().contains('\x1b'), "{:?}", pty.raw());
        assert_eq!(pty.raw().matches('\x07').count(), 1, "the bell rings");
        bob.read_to("al: bye");
        bob.read_to("al has left the room.");
    }
}

#[test]
fn the_line_mode_asks_for_server_and_name_as_well() {
    let server = RealServer::start();
    let bob = server.other("bob");
    let address = server.address.to_string();
    let arguments = ["--server", &address, "--no-time"];
    let mut pty = Pty::start_with(&arguments, 24, &fresh_directory(), &[("TERM", "dumb")]);
    pty.wait_for(&format!("server [{address}]:"));
    pty.keys("\nbob\n");
    pty.wait_for("UserName Exist!");
    pty.keys("al\n");
    pty.wait_for("al@main>");
    pty.keys("here\n");
    pty.wait_for("al: here");
    // The terminal makes a signal of Ctrl-C, for a job that no test has.
    pty.signal(Signal::SIGINT);
    assert_eq!(pty.wait(), 143);
    drop(bob);
}

#[test]
fn who_types_into_a_program_that_writes_elsewhere_chats_too() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let folder = fresh_directory();
    let output = folder.join("output");
    let mut bob = server.other("bob");
    let arguments = ["--server", &address, "--name", "al", "--no-time"];
    let file = File::create(&output).unwrap();
    let mut pty = Pty::start_into(&arguments, 24, &fresh_directory(), &[], Some(file));
    bob.read_to("al has entered the room.");
    pty.keys("hello\n/quit\n");
    bob.read_to("al: hello");
    bob.send("say al!\n");
    assert_eq!(pty.wait(), 0);
    let written = std::fs::read_to_string(output).unwrap();
    assert!(written.contains("al@main>\n") && written.contains("al: hello\n"), "{written:?}");
    assert!(!written.contains(['\x1b', '\x07']), "{written:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
