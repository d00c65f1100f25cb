//! One client's thread: reads lines, and does what they ask for.
//!
//! A session reads from its socket and never writes to it. What its client is to get goes into
//! the room's log or into the client's outbox, and a courier sends it.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::UserName;
use protocol::command::{Command, Request};
use protocol::limits::UNTERMINATED_BYTES;
use protocol::reply::{HelpRow, foreign_protocol};
use protocol::{COMMANDS, Event, Framing, LineDecoder, LineError, NameError, Reply, RoomName};

use crate::chat::{Chat, Seat};
use crate::client::{Client, trace};
use crate::config::Config;
use crate::outbox::{Ended, Mail};
use crate::rate::Allowance;
use crate::room_log::Position;

/// Bytes read from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// Bytes for the room that are gathered before they go there. A long name makes what one read
/// has brought many times as long.
const SAID_BYTES: usize = 16 * 1024;

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
    #[error("refused, for {0}")]
    Refused(&'static str),
    #[error("cut off")]
    CutOff,
    #[error("lost: {0}")]
    Lost(io::Error),
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
    /// Lines said but not yet in the room's log: those of one read go there together.
    said: Vec<u8>,
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
        said: Vec::new(),
        lines: 0,
        bytes: 0,
    };
    let reason = match session.read_requests() {
        Ok(()) => Reason::EndOfInput,
        Err(reason) => reason,
    };
    session.flush();
    let name = session.seat.as_ref().map(|seat| seat.name.clone());
    match &session.seat {
        Some(seat) => chat.leave(client, seat),
        None => drop(client.post(Position::default(), Mail::Close)),
    }
    let ended = client.outbox.wait_for_end();
    chat.disconnect(client, name.as_ref());
    if ended == Ended::Delivered {
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
        let mut is_first = true;
        let login_deadline = Instant::now() + self.config.login_timeout;
        loop {
            self.limit_login(login_deadline)?;
            let bytes = match reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) => match error.kind() {
                    // The time is over in the login room, which is seen above.
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => continue,
                    _ => return Err(Reason::Lost(error)),
                },
            };
            let length = bytes.len();
            self.bytes += length as u64;
            if length == 0 {
                self.check_cut_off()?;
                return self.finish(&mut decoder);
            }
            if std::mem::take(&mut is_first)
                && let Some(protocol) = foreign_protocol(bytes)
            {
                self.reply(Reply::WrongProtocol(protocol));
                return Err(Reason::Refused("it speaks another protocol"));
            }
            let was_in_login_room = self.seat.is_none();
            trace(self.client, "->", bytes);
            let mut rest = bytes;
            while let Some(line) = decoder.next(&mut rest) {
                self.take_line(line)?;
            }
            self.flush();
            reader.consume(length);
            if was_in_login_room && self.seat.is_some() {
                self.client.stream.set_read_timeout(None).map_err(Reason::Lost)?;
            }
        }
    }

    /// Nobody is there any more for whom it would be worth to go on.
    fn check_cut_off(&self) -> Step {
        if self.client.is_cut_off() { Err(Reason::CutOff) } else { Ok(()) }
    }

    /// Lets the next read end when the time in the login room does.
    fn limit_login(&mut self, deadline: Instant) -> Step {
        if self.seat.is_some() {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.reply(Reply::LoginTimeout);
            return Err(Reason::Refused("it did not log in"));
        }
        self.client.stream.set_read_timeout(Some(left)).map_err(Reason::Lost)
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
        if !wait.is_zero() || self.said.len() >= SAID_BYTES {
            self.flush();
        }
        if !wait.is_zero() {
            self.client.outbox.pause(wait);
        }
        self.client.outbox.wait_for_space();
        self.check_cut_off()?;
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

    fn act(&mut self, request: Request<'_>) -> Step {
        let is_known = match Command::find(request.command()) {
            Some(command) => command.is_known(self.seat.is_some()),
            None => false,
        };
        if !is_known {
            return self.answer(Reply::UnknownCommand(request.command()));
        }
        match request {
            Request::Logout => return Err(Reason::LoggedOut),
            Request::Ping(token) => self.reply(Reply::Pong(token)),
            Request::Help(command) => self.help(command),
            Request::Malformed(command) => {
                let usage = Command::find(command).map_or(command, |command| command.usage);
                self.reply(Reply::Usage(usage));
            }
            Request::Login(name) => self.login(name),
            request => self.act_in_room(request),
        }
        Ok(())
    }

    /// Requests of users in a room.
    fn act_in_room(&mut self, request: Request<'_>) {
        let Some(name) = self.seat.as_ref().map(|seat| seat.name.as_str()) else { return };
        match request {
            Request::Say(text) => return say(&mut self.said, Event::Said { name, text }),
            Request::Me(text) => return say(&mut self.said, Event::Did { name, text }),
            _ => self.flush(),
        }
        let (chat, client) = (self.chat, self.client);
        let Some(seat) = &mut self.seat else { return };
        match request {
            Request::Look => chat.look(client, seat),
            Request::Rooms => chat.rooms(client, seat),
            Request::Message { to, text } => chat.message(client, seat, to, text),
            Request::Topic("") => chat.topic(client, seat),
            Request::Topic(text) => chat.set_topic(seat, text),
            Request::History(count) => chat.history(client, seat, count),
            Request::Join(room) => match RoomName::parse(room) {
                Ok(room) => chat.join(client, seat, &room),
                Err(NameError::Empty) => self.reply(Reply::RoomNameEmpty),
                Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
            },
            Request::Rename(name) => match UserName::parse(name) {
                Ok(name) => chat.rename(client, seat, name),
                Err(error) => self.refuse_name(error),
            },
            _ => {}
        }
    }

    fn login(&mut self, name: &str) {
        match UserName::parse(name) {
            Ok(name) => {
                self.seat = self.chat.login(self.client, name);
                match &self.seat {
                    Some(seat) => log::info!("{} ({}) came", self.client.address, seat.name),
                    None => self.reply(Reply::UserNameExist),
                }
            }
            Err(error) => self.refuse_name(error),
        }
    }

    fn refuse_name(&mut self, error: NameError) {
        match error {
            NameError::Empty => self.reply(Reply::UserNameEmpty),
            error => self.reply(Reply::UserNameInvalid(&error.to_string())),
        }
    }

    fn help(&mut self, name: &str) {
        let logged_in = self.seat.is_some();
        let rows: Vec<_> = COMMANDS
            .iter()
            .filter(|command| command.is_known(logged_in))
            .filter(|command| name.is_empty() || command.name == name)
            .map(HelpRow)
            .collect();
        if rows.is_empty() {
            return self.reply(Reply::UnknownCommand(name));
        }
        self.flush();
        match &self.seat {
            Some(seat) => self.chat.reply_list(self.client, seat, Reply::Commands, rows.iter()),
            None => self.client.reply_list(Position::default(), Reply::Commands, rows.iter()),
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
            self.chat.say(seat, &self.said);
            self.said.clear();
        }
    }
}

fn say(said: &mut Vec<u8>, event: Event<'_>) {
    use io::Write;
    // Writing to memory does not fail.
    let _ = writeln!(said, "{event}");
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
