//! The mode for terminals: lost connections, and the state the terminal is left in.

use nix::sys::signal::Signal;

use crate::fake_server::serve;
use crate::pty::{CTRL_C, Pty, chat};
use crate::real_server::RealServer;

#[test]
fn the_terminal_is_left_sane_by_a_signal_and_by_a_lost_server() {
    let server = RealServer::start();
    let mut pty = chat(&server, &[]);
    pty.keys("half typed");
    pty.wait_for_last("al@main> half typed");
    assert_ne!(pty.modes().0, pty.modes().1);
    pty.signal(Signal::SIGTERM);
    assert_eq!(pty.wait(), 143);

    let mut pty = chat(&server, &[]);
    pty.keys("half typed");
    pty.wait_for_last("al@main> half typed");
    drop(server);
    pty.wait_for("trying again in 1 s");
    pty.wait_for_last("al@main> half typed");
    pty.keys(CTRL_C);
    pty.wait_for_last("al@main>");
    pty.keys(CTRL_C);
    assert_eq!(pty.wait(), 5);
}

#[test]
fn a_closed_window_ends_the_program() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &[]);
    pty.signal(Signal::SIGHUP);
    assert_eq!(pty.wait(), 143);
    bob.read_to("al has left the room.");

    let pty = chat(&server, &[]);
    bob.read_to("al has entered the room.");
    assert!(pty.close_and_wait().is_some());
    bob.read_to("al has left the room.");
}

#[test]
fn a_lost_line_is_kept_and_sent_again_when_the_user_wants() {
    let (server, served) = serve(move |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 20\n");
        assert!(session.line().starts_with("ping "));
        session.send("bo: before\n");
        assert_eq!(session.line(), "say lost\n");
        let address = session.stream.local_addr().unwrap();
        session.close();
        address
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("bo: before\nal@main>");
    pty.keys("lost\r");
    let address = served.join().unwrap();
    pty.wait_for("connection lost");
    pty.keys("offline\r");
    pty.wait_for("not connected; kept for later: offline");
    let server = RealServer::start_at(address);
    let mut bob = server.other("bob");
    pty.wait_for("connected again");
    let screen = pty.wait_for("/resend sends what was not sent");
    assert!(screen.contains("not sent: lost\n-- not sent: offline\n"), "{screen}");
    pty.keys("/resend\r");
    pty.wait_for("al: lost\nal: offline\nal@main>");
    bob.read_to("al: lost");
    bob.read_to("al: offline");
}

#[test]
fn what_was_missed_is_shown_and_nothing_twice() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 20\n");
        let fence = session.line().replace("ping", "pong");
        session.send("History:\n[2026-11-22T10:04:05Z] bo: old\n");
        session.send(fence);
        session.send("bo: live\ncy: live\n");
        assert_eq!(session.line(), "join lobby\n");
        session.send("Join Success\n");
        assert_eq!(session.line(), "history 20\n");
        let fence = session.line().replace("ping", "pong");
        session.send("History:\n");
        session.send(fence);
        session.send("bo: one\nbo: two\n");
        assert_eq!(session.line(), "say mine\n");
        let address = session.stream.local_addr().unwrap();
        session.close();
        address
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("| bo: old\nbo: live\ncy: live\nal@main>");
    pty.keys("/join lobby\r");
    pty.wait_for("bo: one\nbo: two\nal@lobby>");
    pty.keys("mine\r");
    let (_, served) = crate::fake_server::serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "join lobby\n");
        assert_eq!(session.line(), "history 500\n");
        let fence = session.line().replace("ping", "pong");
        session.send("Join Success\nHistory:\n");
        for line in ["bo: one", "bo: two", "al: mine", "al has left the room.", "bo: three"] {
            session.send(format!("[2026-11-22T10:04:05Z] {line}\n"));
        }
        session.send(fence);
        session.send("bo: four\n");
        session.rest()
    });
    let screen = pty.wait_for("bo: four\nal@lobby>");
    let again = screen.split("connected again\n").nth(1).unwrap();
    assert!(again.starts_with("| al: mine\n| bo: three\nbo: four\nal@lobby>"), "{screen}");
    pty.keys("\x04");
    assert_eq!(pty.wait(), 0);
    assert_eq!(served.join().unwrap(), b"logout\n");
}
