//! The mode for terminals, under a pseudo-terminal.

use nix::sys::signal::Signal;

use crate::fake_server::serve;
use crate::pty::Pty;
use crate::real_server::RealServer;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

fn chat(server: &RealServer, extra: &[&str]) -> Pty {
    let address = server.address.to_string();
    let mut arguments = vec!["--server", &address, "--name", "al"];
    arguments.extend(extra);
    let pty = Pty::start(&arguments);
    pty.wait_for_last("al@main>");
    pty
}

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
    let mut pty = chat(&server, &["--no-time"]);
    for length in [70, 71, 72, 150, 151, 152, 153] {
        let text = "x".repeat(length);
        pty.keys(&format!("{text}\r/xyzzy\r"));
        pty.wait_for("there is no command /xyzzy");
        pty.wait_for("al: xxx");
        let screen = pty.wait_for_last("al@main>");
        assert!(!screen.contains("\n\n"), "{length}:\n{screen}");
        pty.keys("\x0c");
        pty.wait_until("a clear screen", |screen| screen.trim_end() == "al@main>");
    }
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
fn a_paste_of_several_lines_asks_once() {
    let server = RealServer::start();
    let mut pty = chat(&server, &["--no-time"]);
    let paste = "\x1b[200~one\ntwo\n/look\x1b[201~\r";
    pty.keys(paste);
    pty.wait_for_last("send 3 lines? [y/N]");
    pty.keys("\r");
    pty.wait_for("nothing was sent");
    pty.wait_for_last("al@main>");
    pty.keys(paste);
    pty.wait_for_last("send 3 lines? [y/N]");
    pty.keys("y\r");
    let screen = pty.wait_for("al: one\nal: two\nOnline Users:\nal\nal@main>");
    assert_eq!(screen.matches("al: one").count(), 1, "{screen}");
}

#[test]
fn a_thousand_lines_and_a_thousand_times_enter_keep_their_order() {
    let server = RealServer::start();
    let address = server.address.to_string();
    let state = crate::pty::fresh_directory();
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
    let screen = pty.wait_until("the last line", |screen| {
        screen.contains("bob: number 999") && screen.contains("al: mine 990")
    });
    let of = |who: &str| -> Vec<u32> {
        let numbers = screen.lines().filter_map(|line| line.strip_prefix(who));
        numbers.map(|number| number.trim().parse().unwrap()).collect()
    };
    assert_eq!(of("bob: number "), (0..1000).collect::<Vec<_>>());
    assert_eq!(of("al: mine "), (0..1000).step_by(10).collect::<Vec<_>>());
}

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
