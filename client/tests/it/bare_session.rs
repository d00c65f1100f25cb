//! A session without a terminal: how long it waits for a server, and what holds up nobody.

use std::net::TcpListener;
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

use crate::fake_server::{FakeSession, serve};

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

/// A session without a terminal, with all its times cut down.
struct Bare {
    screen: Arc<DisplayQueue>,
    mailbox: SyncSender<SessionMessage>,
    thread: JoinHandle<Result<Ended, Failure>>,
}

impl Bare {
    fn start(server: &str, timing: Timing) -> Self {
        Self::start_with(server, timing, [])
    }

    /// The same, with what the user wants before anything else happens.
    fn start_with<const N: usize>(
        server: &str,
        timing: Timing,
        wishes: [SessionMessage; N],
    ) -> Self {
        let mut connection = Connection::open(server, Duration::from_secs(10)).unwrap();
        connection.log_in("al", None).unwrap();
        let screen = Arc::new(DisplayQueue::default());
        let style = Style { color: false, bell: false, quiet: false };
        let view = View::new(style, None, None, Arc::clone(&screen));
        let (mailbox, inputs) = sync_channel(64);
        wishes.into_iter().for_each(|wish| mailbox.send(wish).unwrap());
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

#[test]
fn a_silent_server_is_asked_and_keeps_the_connection_by_its_answer() {
    let (server, served) = serve(|mut session| {
        session.greet_and_log_in();
        let answer = |session: &mut FakeSession, ping: String| {
            assert!(ping.starts_with("ping chat-client-"), "{ping}");
            session.send(ping.replace("ping", "pong"));
        };
        for request in ["history 200\n", "since\n", "topic\n"] {
            // One of the questions in between is the fence, and on a busy machine others are about life.
            loop {
                match session.line() {
                    line if line == request => break,
                    ping => answer(&mut session, ping),
                }
            }
        }
        for _ in 0..3 {
            let ping = session.line();
            answer(&mut session, ping);
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
    let timing = Timing { silence: short, answer: short, ..NO_WAIT };
    let wish = SessionMessage::Request("say lost".to_owned());
    let session = Bare::start_with(&server, timing, [wish]);
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
