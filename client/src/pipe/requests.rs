//! From stdin to the server, on a thread of its own.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use protocol::limits::LINE_BYTES;
use protocol::{LineDecoder, Request};

use super::unasked::{Asking, question};
use crate::exit::{Exit, Failure};
use crate::model::liveness::Doubt;
use crate::net::Sender;
use crate::sys::poll::{self, Interest};

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How the requests ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestsEnd {
    /// All of them were sent, up to the end of stdin or a `logout`.
    Complete,
    /// The server went away before.
    Cut,
    /// Nobody is left to read the replies.
    StdoutClosed,
    /// The server was asked whether it is alive, and did not answer.
    Unanswered,
}

/// From stdin to the server, on a thread of its own.
pub(super) struct Requests {
    pub(super) stdin: File,
    /// Tells when nobody reads our replies any more, also while the server is silent.
    pub(super) watched: File,
    pub(super) woken: UnixStream,
    pub(super) sender: Sender,
    /// Whether a last line without a newline is to get one.
    pub(super) completes_lines: bool,
    pub(super) asking: Arc<Mutex<Asking>>,
}

/// Why the wait for stdin has ended.
enum Wakeup {
    Read,
    ServerGone,
    StdoutClosed,
    /// The server has been silent for long.
    Silence,
}

impl Requests {
    /// Sends what comes from stdin, up to its end or a `logout`.
    pub(super) fn forward(mut self) -> Result<RequestsEnd, Failure> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut decoder = LineDecoder::new(LINE_BYTES, usize::MAX);
        let mut is_in_line = false;
        loop {
            match self.wait().map_err(Failure::local)? {
                Wakeup::ServerGone => return Ok(RequestsEnd::Cut),
                Wakeup::StdoutClosed => {
                    self.sender.close();
                    return Ok(RequestsEnd::StdoutClosed);
                }
                Wakeup::Silence => match self.ask(is_in_line) {
                    Some(end) => return Ok(end),
                    None => continue,
                },
                Wakeup::Read => {}
            }
            let length = match self.stdin.read(&mut chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.sender.close();
                    return Err(Failure::new(Exit::Local, format!("cannot read stdin: {error}")));
                }
            };
            let bytes: &[u8] = match length {
                0 if is_in_line && self.completes_lines => b"\n",
                _ => &chunk[..length],
            };
            let logout = end_of_logout(&mut decoder, bytes);
            let bytes = &bytes[..logout.unwrap_or(bytes.len())];
            is_in_line = bytes.last().is_some_and(|&byte| byte != b'\n');
            // Why it failed, the other direction finds out: it reads what the server still sent.
            if self.sender.send(bytes).is_err() {
                return Ok(RequestsEnd::Cut);
            }
            if logout.is_some() {
                // It fails when the server has closed already, which is what was asked for.
                let _ = self.sender.finish();
                return Ok(RequestsEnd::Complete);
            }
            if length == 0 {
                let finished = self.sender.finish();
                return Ok(finished.map_or(RequestsEnd::Cut, |()| RequestsEnd::Complete));
            }
        }
    }

    fn wait(&self) -> io::Result<Wakeup> {
        let watched = [
            (self.stdin.as_fd(), Interest::Read),
            (self.woken.as_fd(), Interest::Read),
            (self.watched.as_fd(), Interest::End),
        ];
        let deadline = self.asking.lock().liveness.deadline();
        Ok(match poll::wait(watched, Some(deadline))? {
            [_, true, _] => Wakeup::ServerGone,
            [_, _, true] => Wakeup::StdoutClosed,
            [true, ..] => Wakeup::Read,
            [false, ..] => Wakeup::Silence,
        })
    }

    /// The server may have been silent for long. It is asked whether it is alive, unless that would cut a
    /// line of stdin; or it was asked, and all is over.
    fn ask(&mut self, is_in_line: bool) -> Option<RequestsEnd> {
        let mut asking = self.asking.lock();
        let now = Instant::now();
        // It may have said something meanwhile.
        if now < asking.liveness.deadline() {
            return None;
        }
        if is_in_line {
            asking.liveness.heard(now);
            return None;
        }
        match asking.liveness.expired(now) {
            Doubt::Ask => asking.unasked.asked(),
            Doubt::Dead => {
                drop(asking);
                self.sender.close();
                return Some(RequestsEnd::Unanswered);
            }
        }
        drop(asking);
        // Why it failed, the other direction finds out.
        self.sender.send(question().as_bytes()).is_err().then_some(RequestsEnd::Cut)
    }
}

/// Where the line after a `logout` begins. The server does nothing with what follows it.
fn end_of_logout(decoder: &mut LineDecoder, bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while let Some(line) = decoder.next(&mut rest) {
        if line.is_ok_and(|line| matches!(Request::parse(line), Ok(Some(Request::Logout)))) {
            return Some(bytes.len() - rest.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use super::*;
    use crate::net::{Connection, PATIENCE};

    #[test]
    fn a_silent_server_is_asked_whether_it_is_alive_and_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = std::thread::spawn(move || {
            let mut client = listener.accept().unwrap().0;
            client.write_all(b"Connect Success\n").unwrap();
            let mut sent = String::new();
            client.read_to_string(&mut sent).unwrap();
            sent
        });
        let connection = Connection::open(&address, PATIENCE).unwrap();
        let (sender, _receiver) = connection.split().unwrap();
        let (stdin, mut typing) = io::pipe().unwrap();
        let (_wake, woken) = UnixStream::pair().unwrap();
        let requests = Requests {
            stdin: File::from(OwnedFd::from(stdin)),
            watched: File::options().write(true).open("/dev/null").unwrap(),
            woken,
            sender,
            completes_lines: true,
            asking: Arc::new(Mutex::new(Asking::new(Duration::from_millis(50), Instant::now()))),
        };
        typing.write_all(b"login al\n").unwrap();
        assert_eq!(requests.forward().unwrap(), RequestsEnd::Unanswered);
        assert_eq!(serving.join().unwrap(), "login al\nping chat-client-alive\n");
    }
}
