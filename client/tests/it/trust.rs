//! The mode for terminals: lost connections, and the state the terminal is left in.

use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chat_client::exit::{Exit, Failure};
use chat_client::model::state::State;
use chat_client::net::Connection;
use chat_client::session::timing::Timing;
use chat_client::session::{Ended, Session, SessionMessage};
use chat_client::view::View;
use chat_client::view::display_queue::DisplayQueue;
use chat_client::view::render::Style;
use chat_server::Config;
use nix::sys::signal::Signal;

use crate::fake_server::{FakeSession, serve, serve_at};
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
fn ctrl_c_stops_the_attempts_and_what_is_typed_goes_on() {
    let server = RealServer::start();
    let address = server.address;
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("/reconnect\r");
    pty.wait_for("-- there is a connection\nal@main>");
    drop(server);
    pty.wait_for("Ctrl-C stops\nal@main>");
    pty.keys(CTRL_C);
    pty.wait_for("-- stopped; /reconnect or /rename NAME goes on, Ctrl-C again leaves\nal@main>");
    pty.keys("kept\r");
    pty.wait_for("-- not connected; kept for later: kept\nal@main>");
    // What was asked for is one attempt, and it fails: there is nobody.
    pty.keys("/reconnect\r");
    pty.wait_until("more attempts", |screen| screen.matches("Ctrl-C stops").count() > 1);
    pty.keys(CTRL_C);
    pty.wait_until("no more", |screen| screen.matches("-- stopped").count() == 2);
    let server = RealServer::start_at(address);
    let thief = server.other("al");
    pty.keys("/rename alf\r");
    pty.wait_for("-- connected again");
    pty.wait_for_last("alf@main>");
    pty.keys("/resend\r");
    pty.wait_for("alf: kept\nalf@main>");
    drop(thief);
}

/// A name that is taken while an attempt is under way is the name of the connection that comes of it.
#[test]
fn another_name_during_an_attempt_is_the_name_that_is_used() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("connection lost");
    let listener = TcpListener::bind(served.join().unwrap()).unwrap();
    let mut first = FakeSession::accept(&listener);
    pty.keys("/rename alf\r");
    pty.wait_for("-- the next attempt is made as alf");
    first.greet_and_log_in();
    let mut second = FakeSession::accept(&listener);
    second.send("Connect Success\n");
    assert_eq!(second.line(), "login alf\n");
    second.send("Login Success\n");
    pty.wait_for("connected again");
    pty.wait_for_last("alf@main>");
}

#[test]
fn a_gap_in_what_was_missed_is_told() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.send("bo: one\n");
        assert_eq!(session.line(), "history 200\n");
        session.close()
    });
    let pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("bo: one\n");
    let (_, _served) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 200\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.line().replace("ping", "pong");
        session.send("cy: live\nHistory:\n[2026-11-22T10:04:05Z] bo: nine\n");
        session.send(fence);
        session.rest()
    });
    pty.wait_for("cy: live\n-- there may be more that was missed, before this; the server cannot tell\n| bo: nine\n");
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
fn who_is_put_out_is_not_brought_back() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.send("Kicked: spam\n");
        session.close();
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    let screen = pty.wait_for("Kicked: spam\n-- you were put out");
    assert_eq!(pty.wait(), 5);
    assert!(!pty.contents().contains("al@main>"), "a prompt is left: {screen}");
    served.join().unwrap();
}

