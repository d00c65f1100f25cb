//! One client's thread: reads lines, and does what they ask for.
//!
//! A session reads from its socket and never writes to it. What its client is to get goes into
//! the room's log or into the client's outbox, and a courier sends it.

mod door;
mod ending;
mod operators;
mod rate_limit;
mod reading;
mod requests;
mod web;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::UserName;
use protocol::foreign::foreign_line;
use protocol::{LineError, Reply, Request};

use self::ending::SessionEnd;
pub use self::ending::disconnect;
use self::rate_limit::RateLimit;
use crate::chat::{Chat, Membership, Seat};
use crate::config::{Config, Transport};
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::outbox::Readiness;
use crate::log::position::Position;
use crate::log::room_log::LogGuard;
use crate::moderation::interrupt::{Interrupt, InterruptWatch};
use crate::web::http::Refusal;
use crate::web::{Site, websocket};

/// Whether the session goes on.
type Step = Result<(), SessionEnd>;

/// What the bytes from a client are made of.
#[derive(Debug)]
enum Input {
    /// Lines.
    Lines,
    /// The head of an HTTP request, of which this much has come.
    Http(Vec<u8>),
    /// Frames of a WebSocket.
    Frames(Box<websocket::Decoder>),
}

/// One client's conversation with the chat.
struct Session<'a> {
    chat: &'a Chat,
    client: &'a Arc<Client>,
    config: &'a Config,
    site: &'a Site,
    input: Input,
    rate_limit: RateLimit,
    /// Until when the client may be in the login room.
    login_deadline: Instant,
    /// Who the client is, in which room. `None` in the login room, and of who watches.
    membership: Option<Membership>,
    /// The room that the client reads without a name.
    watching: Option<Seat>,
    is_operator: bool,
    /// Readable once somebody may have been removed. `None` where nobody could do that.
    interrupt: Option<InterruptWatch>,
    /// Lines said but not yet in the room's log: those of one read go there together.
    pending_lines: String,
    /// What the client has sent.
    lines: u64,
    bytes: u64,
}

/// Serves a connected client until it has left, everything it was owed was sent, and its name is
/// free again. Its connection goes to the closer then. `burst` lines may come at once at first.
pub fn run(
    chat: &Chat,
    client: &Arc<Client>,
    config: &Config,
    site: &Site,
    closer: &Closer,
    burst: u32,
) {
    let rate_limit = RateLimit::new(config.rate, config.burst, burst, Instant::now());
    let mut session = Session {
        chat,
        client,
        config,
        site,
        input: match client.transport {
            Transport::Tcp => Input::Lines,
            Transport::Web => Input::Http(Vec::new()),
        },
        rate_limit,
        login_deadline: Instant::now() + config.login_timeout,
        membership: None,
        watching: None,
        is_operator: false,
        interrupt: chat.interrupt().map(Interrupt::watch),
        pending_lines: String::new(),
        lines: 0,
        bytes: 0,
    };
    client.serve();
    // Not before there is a thread that serves it.
    if matches!(session.input, Input::Lines) {
        session.reply(Reply::ConnectSuccess);
    }
    let reason = match session.read_requests() {
        Ok(()) => SessionEnd::EndOfInput,
        Err(reason) => reason,
    };
    session.flush_at_last();
    let name = session.membership.as_ref().map(|membership| membership.name.clone());
    session.leave();
    let delivery = disconnect(chat, client, closer, session.is_in_login_room());
    let nobody = if session.watching.is_some() { "a watcher" } else { "nobody" };
    let who = name.as_ref().map_or(nobody, UserName::as_str);
    let (lines, bytes) = (session.lines, session.bytes);
    log::info!(
        "{} ({who}) is gone: {reason}; {delivery}; said {lines} lines, {bytes} bytes",
        client.address
    );
}

