//! The mode for pipes: every line of stdin is a request, every line of the server goes to stdout.
//!
//! Two threads, one a direction, so a full pipe in one never holds up the other. The bytes pass
//! as they are: this module looks at them only to notice a `logout`. Where stdout is a terminal, what
//! could act on it is shown as marks.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use protocol::limits::LINE_BYTES;
use protocol::{Framing, LineDecoder, Reply, Request};

use crate::exit::{Exit, Failure};
use crate::net::{ConnectError, Connection, PATIENCE, Receiver, Sender, Target};
use crate::sanitize::Sanitized;
use crate::sys::poll::{self, Interest};
use crate::sys::stdout::{Audience, print, unbuffered};
use crate::sys::thread;

const CHUNK_BYTES: usize = 64 * 1024;

/// How long the server may send nothing while it owes an answer to the end of our requests, and take nothing
/// of them.
const SILENCE: Duration = Duration::from_secs(60);

/// Logs in when there is a name, goes to the room then when there is one, and passes everything on
/// until the server has closed.
///
/// # Errors
///
/// Says why not all was sent and answered.
pub fn run(server: &Target, name: Option<&str>, room: Option<&str>) -> Result<(), Failure> {
    let mut stdout = Shown::new()?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Failure::local)?;
    let watched = unbuffered()?;
    let mut connection = Connection::open(server, PATIENCE)?;
    let (audience, framing) = match name {
        Some(name) => log_in(&mut connection, name, &mut stdout)?,
        // Its newline, if it has one, is among the bytes that follow.
        None => {
            let greeting = Reply::ConnectSuccess.to_string();
            (stdout.print(greeting.as_bytes())?, None)
        }
    };
    if audience == Audience::Gone {
        return Ok(());
    }
    let (mut sender, receiver) = connection.split().map_err(Failure::local)?;
    // Without a name the login is among the bytes of stdin, and what follows it is theirs as well.
    if let Some(room) = room.filter(|_| name.is_some()) {
        sender.send(format!("join {room}\n").as_bytes()).map_err(Failure::lost)?;
    }
    let closer = sender.try_clone().map_err(Failure::local)?;
    let (wake, woken) = UnixStream::pair().map_err(Failure::local)?;
    // Only this framing takes text without a newline for a line.
    let completes_lines = framing != Some(Framing::Line);
    sender.set_patience(SILENCE).map_err(Failure::lost)?;
    let requests = Requests { stdin: File::from(stdin), watched, woken, sender, completes_lines };
    let (ending, ended) = UnixStream::pair().map_err(Failure::local)?;
    let requests = thread::spawn("stdin", move || {
        let _ending = ending;
        requests.forward()
    })?;
    let mut last_words = LastWords::default();
    let replies = print_replies(receiver, &mut stdout, &mut last_words, &ended, SILENCE);
    closer.close();
    // The thread waits for this socket too; its end is the signal.
    drop(wake);
    let requests = thread::join(requests)?;
    match (replies, requests) {
        (Err(Broken::Stdout(failure)), _) => Err(failure),
        (Ok(Audience::Gone), _) | (_, RequestsEnd::StdoutClosed) => Ok(()),
        (Ok(Audience::There), RequestsEnd::Complete) => match last_words.dismissal() {
            Some(why) => Err(Failure::dismissed(&why)),
            None => Ok(()),
        },
        (Ok(Audience::There), RequestsEnd::Cut) => {
            Err(Failure::lost("the server closed it before all of stdin was sent"))
        }
        (Err(Broken::Server(error)), _) => Err(Failure::lost(error)),
    }
}

fn log_in(
    connection: &mut Connection,
    name: &str,
    stdout: &mut Shown,
) -> Result<(Audience, Option<Framing>), Failure> {
    let mut show = |line: &str| stdout.print(format!("{line}\n").as_bytes());
    if show(&Reply::ConnectSuccess.to_string())? == Audience::Gone {
        return Ok((Audience::Gone, None));
    }
    match connection.log_in(name) {
        Ok(framing) => Ok((show(&Reply::LoginSuccess.to_string())?, Some(framing))),
        Err(error) => {
            if let ConnectError::Login(answer) = &error {
                // Whether somebody reads it changes nothing: it is over.
                let _ = show(answer)?;
            }
            Err(error.into())
        }
    }
}

/// Stdout, as it is for a pipe or file, and made safe where it is a terminal.
struct Shown {
    stdout: File,
    is_terminal: bool,
    /// Bytes of a character whose end has not come: three at most.
    begun: Vec<u8>,
}

impl Shown {
    fn new() -> Result<Self, Failure> {
        let is_terminal = io::stdout().is_terminal();
        Ok(Self { stdout: unbuffered()?, is_terminal, begun: Vec::new() })
    }

    fn print(&mut self, bytes: &[u8]) -> Result<Audience, Failure> {
        if !self.is_terminal {
            return print(&mut self.stdout, bytes);
        }
        let text = self.safe(bytes);
        print(&mut self.stdout, text.as_bytes())
    }

    /// The text of the next bytes of a stream, with marks for all but its newlines. Replies of the
    /// classic framing have none, so nothing waits for one.
    fn safe(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.len() - unfinished(&self.begun);
        let rest = self.begun.split_off(whole);
        let bytes = std::mem::replace(&mut self.begun, rest);
        let mut safe = String::new();
        for piece in String::from_utf8_lossy(&bytes).split_inclusive('\n') {
            let line = piece.strip_suffix('\n');
            safe.push_str(&Sanitized::new(line.unwrap_or(piece)));
            safe.extend(line.map(|_| '\n'));
        }
        safe
    }
}

