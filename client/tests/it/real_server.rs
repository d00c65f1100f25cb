//! The project's server, in the process of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};

use chat_server::{Config, Endpoint, Server, StopHandle};

use crate::fake_server::{once_free, own_address};
use crate::program::DEADLINE;

pub struct RealServer {
    pub address: SocketAddr,
    pub classic: SocketAddr,
    pub web: SocketAddr,
    stop: StopHandle,
    thread: Option<JoinHandle<()>>,
}

impl RealServer {
    pub fn start() -> Self {
        Self::start_at(own_address())
    }

    /// One that is set up as the test needs it.
    pub fn with(address: SocketAddr, set_up: impl FnOnce(Config) -> Config) -> Self {
        let local = "127.0.0.1:0".parse().unwrap();
        let listeners =
            vec![Endpoint::line(address), Endpoint::classic(local), Endpoint::web(local)];
        let config = set_up(Config { listeners, rate: 0, ..Config::default() });
        let server = once_free(|| Server::bind(config.clone()));
        let endpoints = server.endpoints().unwrap();
        let [address, classic, web] = [0, 1, 2].map(|at: usize| endpoints[at].address);
        let stop = server.stop_handle();
        let thread = thread::spawn(move || server.run().unwrap());
        Self { address, classic, web, stop, thread: Some(thread) }
    }

    pub fn start_at(address: SocketAddr) -> Self {
        Self::with(address, |config| config)
    }

    /// Somebody else in the room.
    pub fn other(&self, name: &str) -> Other {
        let stream = TcpStream::connect(self.address).unwrap();
        // A line that never comes is a failure, and no reason to hang.
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut other = Other { reader: BufReader::new(stream) };
        other.send(&format!("login {name}\n"));
        other.read_to("Login Success");
        other
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A client without any comfort.
pub struct Other {
    reader: BufReader<TcpStream>,
}

impl Other {
    pub fn send(&mut self, lines: &str) {
        self.reader.get_mut().write_all(lines.as_bytes()).unwrap();
    }

    /// Reads up to and with this line, and gives the lines before it.
    pub fn read_to(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.try_line().unwrap_or_else(|| panic!("no {last:?} in {lines:?}"));
            if line == last {
                return lines;
            }
            lines.push(line);
        }
    }

    /// The next line.
    pub fn line(&mut self) -> String {
        self.try_line().unwrap()
    }

    fn try_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.reader.read_line(&mut line).unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }
}
