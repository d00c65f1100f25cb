//! From the server to stdout.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::Reply;

use super::shown::Shown;
use super::unasked::Asking;
use crate::exit::Failure;
use crate::net::Receiver;
use crate::sanitize::Sanitized;
use crate::sys::poll::{self, Interest};
use crate::sys::stdout::Audience;

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Which of the two ends broke.
pub(super) enum Broken {
    Server(io::Error),
    Stdout(Failure),
}

/// The end of what the server sent.
#[derive(Default)]
pub(super) struct LastWords(Vec<u8>);

impl LastWords {
    /// More than the server's last word takes.
    const BYTES: usize = 8 * 1024;

    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::BYTES)..]);
        self.0.drain(..self.0.len().saturating_sub(Self::BYTES));
    }

    /// The server's last word, when it says that the server did not wait for the client's end.
    /// What was asked for after that has no answer.
    pub(super) fn dismissal(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let last = text.lines().next_back()?;
        match Reply::parse(last)? {
            Reply::ServerShutdown
            | Reply::ServerCutOff
            | Reply::LoginTimeout
            | Reply::Kicked(_)
            | Reply::Banned(_) => Some(Sanitized::new(last).to_string()),
            _ => None,
        }
    }
}

/// From the server to stdout.
pub(super) struct Replies {
    pub(super) receiver: Receiver,
    pub(super) asking: Arc<Mutex<Asking>>,
    /// Closed when no request follows.
    pub(super) ended: UnixStream,
    pub(super) has_ended: bool,
    /// How long the server may send nothing then.
    pub(super) silence: Duration,
    pub(super) deadline: Option<Instant>,
}

impl Replies {
    /// Prints what comes until the server has closed, nobody reads, or one of both breaks.
    pub(super) fn print(
        &mut self,
        stdout: &mut Shown,
        last_words: &mut LastWords,
    ) -> Result<Audience, Broken> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            self.wait().map_err(Broken::Server)?;
            let length = match self.receiver.read(&mut chunk) {
                // With TLS, bytes may bring nothing yet.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                read => read.map_err(Broken::Server)?,
            };
            let bytes = {
                let Asking { liveness, unasked } = &mut *self.asking.lock();
                liveness.heard(Instant::now());
                if length == 0 { unasked.rest() } else { unasked.take(&chunk[..length]) }
            };
            last_words.take(&bytes);
            let audience = stdout.print(&bytes).map_err(Broken::Stdout)?;
            if length == 0 || audience == Audience::Gone {
                return Ok(audience);
            }
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let silent = || io::Error::other("the server does not answer");
        while !self.receiver.has_buffered() {
            let received = (self.receiver.as_fd(), Interest::Read);
            if self.has_ended {
                let longest = Instant::now() + self.silence;
                let until = self.deadline.map_or(longest, |deadline| deadline.min(longest));
                return match poll::wait([received], Some(until))? {
                    [true] => Ok(()),
                    [false] => Err(silent()),
                };
            }
            let watched = [received, (self.ended.as_fd(), Interest::Read)];
            let [is_here, ends] = poll::wait(watched, self.deadline)?;
            self.has_ended = ends;
            if is_here {
                return Ok(());
            }
            if !ends {
                return Err(silent());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::super::SILENCE;
    use super::*;
    use crate::net::{Connection, PATIENCE};

    #[test]
    fn a_server_that_owes_an_answer_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = std::thread::spawn(move || {
            let mut client = listener.accept().unwrap().0;
            client.write_all(b"Connect Success\nLogin Success\nbo: hi\n").unwrap();
            client
        });
        let mut connection = Connection::open(&address, PATIENCE).unwrap();
        connection.log_in("al", None).unwrap();
        let (_sender, receiver) = connection.split().unwrap();
        let _frozen = serving.join().unwrap();
        let (ending, ended) = UnixStream::pair().unwrap();
        drop(ending);
        let mut stdout = Shown::to_null(false);
        let mut words = LastWords::default();
        let mut replies = Replies {
            receiver,
            asking: Arc::new(Mutex::new(Asking::new(SILENCE, Instant::now()))),
            ended,
            has_ended: false,
            silence: Duration::from_millis(50),
            deadline: None,
        };
        let replies = replies.print(&mut stdout, &mut words);
        assert!(matches!(replies, Err(Broken::Server(_))));
        assert_eq!(words.0, b"bo: hi\n");
    }
}