/// How many bytes at the end are the beginning of a character, whatever stands before it.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
    let is_begun = str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    if is_begun { invalid.len() } else { 0 }
}

/// Which of the two ends broke.
enum Broken {
    Server(io::Error),
    Stdout(Failure),
}

/// The end of what the server sent.
#[derive(Default)]
struct LastWords(Vec<u8>);

impl LastWords {
    /// More than the server's last word takes.
    const BYTES: usize = 8 * 1024;

    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::BYTES)..]);
        self.0.drain(..self.0.len().saturating_sub(Self::BYTES));
    }

    /// The server's last word, when it says that the server did not wait for the client's end.
    /// What was asked for after that has no answer.
    fn dismissal(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let last = text.lines().next_back()?;
        match Reply::parse(last)? {
            Reply::ServerShutdown | Reply::LoginTimeout | Reply::Kicked(_) | Reply::Banned(_) => {
                Some(Sanitized::new(last).to_string())
            }
            _ => None,
        }
    }
}

fn print_replies(
    mut receiver: Receiver,
    stdout: &mut Shown,
    last_words: &mut LastWords,
    ended: &UnixStream,
    silence: Duration,
) -> Result<Audience, Broken> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut has_ended = false;
    loop {
        while !receiver.has_buffered() {
            let received = (receiver.as_fd(), Interest::Read);
            if has_ended {
                let deadline = Instant::now() + silence;
                match poll::wait([received], Some(deadline)).map_err(Broken::Server)? {
                    [true] => break,
                    [false] => {
                        return Err(Broken::Server(io::Error::other("the server does not answer")));
                    }
                }
            }
            let watched = [received, (ended.as_fd(), Interest::Read)];
            let [is_here, ends] = poll::wait(watched, None).map_err(Broken::Server)?;
            has_ended = ends;
            if is_here {
                break;
            }
        }
        let length = match receiver.read(&mut chunk) {
            // With TLS, bytes may bring nothing yet.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            read => read.map_err(Broken::Server)?,
        };
        if length == 0 {
            return Ok(Audience::There);
        }
        last_words.take(&chunk[..length]);
        if stdout.print(&chunk[..length]).map_err(Broken::Stdout)? == Audience::Gone {
            return Ok(Audience::Gone);
        }
    }
}

/// How the requests ended.
#[derive(Debug, PartialEq, Eq)]
enum RequestsEnd {
    /// All of them were sent, up to the end of stdin or a `logout`.
    Complete,
    /// The server went away before.
    Cut,
    /// Nobody is left to read the replies.
    StdoutClosed,
}

/// From stdin to the server, on a thread of its own.
struct Requests {
    stdin: File,
    /// Tells when nobody reads our replies any more, also while the server is silent.
    watched: File,
    woken: UnixStream,
    sender: Sender,
    /// Whether a last line without a newline is to get one.
    completes_lines: bool,
}

/// Why the wait for stdin has ended.
enum Wakeup {
    Read,
    ServerGone,
    StdoutClosed,
}

impl Requests {
    fn forward(mut self) -> Result<RequestsEnd, Failure> {
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
        Ok(match poll::wait(watched, None)? {
            [_, true, _] => Wakeup::ServerGone,
            [_, _, true] => Wakeup::StdoutClosed,
            _ => Wakeup::Read,
        })
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

    use super::*;

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
        connection.log_in("al").unwrap();
        let (_sender, receiver) = connection.split().unwrap();
        let _frozen = serving.join().unwrap();
        let (ending, ended) = UnixStream::pair().unwrap();
        drop(ending);
        let null = File::options().write(true).open("/dev/null").unwrap();
        let mut stdout = Shown { stdout: null, is_terminal: false, begun: Vec::new() };
        let mut words = LastWords::default();
        let silence = Duration::from_millis(50);
        let replies = print_replies(receiver, &mut stdout, &mut words, &ended, silence);
        assert!(matches!(replies, Err(Broken::Server(_))));
        assert_eq!(words.0, b"bo: hi\n");
    }

    #[test]
    fn a_terminal_gets_marks_however_the_bytes_are_cut() {
        let text = "al: h\u{e9} \u{1f600}\x1b[2J\u{202e}\n\u{200b}eve: \u{9b}x\nrest".as_bytes();
        let bytes = [text, b"\xff\xe2\n\xf0\x9f"].concat();
        let mut whole = None;
        for cut in 1..bytes.len() {
            let null = File::options().write(true).open("/dev/null").unwrap();
            let mut shown = Shown { stdout: null, is_terminal: true, begun: Vec::new() };
            let safe: String = bytes.chunks(cut).map(|piece| shown.safe(piece)).collect();
            assert!(!safe.contains(['\x1b', '\u{202e}', '\u{200b}', '\u{9b}']), "{safe:?}");
            assert!(safe.starts_with("al: h\u{e9} \u{1f600}"), "{safe:?}");
            assert_eq!(safe.matches('\n').count(), 3);
            assert!(shown.begun.len() < 4);
            assert_eq!(*whole.get_or_insert(safe.clone()), safe);
        }
    }
}