impl Session<'_> {
    /// Stops when the courier has given up on this client: its connection broke, it took nothing
    /// for too long, or the server's time to stop is over.
    fn check_open(&self) -> Step {
        if self.client.is_open() { Ok(()) } else { Err(SessionEnd::Closed) }
    }

    fn refuse_stranger(&mut self, advice: &str) -> Step {
        self.reply(Reply::WrongProtocol(advice));
        Err(SessionEnd::Refused("it speaks another protocol"))
    }

    /// From where the client reads a room: as its user, or without a name.
    fn seat(&self) -> Option<&Seat> {
        self.membership.as_ref().map(|membership| &membership.seat).or(self.watching.as_ref())
    }

    fn is_in_login_room(&self) -> bool {
        self.seat().is_none()
    }

    /// How long the client may stay in the login room. `None` when it has left it.
    fn limit_login(&mut self) -> Result<Option<Duration>, SessionEnd> {
        if !self.is_in_login_room() {
            return Ok(None);
        }
        let left = self.within_login(Duration::MAX);
        if left.is_zero() {
            match self.input {
                Input::Http(_) => self.answer_http(Refusal::Timeout.to_bytes()),
                Input::Lines | Input::Frames(_) => self.reply(Reply::LoginTimeout),
            }
            return Err(SessionEnd::Refused("it did not log in"));
        }
        Ok(Some(left))
    }

    /// The time, or what is left of the time in the login room.
    fn within_login(&self, time: Duration) -> Duration {
        if !self.is_in_login_room() {
            return time;
        }
        time.min(self.login_deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits as long as the rate limit says, and until the client has taken what it is owed.
    fn wait_for_turn(&mut self, now: Instant) -> Result<Readiness, SessionEnd> {
        let wait = self.rate_limit.take(now);
        if !wait.is_zero() {
            self.flush();
            self.chat.deliver(self.client);
            self.client.outbox.delay(self.within_login(wait));
        }
        let readiness = self.client.outbox.readiness();
        if readiness != Readiness::Wait {
            return Ok(readiness);
        }
        self.flush();
        if let Some(text) = self.client.outbox.owed().news() {
            log::warn!("{text}");
        }
        self.chat.deliver(self.client);
        let until = self.is_in_login_room().then_some(self.login_deadline);
        self.client.outbox.wait_for_space(until).map_err(SessionEnd::Removed)?;
        Ok(self.client.outbox.readiness())
    }

    fn take_line(&mut self, line: Result<&str, LineError>) -> Step {
        self.lines += 1;
        let now = Instant::now();
        let readiness = self.wait_for_turn(now)?;
        self.check_open()?;
        // What was read before is not done any more: the server stops, or nobody is there to whom it
        // would be said at the rate.
        if readiness == Readiness::Over {
            self.client.note_input();
            return Ok(());
        }
        self.limit_login()?;
        let line = match line {
            // Some programs begin what they write with a byte order mark, which nobody sees.
            Ok(line) if self.lines == 1 => line.strip_prefix('\u{feff}').unwrap_or(line),
            Ok(line) => line,
            Err(LineError::NotUtf8) => return self.answer(Reply::InvalidUtf8),
            Err(LineError::TooLong) => {
                return self.answer(Reply::LineTooLong(self.config.max_line));
            }
            Err(LineError::Unterminated) => {
                self.reply(Reply::LineTooLong(self.config.max_line));
                return Err(SessionEnd::Refused("it sends no lines"));
            }
        };
        if self.lines == 1
            && matches!(self.input, Input::Lines)
            && let Some(protocol) = foreign_line(line)
        {
            return self.refuse_stranger(protocol);
        }
        match Request::parse(line) {
            Ok(Some(request)) => {
                if !matches!(request, Request::Ping(_) | Request::Since(_)) {
                    self.client.note_request(now);
                }
                self.act(request)
            }
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
        match self.seat() {
            Some(seat) => seat.reply(self.client, reply),
            None => self.client.reply(Position::default(), reply),
        }
    }

    fn reply_list(&mut self, list: Vec<u8>) {
        self.flush();
        match self.seat() {
            Some(seat) => seat.reply_list(self.client, list),
            None => self.client.post_text(Position::default(), list, false),
        }
    }

    /// Leaves the room, if the client is in one, and has the connection closed once all is sent
    /// that the client is owed.
    fn leave(&mut self) {
        if let Some(membership) = &self.membership {
            self.chat.leave(self.client, membership);
        } else if let Some(seat) = &self.watching {
            self.chat.unwatch(self.client, seat);
        } else {
            drop(self.client.post_end(Position::default()));
        }
    }

    /// Lets the room see what was said so far.
    fn flush(&mut self) {
        drop(self.append());
        self.pending_lines.clear();
        if let Some(membership) = &self.membership {
            self.chat.settle(self.client, membership);
        }
    }

    /// The same, when there is nothing more to do for now: so this thread may carry the lines to
    /// the room itself, where that is cheaper than to wake a courier.
    fn flush_at_last(&mut self) {
        if let Some(log) = self.append() {
            log.carry(self.client.id);
        }
        self.pending_lines.clear();
    }

    fn append(&self) -> Option<LogGuard<'_>> {
        let membership = self.membership.as_ref()?;
        if self.pending_lines.is_empty() {
            return None;
        }
        self.chat.say(self.client, membership, &self.pending_lines)
    }
}
