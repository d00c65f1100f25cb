//! One client's thread: reads lines, and does what they ask for.
//!
//! A session reads from its socket and never writes to it. What its client is to get goes into
//! the room's log or into the client's outbox, and a courier sends it.

mod operator;
mod requests;

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::UserName;
use protocol::foreign::foreign_protocol;
use protocol::limits::UNTERMINATED_BYTES;
use protocol::{Framing, LineDecoder, LineError, Reply, Request};

use crate::bell::{Bell, Ear, wait_for_input};
use crate::chat::{Chat, Seat};
use crate::client::Client;
use crate::config::Config;
use crate::outbox::{Dismissal, Ended, Mail};
use crate::rate::Allowance;
use crate::ring::Position;
use crate::trace;

/// Bytes read from the socket at once: few as long as the client types, many once it pipes.
const READ_BYTES: usize = 512;
const READ_BYTES_OF_PIPES: usize = 64 * 1024;

/// How long a connection is kept for a client to close its side, after the server closed its own.
/// Closing both sides at once could destroy what the client has not yet received.
const LINGER: Duration = Duration::from_secs(2);

/// Why a session came to its end. The text is for the server's log.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("logged out")]
    LoggedOut,
    #[error("ended its input")]
    EndOfInput,
    #[error("closed by the server")]
    NotHeard,
    #[error("refused, for {0}")]
    Refused(&'static str),
    #[error("lost: {0}")]
    Lost(io::Error),
    #[error("dismissed, with `{}`", .0.reply())]
    Dismissed(Dismissal),
}

/// Whether the session goes on.
type Step = Result<(), Reason>;

/// One client's conversation with the chat.
struct Session<'a> {
    chat: &'a Chat,
    client: &'a Arc<Client>,
    config: &'a Config,
    allowance: Allowance,
    /// `None` in the login room.
    seat: Option<Seat>,
    is_operator: bool,
    /// By this it hears that it may be dismissed. `None` where nobody could do that.
    ear: Option<Ear>,
    /// Lines said but not yet in the room's log: those of one read go there together.
    said: String,
    /// What the client has sent.
    lines: u64,
    bytes: u64,
}

/// Serves a connected client until it has left, everything it was owed was sent, and its name is
/// free again.
pub fn run(chat: &Chat, client: &Arc<Client>, config: &Config) {
    let allowance = Allowance::new(config.rate, config.burst, Instant::now());
    let mut session = Session {
        chat,
        client,
        config,
        allowance,
        seat: None,
        is_operator: false,
        ear: chat.bell().map(Bell::ear),
        said: String::new(),
        lines: 0,
        bytes: 0,
    };
    // Not before there is a thread that serves it.
    session.reply(Reply::ConnectSuccess);
    let reason = match session.read_requests() {
        Ok(()) => Reason::EndOfInput,
        Err(reason) => reason,
    };
    session.flush();
    let name = session.seat.as_ref().map(|seat| seat.name.clone());
    let dismissal = client.outbox.dismissal();
    let last_word = dismissal.as_ref().map(Dismissal::reply);
    match &session.seat {
        Some(seat) => chat.leave(client, seat, last_word),
        None => {
            if let Some(reply) = last_word {
                client.reply(Position::default(), reply);
            }
            drop(client.post(Position::default(), Mail::Close));
        }
    }
    let ended = client.outbox.wait_for_end();
    chat.disconnect(client, name.as_ref());
    if ended == Ended::Delivered && client.is_heard() {
        linger(client);
    }
    let who = name.as_ref().map_or("nobody", UserName::as_str);
    let (lines, bytes) = (session.lines, session.bytes);
    log::info!(
        "{} ({who}) is gone: {reason}; {ended}; said {lines} lines, {bytes} bytes",
        client.address
    );
}

