//! The mode for terminals: getting in, with the dialog and without.

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::pty::{CTRL_C, CTRL_D, Pty, chat};
use crate::real_server::RealServer;

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
        pty.leave();
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
    // Where nobody listens. A port that was free a moment ago may be that of another test.
    let nobody = "127.0.0.1:1";
    let mut pty = Pty::start(&["--server", nobody, "--no-time"]);
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
    pty.leave();
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
