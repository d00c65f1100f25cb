//! The mode for terminals: the state in which the terminal is left, and what stays on it.

use std::io::Write;
use std::net::Shutdown;
use std::sync::mpsc::channel;

use nix::sys::signal::Signal;

use crate::fake_server::serve;
use crate::pty::{CTRL_C, CTRL_D, Pty, chat, fresh_directory};
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
    assert!(!pty.raw().contains("Ctrl-C"));

    let mut pty = chat(&server, &[]);
    pty.keys("half typed");
    pty.wait_for_last("al@main> half typed");
    drop(server);
    pty.wait_for("trying again in 1 s");
    pty.wait_for_last("al@main> half typed");
    pty.keys(CTRL_C);
    pty.wait_for_last("al@main>");
    pty.keys(CTRL_C);
    pty.wait_for("-- stopped; /reconnect");
    pty.keys(CTRL_C);
    assert_eq!(pty.wait(), 5);
}

#[test]
fn a_server_that_never_stops_talking_can_be_left() {
    let (talking, talks) = channel();
    let (server, served) = serve(move |mut session| {
        session.greet_and_log_in();
        session.send("bo: hi\n");
        while session.line() != "logout\n" {}
        talking.send(session.stream.try_clone().unwrap()).unwrap();
        // Of a kind that is not shown, because the terminal of a test draws slowly.
        let flood = "bo has left the room.\n".repeat(1000);
        while session.stream.write_all(flood.as_bytes()).is_ok() {}
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time", "--quiet"]);
    pty.wait_for("bo: hi\n");
    pty.keys("/quit\r");
    assert_eq!(pty.wait(), 0);
    // The system may tell the talker only much later that nobody is there any more. It fails where
    // it has told already.
    let _ = talks.recv().unwrap().shutdown(Shutdown::Both);
    served.join().unwrap();
}

#[test]
fn a_password_is_neither_shown_nor_kept() {
    let log = fresh_directory().join("log");
    let server = RealServer::start();
    let mut pty = chat(&server, &["--log", log.to_str().unwrap()]);
    pty.keys("/op secret");
    pty.wait_for_last("al@main> /op ******");
    pty.keys("\r");
    pty.wait_for("Unknown command: op");
    drop(server);
    pty.wait_for("trying again in 1 s");
    pty.keys("/op secret\r");
    pty.wait_for("not connected; not sent: /op");
    pty.keys(CTRL_D);
    assert_eq!(pty.wait(), 5);
    assert!(!pty.raw().contains("secret"));
    assert!(!std::fs::read_to_string(log).unwrap().contains("secret"));
}

#[test]
fn a_suspended_program_gives_the_terminal_back_and_goes_on_later() {
    let server = RealServer::start();
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("half typed");
    pty.wait_for_last("al@main> half typed");
    pty.keys("\x1a");
    pty.wait_stopped();
    let (now, before) = pty.modes();
    assert_eq!(now, before);
    pty.wait_raw("\x1b[?2004l\r\n");
    bob.send("say meanwhile\nping\n");
    bob.read_to("pong");
    pty.signal(Signal::SIGCONT);
    pty.wait_for("bob: meanwhile\nal@main> half typed");
    pty.keys("\r");
    pty.wait_for("al: half typed\nal@main>");
    pty.leave();
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
        assert_eq!(session.line(), "history 200\n");
        assert_eq!(session.line(), "since\n");
        assert!(session.line().starts_with("ping "));
        assert_eq!(session.line(), "topic\n");
        session.send("bo: before\n");
        assert_eq!(session.line(), "say lost\n");
        session.close()
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

/// It is pinned above the prompt until it comes as what the room saw.
#[test]
fn a_line_that_does_not_come_back_is_shown_until_it_does() {
    let (wake, woken) = channel::<&str>();
    let (server, served) = serve(move |mut session| {
        session.greet_and_log_in();
        while session.line() != "say into a hang\n" {}
        for lines in &woken {
            session.send(lines);
        }
        session.rest()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for_last("al@main>");
    pty.keys("into a hang\r");
    pty.wait_for("commands\n-- not there yet: into a hang …\nal@main>");
    // What comes meanwhile stands above it, and what is typed below.
    wake.send("bo: one\nbo: two\n").unwrap();
    pty.wait_for("commands\nbo: one\nbo: two\n-- not there yet: into a hang …\nal@main>");
    pty.keys("/help me\r\rmore\rhalf typ");
    let told = "bo: two\nal@main> /help me\n-- /me TEXT         ";
    pty.wait_for(told);
    pty.wait_for("do\n-- not there yet and 1 more: into a hang …\nal@main> half typ");
    wake.send("bo: three\nal: into a hang\n").unwrap();
    pty.wait_for("do\nbo: three\nal: into a hang\n-- not there yet: more …\nal@main> half typ");
    pty.keys("\x15");
    wake.send("al: more\n").unwrap();
    let screen = pty.wait_for("al: into a hang\nal: more\nal@main>");
    assert!(screen.contains(told) && !screen.contains("not there yet"), "{screen}");
    drop(wake);
    pty.leave();
    served.join().unwrap();
}
