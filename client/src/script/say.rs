//! `say`: lines of the command line or of stdin, said in the room or to one user.
//!
//! This thread reads and sends; another one hears the echoes, so a line need not wait for the echo
//! of the one before it.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{LineDecoder, LineError};

use super::echoes::{Counts, Echoes, Listener, Shared};
use super::entrance::Entrance;
use super::input::{CHUNK_BYTES, LONGEST, put_request};
use super::output::Output;
use super::plain;
use super::said::{self, Said};
use super::session::ScriptSession;
use super::tally::{Echo, said_by};
use crate::args::script::Say;
use crate::exit::{Exit, Failure};
use crate::model::fence;
use crate::net::Sender;
use crate::sys::poll::{Interest, wait_unless};
use crate::sys::thread;

/// How many lines may stand between two fences.
const FENCED: u64 = 1024;

/// When the progress is worth to be shown.
const LONG: Duration = Duration::from_secs(1);

/// The time from one line about the progress to the next.
const PACE: Duration = Duration::from_millis(250);

/// Says what there is to say. It succeeds once the server has echoed every line.
///
/// # Errors
///
/// Says which lines were not said, and why.
pub fn run(say: &Say) -> Result<Exit, Failure> {
    let stdin = match say.text.is_empty() {
        true => Some(File::from(io::stdin().as_fd().try_clone_to_owned().map_err(Failure::local)?)),
        false => None,
    };
    let output = say.json.then(Output::new).transpose()?;
    let ScriptSession { sender, lines, name, room, deadline, .. } =
        Entrance::new(&say.visit, say.visit.server.speaker()?).enter()?;
    let (wake, woken) = UnixStream::pair().map_err(Failure::local)?;
    let echoes = Arc::new(Echoes::default());
    let echo = match &say.to {
        Some(_) => Echo::Private,
        None => Echo::Room(said_by(&name)),
    };
    let shared = Shared {
        echoes: Arc::clone(&echoes),
        sender: sender.try_clone().map_err(Failure::local)?,
        wake,
    };
    let mut listener = Listener::new(lines, echo, stdin.is_some(), deadline);
    if let Some(output) = output {
        listener = listener.printing(Said::new(&room), output);
    }
    let mut progress = Progress::new(stdin.as_ref());
    let hearing = thread::spawn("echoes", move || listener.run(&shared, |now| progress.show(now)))?;
    let requests = Requests {
        to: say.to.as_deref(),
        plain: say.plain,
        question: say.json.then(said::question).unwrap_or_default(),
        bytes: Vec::new(),
        sent: 0,
        waiting: 0,
        unfenced: 0,
    };
    let longest = if say.plain { plain::LONGEST } else { LONGEST };
    let decoder = LineDecoder::new(longest, usize::MAX);
    let mut speaker = Speaker { sender, echoes: &echoes, decoder, requests, read: 0 };
    let read = match stdin {
        Some(stdin) => speaker.say_stdin(stdin, &woken),
        None => {
            speaker.say_all(say.text.join(" ").as_bytes());
            speaker.finish();
            Ok(())
        }
    };
    let why = thread::join(hearing);
    read.and(judge(why, echoes.counts()))
}

fn judge(why: Result<String, Failure>, counts: Counts) -> Result<Exit, Failure> {
    let Counts { sent, answered, refused: bad, unknown, .. } = counts;
    match why {
        Err(failure) if answered < sent => {
            let first = answered + 1;
            let reason = match failure.exit {
                Exit::ConnectionLost => {
                    format!("{failure} with line {first}, the first that is not confirmed")
                }
                _ => format!("{failure}; line {first} is the first that is not confirmed"),
            };
            Err(Failure { reason, ..failure })
        }
        Err(failure) => Err(failure),
        Ok(why) if unknown > 0 => Err(Failure::new(
            Exit::Unknown,
            format!(
                "not known whether {unknown} of {sent} lines were said, for lines of the room are missing: \
                 {why:?}; see chat-client history"
            ),
        )),
        Ok(why) if bad == 1 && sent == 1 => Err(Failure::refused(&why)),
        Ok(why) if bad > 0 => Err(Failure::new(
            Exit::Refused,
            format!("{bad} of {sent} lines were refused, the last with {why:?}; change them"),
        )),
        Ok(_) => Ok(Exit::Done),
    }
}

/// The side that sends.
struct Speaker<'a> {
    sender: Sender,
    echoes: &'a Echoes,
    decoder: LineDecoder,
    requests: Requests<'a>,
    /// The bytes that what waits to be sent was read from.
    read: u64,
}