#[test]
fn who_is_banned_does_not_try_again() {
    for answers in
        [&["Banned for 5 minutes\n"][..], &["Connect Success\n", "Banned for 5 minutes\n"]]
    {
        let (server, served) = serve(|mut session| {
            session.greet_and_log_in();
            session.line();
            session.close()
        });
        let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
        let (_, banning) = serve_at(served.join().unwrap(), move |mut session| {
            for answer in answers {
                session.send(answer);
            }
            session.rest()
        });
        pty.wait_for("Banned for 5 minutes");
        assert_eq!(pty.wait(), 5);
        banning.join().unwrap();
    }
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
    pty.keys("\x04");
    assert_eq!(pty.wait(), 0);
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

#[test]
fn what_was_missed_is_shown_and_nothing_twice() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 200\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.line().replace("ping", "pong");
        session.send("History:\n[2026-11-22T10:04:05Z] bo: old\nRoom Position: 2026Z+1\n");
        session.send(fence);
        session.send("bo: live\ncy: live\n");
        assert_eq!(session.line(), "topic\n");
        assert_eq!(session.line(), "join lobby\n");
        session.send("Join Success\n");
        assert_eq!(session.line(), "history 200\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.line().replace("ping", "pong");
        session.send("History:\nRoom Position: 2027Z+1\n");
        session.send(fence);
        session.send("bo: one\nbo: two\n");
        assert_eq!(session.line(), "topic\n");
        assert_eq!(session.line(), "say mine\n");
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    pty.wait_for("| bo: old\nbo: live\ncy: live\nal@main>");
    pty.keys("/join lobby\r");
    pty.wait_for("bo: one\nbo: two\nal@lobby>");
    pty.keys("mine\r");
    let (_, served) = serve_at(served.join().unwrap(), |mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "join lobby\n");
        assert_eq!(session.line(), "since 2027Z+3\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.line().replace("ping", "pong");
        session.send("Join Success\nHistory:\n");
        for line in ["al: mine", "al has left the room.", "bo: al, three"] {
            session.send(format!("[2026-11-22T10:04:05Z] {line}\n"));
        }
        session.send(fence);
        session.send("bo: four\n");
        session.rest()
    });
    let screen = pty.wait_for("bo: four\nal@lobby>");
    let again = screen.split("connected again\n").nth(1).unwrap();
    let missed =
        "| al: mine\n| bo: al, three\n-- you missed 2 lines; 1 of them name you\nbo: four\n";
    assert!(again.starts_with(missed), "{screen}");
    pty.keys("\x04");
    assert_eq!(pty.wait(), 0);
    assert_eq!(pty.raw().matches('\x07').count(), 1, "it rings for what was missed");
    assert!(pty.raw().contains("\x1b[1;7mal\x1b[0m\x1b[2m, three"), "and marks the name");
    assert_eq!(served.join().unwrap(), b"logout\n");
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
    pty.keys("\x04");
    assert_eq!(pty.wait(), 0);
    served.join().unwrap();
}

#[test]
fn a_server_that_does_not_greet_is_not_said_to_be_something_else() {
    for greets in [true, false] {
        let (server, served) = serve(move |mut session| {
            if !greets {
                return session.close();
            }
            session.send("HTTP/1.1 400 Bad Request\r\n");
            session.close()
        });
        let error = Connection::open(&server, Duration::from_secs(10)).unwrap_err().to_string();
        let expected = match greets {
            true => "what answers is no chat server; check the address",
            false => {
                "no chat server has greeted: the server closed it; try again; if it stays so, check the address"
            }
        };
        assert_eq!(error, expected);
        served.join().unwrap();
    }
}

#[test]
fn who_finds_the_own_name_taken_comes_back_under_another() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        session.line();
        session.close()
    });
    let mut pty = Pty::start(&["--server", &server, "--name", "al", "--no-time"]);
    let server = RealServer::start_at(served.join().unwrap());
    let thief = server.other("al");
    pty.wait_for("connection lost");
    pty.keys("/rename a:b\r");
    pty.wait_for("-- UserName Invalid! : is not allowed");
    pty.keys("/rename alf\r");
    pty.wait_for("-- the next attempt is made as alf");
    pty.wait_for("connected again");
    pty.keys("here\r");
    pty.wait_for("alf: here\nalf@main>");
    drop(thief);
}

