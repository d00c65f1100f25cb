//! One client's thread: it reads the client's lines and does what they ask for.
//!
//! A session never writes to the socket. What everyone in the room shall see it appends to the room's
//! log; what its client alone shall get it posts to the client's outbox. A courier sends both.
//!
//! How the bytes of the socket become lines is in `reading.rs`; what is done for each request is in
//! `requests.rs`.

mod door;
mod ending;
mod input;
mod login_time;
mod operators;
mod rate_limit;
mod reading;
mod requests;
mod watching;
mod web;

use std::sync::Arc;
use std::time::Instant;

use protocol::foreign::foreign_line;
use protocol::{LineError, Reply, Request};

use self::ending::SessionEnd;
pub use self::ending::disconnect;
use self::input::Input;
use self::rate_limit::RateLimit;
use crate::chat::{Chat, Membership, Seat};
use crate::config::{Config, Transport};
use crate::delivery::client::Client;
use crate::delivery::closer::Closer;
use crate::delivery::outbox::Readiness;
use crate::log::position::Position;
use crate::log::room_log::LogGuard;
use crate::moderation::interrupt::{Interrupt, InterruptWatch};
use crate::web::Site;

/// `Ok` when the session goes on, otherwise why it ends.
type Step = Result<(), SessionEnd>;

/// One client's conversation with the chat. A client is in the login room until it has a `membership`
/// or is `watching`; it never has both.
struct Session<'a> {
    chat: &'a Chat,
    client: &'a Arc<Client>,
    config: &'a Config,
    /// What a browser gets by HTTP: the page.
    site: &'a Site,
    /// What the client's bytes consist of: lines, or what a browser sends.
    input: Input,
    rate_limit: RateLimit,
    /// When the client has to have left the login room.
    login_deadline: Instant,
    /// The client's name and room, once it has logged in.
    membership: Option<Membership>,
    /// The room that the client reads without a name, and from where.
    watching: Option<Seat>,
    is_operator: bool,
    /// Becomes readable when a client is removed, perhaps this one. `None` where nobody can do that.
    interrupt: Option<InterruptWatch>,
    /// Lines that the client has said and that are not in the room's log yet. All the lines of one read
    /// are appended together, so that they share the cost of the log's lock.
    pending_lines: String,
    /// How many lines the client has sent.
    lines: u64,
    /// How many bytes the client has sent.
    bytes: u64,
}

/// Serves a connected client. Returns when the client has left, all it was owed was sent, its name is
/// free again, and the closer has its connection. The client may send `burst` lines at once at first,
/// which is less than the configured burst when its address has come often.
pub fn run(
    chat: &Chat,
    client: &Arc<Client>,
    config: &Config,
    site: &Site,
    closer: &Closer,
    burst: u32,
) {
    let now = Instant::now();
    let mut session = Session {
        chat,
        client,
        config,
        site,
        input: match client.transport {
            Transport::Tcp => Input::Lines,
            Transport::Web => Input::Http(Vec::new()),
        },
        rate_limit: RateLimit::new(config.rate, config.burst, burst, now),
        login_deadline: now + config.login_timeout,
        membership: None,
        watching: None,
        is_operator: false,
        interrupt: chat.interrupt().map(Interrupt::watch),
        pending_lines: String::new(),
        lines: 0,
        bytes: 0,
    };
    // First, so that the greeting need not wake the courier: `read_requests` has it sent.
    client.serve();
    if matches!(session.input, Input::Lines) {
        session.reply(Reply::ConnectSuccess);
    }
    let reason = match session.read_requests() {
        Ok(()) => SessionEnd::EndOfInput,
        Err(reason) => reason,
    };
    session.flush_before_waiting();
    session.leave();
    let delivery = disconnect(chat, client, closer, session.is_in_login_room());
    let who = match (&session.membership, &session.watching) {
        (Some(membership), _) => membership.name.as_str(),
        (None, Some(_)) => "a watcher",
        (None, None) => "nobody",
    };
    let (lines, bytes) = (session.lines, session.bytes);
    log::info!(
        "{} ({who}) is gone: {reason}; {delivery}; said {lines} lines, {bytes} bytes",
        client.address
    );
}