/// Lines as requests that wait to be sent.
struct Requests<'a> {
    to: Option<&'a str>,
    plain: bool,
    /// What the server is asked behind each line, or nothing.
    question: String,
    bytes: Vec<u8>,
    /// How many lines were put here, how many of them wait to be sent, and how many have no fence behind
    /// them.
    sent: u64,
    waiting: u64,
    unfenced: u64,
}

impl Requests<'_> {
    /// Adds what says a line: one request, or several where it is divided.
    fn put_line(&mut self, line: Result<&str, LineError>) {
        match line {
            Ok(line) if self.plain => {
                let beside = self.to.map_or("say ".len(), |to| "msg  ".len() + to.len());
                for line in plain::lines(line, plain::space_beside(beside)) {
                    self.put(Ok(&line));
                }
            }
            line => self.put(line),
        }
    }

    fn put(&mut self, line: Result<&str, LineError>) {
        put_request(&mut self.bytes, self.to, line);
        self.bytes.extend(self.question.bytes());
        (self.sent, self.waiting) = (self.sent + 1, self.waiting + 1);
        self.unfenced += 1;
    }

    fn put_fence(&mut self) {
        self.bytes.extend(fence::request(self.sent).bytes());
        self.unfenced = 0;
    }
}

impl Speaker<'_> {
    /// Says each line of stdin, up to its end or the server's.
    fn say_stdin(&mut self, mut stdin: File, woken: &UnixStream) -> Result<(), Failure> {
        let mut chunk = vec![0; CHUNK_BYTES];
        while wait_unless(&stdin, Interest::Read, woken).map_err(Failure::local)? {
            match stdin.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    if !self.say_lines(&chunk[..length]) {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.finish();
                    return Err(Failure::new(Exit::Local, format!("cannot read stdin: {error}")));
                }
            }
        }
        self.finish();
        Ok(())
    }

    /// Says the lines of a text, of which the last one needs no end.
    fn say_all(&mut self, text: &[u8]) {
        let end: &[u8] = if text.ends_with(b"\n") { b"" } else { b"\n" };
        if self.say_lines(text) {
            self.say_lines(end);
        }
    }

    /// Says the lines that these bytes complete. False when nobody hears them any more.
    fn say_lines(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        let mut before = rest.len();
        while let Some(line) = self.decoder.next(&mut rest) {
            self.requests.put_line(line);
            self.read += (before - rest.len()) as u64;
            before = rest.len();
            if self.requests.unfenced >= FENCED {
                self.requests.put_fence();
            }
            // Short lines leave together.
            if (self.requests.unfenced == 0 || self.requests.bytes.len() > CHUNK_BYTES)
                && !self.send()
            {
                return false;
            }
        }
        self.send()
    }

    fn send(&mut self) -> bool {
        if !self.echoes.reserve(self.requests.waiting, self.read) {
            return false;
        }
        (self.requests.waiting, self.read) = (0, 0);
        let sent = self.sender.send(&self.requests.bytes);
        self.requests.bytes.clear();
        sent.is_ok()
    }

    /// Waits for all answers, then ends the connection. Errors show at the listener.
    fn finish(&mut self) {
        if let Some(line) = self.decoder.finish() {
            self.requests.put_line(line);
        }
        self.requests.put_fence();
        let is_sent = self.send();
        self.echoes.finish();
        if is_sent {
            self.echoes.settle();
        }
        // It fails when the server was the first to close.
        let _ = self.sender.finish();
    }
}

/// How far it is, for somebody who looks at a terminal.
struct Progress {
    /// The length of a file, of which one knows how much is left.
    bytes: Option<u64>,
    since: Instant,
    shown: Option<Instant>,
}

impl Progress {
    fn new(stdin: Option<&File>) -> Self {
        let file = stdin.and_then(|stdin| stdin.metadata().ok()).filter(Metadata::is_file);
        Self { bytes: file.map(|file| file.len()), since: Instant::now(), shown: None }
    }

    fn show(&mut self, counts: Counts) {
        let now = Instant::now();
        if now < self.shown.map_or(self.since + LONG, |shown| shown + PACE)
            || !io::stderr().is_terminal()
        {
            return;
        }
        self.shown = Some(now);
        let line = format!("\r{}\x1b[K", progress(counts, self.bytes));
        // A terminal that is gone is told so by a signal.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

/// How far it is, in words. Of a file the share of its bytes is known as well.
fn progress(counts: Counts, bytes: Option<u64>) -> String {
    let Counts { sent, bytes: read, answered, .. } = counts;
    let share = bytes.map(|all| {
        // What was only sent is not said yet.
        let said = u128::from(read) * u128::from(answered) / u128::from(sent.max(1));
        format!("{}%, ", said * 100 / u128::from(all.max(1)))
    });
    format!("{}{answered} lines said", share.unwrap_or_default())
}

#[cfg(test)]
mod tests;