/// A server that has recorded the room and has a message of the day is stopped and started again.
#[test]
fn a_server_that_comes_back_tells_what_was_missed_and_nothing_else() {
    let folder = fresh_directory();
    std::fs::create_dir_all(&folder).unwrap();
    let motd = folder.join("motd");
    std::fs::write(&motd, "Welcome to the lab\n").unwrap();
    let start = |address| {
        let motd = Some(motd.clone());
        RealServer::with(address, |config| Config { data: Some(folder.clone()), motd, ..config })
    };
    let server = start("127.0.0.1:0".parse().unwrap());
    let address = server.address;
    let mut bob = server.other("bob");
    let mut pty = chat(&server, &["--no-time"]);
    pty.keys("ok\r");
    pty.wait_for("al: ok\nal@main>");
    bob.send("say one\nsay two\n");
    pty.wait_for("bob: two\nal@main>");
    let mut server = server;
    for round in 1..=2 {
        drop(server);
        server = start(address);
        // The first line of somebody who is back sooner or later is one that was missed or not.
        pty.wait_until("another connection", |screen| {
            screen.matches("connected again").count() == round
        });
        pty.keys(&format!("/ping {round}\r"));
        pty.wait_for(&format!("pong {round}\nal@main>"));
    }
    let screen = pty.contents();
    assert!(!screen.contains("may be more"), "{screen}");
    assert_eq!(screen.matches("al: ok").count(), 1, "{screen}");
    assert_eq!(screen.matches("bob: ").count(), 2, "{screen}");
    assert_eq!(screen.matches("* Welcome").count(), 3, "{screen}");
    // The first word of the message is nobody, and has the colour of nobody.
    assert!(pty.raw().contains("* Welcome to the lab"), "{:?}", pty.raw());
    pty.keys("Wel\t!\r");
    pty.wait_for("al: Wel!\nal@main>");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A session without a terminal, with all its times cut down.
struct Bare {
    screen: Arc<DisplayQueue>,
    mailbox: SyncSender<SessionMessage>,
    thread: JoinHandle<Result<Ended, Failure>>,
}

impl Bare {
    fn start(server: &str, timing: Timing) -> Self {
        let mut connection = Connection::open(server, Duration::from_secs(10)).unwrap();
        connection.log_in("al", None).unwrap();
        let screen = Arc::new(DisplayQueue::default());
        let style = Style { color: false, bell: false, quiet: false };
        let view = View::new(style, None, None, Arc::clone(&screen));
        let (mailbox, inputs) = sync_channel(64);
        let channel = (mailbox.clone(), inputs);
        let session =
            Session::new(server.to_owned(), State::new("al", None), view, timing, channel);
        let thread = std::thread::spawn(move || session.run(connection));
        Self { screen, mailbox, thread }
    }

    fn quit(self) -> (Exit, Vec<String>, String) {
        self.mailbox.send(SessionMessage::Quit).unwrap();
        let (sender, receiver) = channel();
        let thread = self.thread;
        let waiter = std::thread::spawn(move || sender.send(thread.join().unwrap()).unwrap());
        let ended = receiver.recv_timeout(DEADLINE).unwrap().unwrap();
        waiter.join().unwrap();
        (ended.exit, ended.unsent, self.screen.take())
    }
}

/// Guards against a session that hangs. No test waits for it to pass.
const DEADLINE: Duration = Duration::from_secs(60);

/// Nothing but the one time that a test is about passes during it.
const NEVER: Duration = Duration::from_secs(1000);
const NO_WAIT: Timing = Timing {
    silence: NEVER,
    answer: NEVER,
    attempt: NEVER,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(2),
};

#[test]
fn a_silent_server_is_asked_and_keeps_the_connection_by_its_answer() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        assert_eq!(session.line(), "history 200\n");
        assert_eq!(session.line(), "since\n");
        let fence = session.line().replace("ping", "pong");
        session.send(fence);
        assert_eq!(session.line(), "topic\n");
        for _ in 0..3 {
            let ping = session.line();
            assert!(ping.starts_with("ping chat-client-"), "{ping}");
            session.send(ping.replace("ping", "pong"));
        }
        session.line()
    });
    let session = Bare::start(&server, Timing { silence: Duration::from_millis(20), ..NO_WAIT });
    // The fourth question is not answered, so nothing but a quit ends it.
    assert!(served.join().unwrap().starts_with("ping chat-client-"));
    let (_, _, shown) = session.quit();
    assert!(shown.starts_with("-- connected to") && !shown.contains("pong"), "{shown}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let (again, second) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let serving = std::thread::spawn(move || {
        let mut first = FakeSession::accept(&listener);
        first.greet_and_log_in();
        let mut second = FakeSession::accept(&listener);
        second.greet_and_log_in();
        again.send(()).unwrap();
        (first.rest(), second.rest())
    });
    let short = Duration::from_millis(20);
    let session = Bare::start(&server, Timing { silence: short, answer: short, ..NO_WAIT });
    session.mailbox.send(SessionMessage::Request("say lost".to_owned())).unwrap();
    second.recv().unwrap();
    let (_, unsent, shown) = session.quit();
    assert!(shown.contains("connection lost: the server does not answer"), "{shown}");
    assert_eq!(unsent, ["say lost"]);
    let (first, _) = serving.join().unwrap();
    assert!(String::from_utf8(first).unwrap().contains("say lost\n"));
}

#[test]
fn an_attempt_that_hangs_holds_up_neither_what_is_typed_nor_who_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let (hanging, attempted) = channel();
    let (release, released) = channel();
    let serving = std::thread::spawn(move || {
        let mut first = FakeSession::accept(&listener);
        first.greet_and_log_in();
        first.close();
        // It does not greet.
        let second = FakeSession::accept(&listener);
        hanging.send(()).unwrap();
        released.recv().unwrap();
        second.close();
    });
    let session = Bare::start(&server, NO_WAIT);
    attempted.recv().unwrap();
    session.mailbox.send(SessionMessage::Request("say meanwhile".to_owned())).unwrap();
    session.mailbox.send(SessionMessage::Resend).unwrap();
    let (exit, unsent, shown) = session.quit();
    assert_eq!((exit, unsent), (Exit::ConnectionLost, vec!["say meanwhile".to_owned()]));
    assert!(shown.ends_with("kept for later: meanwhile\n-- not connected yet\n"), "{shown}");
    // Until now the attempt hung, and nobody waited for it.
    release.send(()).unwrap();
    serving.join().unwrap();
}
