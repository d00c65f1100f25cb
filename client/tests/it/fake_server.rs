//! A server that does what a test tells it, to show a client what no real server does on request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use crate::program::DEADLINE;

/// A free port of an address from which nobody connects. A connection may take any port of 127.0.0.1 for
/// its own end, also one that a server has just given up and comes back to.
pub const FREE: &str = "127.0.0.2:0";

/// Runs `serve` with one client. Its panic is the test's when it is joined.
pub fn serve<T: Send + 'static>(
    serve: impl FnOnce(FakeSession) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    serve_at(FREE.parse().unwrap(), serve)
}

/// The same at an address of the caller's choice.
pub fn serve_at<T: Send + 'static>(
    address: SocketAddr,
    serve: impl FnOnce(FakeSession) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind(address).unwrap();
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

    /// Ends the connection. Gives back where another server may listen now.
    pub fn close(self) -> SocketAddr {
        let address = self.stream.local_addr().unwrap();
        self.stream.shutdown(Shutdown::Both).unwrap();
        address
    }
}
