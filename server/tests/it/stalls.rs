//! Clients that are ended by the server are gone, whatever they go on to send, and those that
//! take a little are not ended.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket, sockopt,
};

use crate::support::{TestClient, TestServer};

/// A room with much to tell, and a client that asks for all of it more often than it could ever
/// be answered, and takes nothing.
pub fn ask_without_end(server: &TestServer) -> (TestClient, TestClient) {
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
    // So long that the watcher never seems to take nothing only because the machine is busy.
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_secs(2));
    let (deaf, mut watcher) = ask_without_end(&server);
    watcher.lines_until("deaf has left the room.");
    drop(deaf);
}

/// A receive buffer of so many bytes, which can be chosen only before connecting.
pub fn connect_with_buffer(server: &TestServer, bytes: usize) -> TcpStream {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
    setsockopt(&socket, sockopt::RcvBuf, &bytes).unwrap();
    connect(socket.as_raw_fd(), &SockaddrStorage::from(server.address)).unwrap();
    TcpStream::from(socket)
}

/// A slow line with large buffers on its way: the client takes some bytes all the time, but so few
/// that nobody waits for it.
#[test]
fn who_takes_a_little_is_not_closed() {
    const TRIES: usize = 10;
    let stall_timeout = Duration::from_secs(1);
    for _ in 0..TRIES {
        match take_a_little(stall_timeout) {
            None => return,
            Some(pause) => assert!(pause > stall_timeout / 2, "it was closed"),
        }
    }
    panic!("this machine is too busy to tell");
}

/// Takes a little for so long that it would be closed if it took nothing. When it was closed all the same,
/// gives back for how long it took nothing, as the machine gave it no processor.
fn take_a_little(stall_timeout: Duration) -> Option<Duration> {
    let server = TestServer::with(|config| config.stall_timeout = stall_timeout);
    let slow = connect_with_buffer(&server, 16 * 1024);
    (&slow).write_all(b"login slow\n").unwrap();
    let mut talker = server.login("talker");
    thread::scope(|scope| {
        let talking = scope.spawn(|| {
            // Far more than the sockets' buffers hold.
            for _ in 0..20 {
                talker.send(&"say something that is long enough to matter\n".repeat(10_000));
                talker.lines_until_fence();
            }
            talker
        });
        // It takes a little again and again, for much longer than it could take nothing.
        let end = Instant::now() + stall_timeout * 3;
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        let mut taken = [0; 4096];
        slow.set_read_timeout(Some(stall_timeout / 10)).unwrap();
        while Instant::now() < end || !talking.is_finished() {
            longest = longest.max(last.elapsed());
            last = Instant::now();
            match (&slow).read(&mut taken) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return Some(longest),
            }
            // This is the pace of the slow line, and nothing waits for it.
            thread::sleep(Duration::from_millis(40));
        }
        let mut talker = talking.join().unwrap();
        talker.send("look\n");
        let users = talker.lines_until_fence();
        if !users.contains(&"slow".to_owned()) {
            // What was on its way to it is there still.
            return Some(longest);
        }
        None
    })
}
