//! Clients that are ended by the server are gone, whatever they go on to send, and those that
//! take a little are not ended.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{TestClient, TestServer};

/// A room with much to tell, and a client that asks for all of it more often than it could ever
/// be answered, and takes nothing.
fn ask_without_end(server: &TestServer) -> (TestClient, TestClient) {
    let mut watcher = server.login("watcher");
    watcher.send(&"say something\n".repeat(20_000));
    watcher.lines_until_fence();
    let deaf = server.login("deaf");
    let requests = "history 20000\n".repeat(1000);
    deaf.stream().set_nonblocking(true).unwrap();
    // As much as the sockets' buffers hold.
    while deaf.stream().write(requests.as_bytes()).is_ok() {}
    (deaf, watcher)
}

#[test]
fn who_takes_nothing_is_closed_whatever_it_has_asked_for() {
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_millis(400));
    let (deaf, mut watcher) = ask_without_end(&server);
    watcher.lines_until("deaf has left the room.");
    drop(deaf);
}

#[test]
fn a_stop_does_not_wait_for_requests_that_nobody_answers() {
    let mut server = TestServer::start();
    let (deaf, mut watcher) = ask_without_end(&server);
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| watcher.rest());
        server.stop();
    });
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    drop(deaf);
}