impl Session<'_> {
    /// Ends the session when the courier has given up on its client: the connection broke, the client
    /// took nothing for too long, or a stopping server has no more time.
    fn check_open(&self) -> Step {
        if self.client.is_open() { Ok(()) } else { Err(SessionEnd::Closed) }
    }

    /// Ends the session of a client that speaks another protocol than this one.
    fn refuse_protocol(&mut self, advice: &str) -> Step {
        self.reply(Reply::WrongProtocol(advice));
        Err(SessionEnd::Refused("it speaks another protocol"))
    }

    /// The room that the client reads, as a member or without a name. `None` in the login room.
    fn seat(&self) -> Option<&Seat> {
        self.membership.as_ref().map(|membership| &membership.seat).or(self.watching.as_ref())
    }

    fn is_in_login_room(&self) -> bool {
        self.seat().is_none()
    }

    /// Does what a line asks for, as soon as the rate limit and the outbox allow it.
    fn take_line(&mut self, line: Result<&str, LineError>) -> Step {
        self.lines += 1;
        let now = Instant::now();
        let wait = self.rate_limit.take(now);
        if !wait.is_zero() {
            self.flush();
            self.chat.deliver(self.client);
            self.client.outbox.delay(self.cut_to_login_time(wait));
        }
        let readiness = self.wait_for_space()?;
        self.check_open()?;
        if readiness == Readiness::Over {
            // No reply can follow, because the server stops or the connection is gone: so the line is
            // dropped.
            self.client.note_input();
            return Ok(());
        }
        self.login_time_left()?;
        let line = match line {
            // Some programs begin a file with a byte order mark, which nobody sees.
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
            && let Some(advice) = foreign_line(line)
        {
            return self.refuse_protocol(advice);
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

    /// Waits until the client has taken enough of its replies to be given more. Gives
    /// [`Readiness::Over`] when it will be given nothing more.
    fn wait_for_space(&mut self) -> Result<Readiness, SessionEnd> {
        let readiness = self.client.outbox.readiness();
        if readiness != Readiness::Wait {
            return Ok(readiness);
        }
        self.flush();
        self.warn_of_owed();
        self.chat.deliver(self.client);
        let until = self.is_in_login_room().then_some(self.login_deadline);
        self.client.outbox.wait_for_space(until).map_err(SessionEnd::Removed)?;
        Ok(self.client.outbox.readiness())
    }

    /// Writes into the server's log that all clients together are owed too much, once each time.
    fn warn_of_owed(&self) {
        if let Some(text) = self.client.outbox.owed.warning() {
            log::warn!("{text}");
        }
    }

    fn answer(&mut self, reply: Reply<'_>) -> Step {
        self.reply(reply);
        Ok(())
    }

    /// Owes the client a reply, behind all that the client has said before.
    fn reply(&mut self, reply: Reply<'_>) {
        self.flush();
        match self.seat() {
            Some(seat) => seat.reply(self.client, reply),
            None => self.client.reply(Position::default(), reply),
        }
    }

    /// Owes the client a list that [`Client::list`] has made, as [`Session::reply`] does a reply.
    fn reply_list(&mut self, list: Vec<u8>) {
        self.flush();
        match self.seat() {
            Some(seat) => seat.reply_list(self.client, list),
            None => self.client.post_text(Position::default(), list, false),
        }
    }

    /// Takes the client out of its room. Its connection will be closed once all it is owed was sent.
    fn leave(&self) {
        if let Some(membership) = &self.membership {
            self.chat.leave(self.client, membership);
        } else if let Some(seat) = &self.watching {
            self.chat.unwatch(self.client, seat);
        } else {
            drop(self.client.post_end(Position::default()));
        }
    }

    /// Appends what the client has said so far to the room's log. Where several servers are one chat,
    /// waits until that has come back from their log.
    fn flush(&mut self) {
        drop(self.append());
        self.pending_lines.clear();
        if let Some(membership) = &self.membership {
            self.chat.wait_until_seen(self.client, membership);
        }
    }

    /// The same, when this thread has nothing more to do: so it may send the lines itself, where that is
    /// cheaper than to wake a courier.
    fn flush_before_waiting(&mut self) {
        if let Some(log) = self.append() {
            log.unlock_and_work(self.client.id);
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
