//! The mode for pipes: every line of stdin is a request, every line of the server goes to stdout.
//!
//! Two threads, one a direction, so a full pipe in one never holds up the other. The bytes pass
//! as they are: this module looks at them only to notice a `logout`. Where stdout is a terminal, what
//! could act on it is shown as marks.
//!
//! A server that says nothing for long is asked whether it is alive, between two lines of stdin. Its answer is
//! taken out of what it sends.

pub mod unasked;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use protocol::limits::LINE_BYTES;
use protocol::{Framing, LineDecoder, Reply, Request};

use self::unasked::{Unasked, question};
use crate::args::secret::Secret;
use crate::args::server::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::model::liveness::{Doubt, Liveness};
use crate::net::{ConnectError, Connection, PATIENCE, Receiver, Sender, Target};
use crate::sanitize::Sanitized;
use crate::sys::poll::{self, Interest};
use crate::sys::stdout::{Audience, print, unbuffered};
use crate::sys::thread;

const CHUNK_BYTES: usize = 64 * 1024;

/// How long the server may send nothing while it owes an answer, and take nothing of our requests; and when it
/// is asked whether it is alive while it owes none.
const SILENCE: Duration = Duration::from_secs(60);

/// Logs in when there is a name, goes to the room then when there is one, and passes everything on
/// until the server has closed. All of it may take until `deadline`, if there is one.
///
/// # Errors
///
/// Says why not all was sent and answered.
pub fn run(to: &ServerArgs, deadline: Option<Instant>) -> Result<(), Failure> {
    let server = Target::of(to)?;
    let in_time = |result: Result<(), Failure>| match deadline {
        // Whatever else it came to in the end, the time is the reason.
        Some(deadline) if result.is_err() && deadline <= Instant::now() => {
            Err(Failure::out_of_time())
        }
        _ => result,
    };
    in_time(pass_on(to, &server, deadline))
}

fn pass_on(to: &ServerArgs, server: &Target, deadline: Option<Instant>) -> Result<(), Failure> {
    let (name, room) = (to.name(), to.room());
    let mut stdout = Shown::new()?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Failure::local)?;
    let watched = unbuffered()?;
    let mut connection = open(server, deadline)?;
    let (audience, framing) = match name {
        Some(name) => log_in(&mut connection, name, to.secret()?.as_ref(), &mut stdout)?,
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
    let asking = Arc::new(Mutex::new(Asking::new(SILENCE)));
    let requests = Requests {
        stdin: File::from(stdin),
        watched,
        woken,
        sender,
        completes_lines,
        asking: Arc::clone(&asking),
    };
    let (ending, ended) = UnixStream::pair().map_err(Failure::local)?;
    let requests = thread::spawn("stdin", move || {
        let _ending = ending;
        requests.forward()
    })?;
    let mut last_words = LastWords::default();
    let mut replies =
        Replies { receiver, asking, ended, has_ended: false, silence: SILENCE, deadline };
    let replies = replies.print(&mut stdout, &mut last_words);
    closer.close();
    // The thread waits for this socket too; its end is the signal.
    drop(wake);
    let requests = thread::join(requests)?;
    match (replies, requests) {
        (Err(Broken::Stdout(failure)), _) => Err(failure),
        (Ok(Audience::Gone), _) | (_, RequestsEnd::StdoutClosed) => Ok(()),
        (Ok(Audience::There), RequestsEnd::Unanswered) => {
            Err(Failure::lost("the server does not answer"))
        }
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

/// Connects. A name server that hangs can be hurried by nobody, so a thread of its own waits for it where the
/// time is limited; when it is over, the end of the program does not wait for that thread.
fn open(server: &Target, deadline: Option<Instant>) -> Result<Connection, Failure> {
    let Some(deadline) = deadline else { return Ok(Connection::open(server, PATIENCE)?) };
    let left = || deadline.saturating_duration_since(Instant::now());
    let (report, reported) = sync_channel(1);
    let server = server.to_owned();
    let thread = thread::spawn("attempt", move || {
        // Nobody may wait for it any more.
        let _ = report.send(Connection::open(&server, PATIENCE));
    })?;
    let opened = reported.recv_timeout(left());
    if matches!(opened, Err(RecvTimeoutError::Timeout)) {
        return Err(Failure::out_of_time());
    }
    thread::join(thread);
    let mut connection = opened.map_err(Failure::lost)??;
    connection.set_patience(PATIENCE.min(left()));
    Ok(connection)
}

fn log_in(
    connection: &mut Connection,
    name: &str,
    secret: Option<&Secret>,
    stdout: &mut Shown,
) -> Result<(Audience, Option<Framing>), Failure> {
    let mut show = |line: &str| stdout.print(format!("{line}\n").as_bytes());
    if show(&Reply::ConnectSuccess.to_string())? == Audience::Gone {
        return Ok((Audience::Gone, None));
    }
    match connection.log_in(name, secret) {
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

/// Whether the server is alive, as both directions know it.
#[derive(Debug)]
struct Asking {
    liveness: Liveness,
    unasked: Unasked,
}

impl Asking {
    fn new(silence: Duration) -> Self {
        let liveness = Liveness::new(silence, silence, Instant::now());
        Self { liveness, unasked: Unasked::default() }
    }
}

/// From the server to stdout.
struct Replies {
    receiver: Receiver,
    asking: Arc<Mutex<Asking>>,
    /// Closed when no request follows.
    ended: UnixStream,
    has_ended: bool,
    /// How long the server may send nothing then.
    silence: Duration,
    deadline: Option<Instant>,
}

impl Replies {
    fn print(
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

/// How the requests ended.
#[derive(Debug, PartialEq, Eq)]
enum RequestsEnd {
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
struct Requests {
    stdin: File,
    /// Tells when nobody reads our replies any more, also while the server is silent.
    watched: File,
    woken: UnixStream,
    sender: Sender,
    /// Whether a last line without a newline is to get one.
    completes_lines: bool,
    asking: Arc<Mutex<Asking>>,
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
        connection.log_in("al", None).unwrap();
        let (_sender, receiver) = connection.split().unwrap();
        let _frozen = serving.join().unwrap();
        let (ending, ended) = UnixStream::pair().unwrap();
        drop(ending);
        let null = File::options().write(true).open("/dev/null").unwrap();
        let mut stdout = Shown { stdout: null, is_terminal: false, begun: Vec::new() };
        let mut words = LastWords::default();
        let mut replies = Replies {
            receiver,
            asking: Arc::new(Mutex::new(Asking::new(SILENCE))),
            ended,
            has_ended: false,
            silence: Duration::from_millis(50),
            deadline: None,
        };
        let replies = replies.print(&mut stdout, &mut words);
        assert!(matches!(replies, Err(Broken::Server(_))));
        assert_eq!(words.0, b"bo: hi\n");
    }

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
            asking: Arc::new(Mutex::new(Asking::new(Duration::from_millis(50)))),
        };
        typing.write_all(b"login al\n").unwrap();
        assert_eq!(requests.forward().unwrap(), RequestsEnd::Unanswered);
        assert_eq!(serving.join().unwrap(), "login al\nping chat-client-alive\n");
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
