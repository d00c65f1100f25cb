//! A server that does what a test tells it, to show a client what no real server does on request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::program::DEADLINE;

/// An address of this machine that no other test uses, with a free port. So when a server there has
/// ended, its port stays free for the next one of the same test. Only Linux gives a machine so many
/// addresses.
pub fn own_address() -> SocketAddr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = process::id().wrapping_mul(128) + COUNT.fetch_add(1, Ordering::Relaxed) % 128;
    let [_, a, b, c] = number.to_be_bytes();
    let own =
        if cfg!(target_os = "linux") { [127, a | 128, b, c.min(254)] } else { [127, 0, 0, 1] };
    (own, 0).into()
}

/// Binds an address that this test had before, once it is free. A program that another test starts has
/// all the files of this process, listeners too, from the fork to the exec.
pub fn once_free<T>(bind: impl Fn() -> io::Result<T>) -> T {
    let begin = Instant::now();
    loop {
        match bind() {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse && begin.elapsed() < DEADLINE =>
            {
                thread::yield_now();
            }
            bound => return bound.unwrap(),
        }
    }
}

/// Runs `serve` with one client. Its panic is the test's when it is joined.
pub fn serve<T: Send + 'static>(
    serve: impl FnOnce(FakeSession) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    serve_at(own_address(), serve)
}

/// The same at an address of the caller's choice.
pub fn serve_at<T: Send + 'static>(
    address: SocketAddr,
    serve: impl FnOnce(FakeSession) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = once_free(|| TcpListener::bind(address));
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || serve(FakeSession::accept(&listener)));
    (address, thread)
}

pub struct FakeSession {
    reader: BufReader<TcpStream>,
    pub stream: TcpStream,
}

impl FakeSession {
    pub fn accept(listener: &TcpListener) -> Self {
        let stream = listener.accept().unwrap().0;
        // A line that never comes is a failure, and no reason to hang.
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// The next line of the client, with its newline. Empty at the end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// What answers the client's next line, which must be a fence.
    pub fn fence(&mut self) -> String {
        let line = self.line();
        let token = line.strip_prefix("ping ").unwrap_or_else(|| panic!("no fence: {line:?}"));
        format!("pong {token}")
    }

    /// The client asks for what its room saw, and where it is. Gives what answers the fence behind that.
    pub fn asks_for_history(&mut self) -> String {
        assert_eq!(self.line(), "history 200\n");
        assert_eq!(self.line(), "since\n");
        self.fence()
    }

    /// All that the client still sends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        rest
    }

    pub fn greet_and_log_in(&mut self) {
        self.send("Connect Success\n");
        assert_eq!(self.line(), "login al\n");
        self.send("Login Success\n");
    }

    /// The same for a client that may go at any time. Whether it is in.
    pub fn try_to_log_in(&mut self) -> bool {
        self.stream.write_all(b"Connect Success\n").is_ok()
            && self.try_line() == "login al\n"
            && self.stream.write_all(b"Login Success\n").is_ok()
    }

    /// The next line of a client that may go at any time. Empty at its end.
    pub fn try_line(&mut self) -> String {
        let mut line = String::new();
        // Who goes with something unread resets the connection.
        let _ = self.reader.read_line(&mut line);
        line
    }

    /// Takes what still comes from a client that may go at any time.
    pub fn hang(mut self) {
        let _ = io::copy(&mut self.reader, &mut io::sink());
    }

    /// Ends the connection. Gives back where another server may listen now.
    pub fn close(self) -> SocketAddr {
        let address = self.stream.local_addr().unwrap();
        self.stream.shutdown(Shutdown::Both).unwrap();
        address
    }
}