impl Session<'_> {
    fn read_requests(&mut self) -> Step {
        let mut decoder = LineDecoder::new(self.config.max_line, UNTERMINATED_BYTES);
        let mut reader = BufReader::with_capacity(READ_BYTES, &self.client.stream);
        let mut received = trace::Received::new(self.client.address);
        let login_deadline = Instant::now() + self.config.login_timeout;
        loop {
            self.check_heard()?;
            let time = self.limit_login(login_deadline)?;
            if !self.wait_for_input(time)? {
                continue;
            }
            let bytes = match reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) => match error.kind() {
                    // The time is over in the login room, which is seen above.
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => continue,
                    _ => return Err(Reason::Lost(error)),
                },
            };
            let length = bytes.len();
            if length == 0 {
                self.check_heard()?;
                // Of a reset the system tells once, perhaps a courier that was sending. Then this
                // looks like an end, but there is no peer any more.
                self.client.stream.peer_addr().map_err(Reason::Lost)?;
                return self.finish(&mut decoder);
            }
            received.trace(bytes);
            let was_in_login_room = self.seat.is_none();
            self.take_bytes(bytes, &mut decoder)?;
            reader.consume(length);
            if length == READ_BYTES && reader.capacity() == READ_BYTES {
                reader = BufReader::with_capacity(READ_BYTES_OF_PIPES, &self.client.stream);
            }
            if was_in_login_room && self.seat.is_some() {
                self.client.stream.set_read_timeout(None).map_err(Reason::Lost)?;
            }
        }
    }

    fn take_bytes(&mut self, mut bytes: &[u8], decoder: &mut LineDecoder) -> Step {
        if self.bytes == 0
            && let Some(protocol) = foreign_protocol(bytes)
        {
            self.reply(Reply::WrongProtocol(protocol));
            return Err(Reason::Refused("it speaks another protocol"));
        }
        self.bytes += bytes.len() as u64;
        if self.client.outbox.is_closing() {
            // The server stops, and waits for the client to close its side.
            self.client.note_input();
            return Ok(());
        }
        while let Some(line) = decoder.next(&mut bytes) {
            self.take_line(line)?;
        }
        self.flush();
        Ok(())
    }

    /// Nobody is there any more for whom it would be worth to go on.
    fn check_heard(&self) -> Step {
        if self.client.is_heard() { Ok(()) } else { Err(Reason::NotHeard) }
    }

    /// Waits for the client where something else can end the session, and lets the read wait
    /// where not. `false` when there is nothing to read yet.
    fn wait_for_input(&mut self, time: Option<Duration>) -> Result<bool, Reason> {
        let Some(ear) = &self.ear else { return Ok(true) };
        // A dismissal comes before its ring, so one that is not seen here is heard.
        if let Some(dismissal) = self.client.outbox.dismissal() {
            return Err(Reason::Dismissed(dismissal));
        }
        let is_ready = wait_for_input(&self.client.stream, ear, time).map_err(Reason::Lost)?;
        if !is_ready {
            self.ear = self.chat.bell().map(Bell::ear);
        }
        Ok(is_ready)
    }

    /// Lets the next read end when the time in the login room does, and says how long that is.
    fn limit_login(&mut self, deadline: Instant) -> Result<Option<Duration>, Reason> {
        if self.seat.is_some() {
            return Ok(None);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.reply(Reply::LoginTimeout);
            return Err(Reason::Refused("it did not log in"));
        }
        self.client.stream.set_read_timeout(Some(left)).map_err(Reason::Lost)?;
        Ok(Some(left))
    }

    /// The client has ended its requests; text after its last newline may be one more.
    fn finish(&mut self, decoder: &mut LineDecoder) -> Step {
        match self.client.framing {
            Framing::Line => decoder.finish().map_or(Ok(()), |line| self.take_line(line)),
            Framing::Classic => Ok(()),
        }
    }

    fn take_line(&mut self, line: Result<&str, LineError>) -> Step {
        self.lines += 1;
        let wait = self.allowance.take(Instant::now());
        if !wait.is_zero() {
            self.flush();
            self.client.outbox.pause(wait);
        }
        if !self.client.outbox.has_space() {
            self.flush();
            self.client.outbox.wait_for_space().map_err(Reason::Dismissed)?;
        }
        self.check_heard()?;
        let line = match line {
            Ok(line) => line,
            Err(LineError::NotUtf8) => return self.answer(Reply::InvalidUtf8),
            Err(LineError::TooLong) => {
                return self.answer(Reply::LineTooLong(self.config.max_line));
            }
            Err(LineError::Unterminated) => {
                self.reply(Reply::LineTooLong(self.config.max_line));
                return Err(Reason::Refused("it sends no lines"));
            }
        };
        match Request::parse(line) {
            Ok(Some(request)) => self.act(request),
            Ok(None) => Ok(()),
            Err(_) => self.answer(Reply::ControlCharacter),
        }
    }

    fn answer(&mut self, reply: Reply<'_>) -> Step {
        self.reply(reply);
        Ok(())
    }

    fn reply(&mut self, reply: Reply<'_>) {
        self.flush();
        match &self.seat {
            Some(seat) => self.chat.reply(self.client, seat, reply),
            None => self.client.reply(Position::default(), reply),
        }
    }

    /// Lets the room see what was said so far.
    fn flush(&mut self) {
        if let Some(seat) = &self.seat
            && !self.said.is_empty()
        {
            self.chat.say(self.client, seat, self.said.as_bytes());
            self.said.clear();
        }
    }
}

/// Waits for the client to close its side, and throws away what it still sends.
fn linger(client: &Client) {
    let deadline = Instant::now() + LINGER;
    let mut thrown_away = [0; 1024];
    client.stop_writing();
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        // An error here means that the connection is gone, which is what is waited for.
        let _ = client.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))));
        match (&client.stream).read(&mut thrown_away) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
