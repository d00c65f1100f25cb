//! Texts on their way: typed, but not yet seen to have reached the server.
//!
//! A text has arrived when its echo comes back. Pure: no socket, no terminal; the time is told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use protocol::{Event, Reply, Request, topic_of};

use crate::sanitize::Sanitized;

/// How long an echo may take before the user is told that it has not come.
const SOON: Duration = Duration::from_secs(2);

/// Texts that were typed and of which no echo has come yet.
#[derive(Debug, Default)]
pub struct Unconfirmed {
    /// Sent on the present connection, and not echoed yet.
    unechoed: VecDeque<Sent>,
    /// Sent on a connection that is lost, or typed while there was none.
    unsent: Vec<String>,
}

#[derive(Debug)]
struct Sent {
    line: String,
    /// When the user is told that there is no echo.
    late: Instant,
}

impl Unconfirmed {
    /// Takes note of a request that is being sent.
    pub fn sent(&mut self, line: &str, now: Instant) {
        if has_text(line) {
            self.unechoed.push_back(Sent { line: line.to_owned(), late: now + SOON });
        }
    }

    /// When the next text is late.
    #[must_use]
    pub fn next_late(&self, now: Instant) -> Option<Instant> {
        self.unechoed.iter().map(|sent| sent.late).find(|late| *late > now)
    }

    /// The oldest text that is late, and how many more are.
    #[must_use]
    pub fn late(&self, now: Instant) -> Option<(&str, usize)> {
        let mut late = self.unechoed.iter().take_while(|sent| sent.late <= now);
        Some((&late.next()?.line, late.count()))
    }

    /// Keeps a request that cannot be sent now. False when it has no text that is worth it.
    pub fn keep(&mut self, line: &str) -> bool {
        let has_text = has_text(line);
        if has_text {
            self.unsent.push(line.to_owned());
        }
        has_text
    }

    /// The connection is gone, and with it every echo that was to come.
    pub fn lost(&mut self) {
        self.unsent.extend(self.unechoed.drain(..).map(|sent| sent.line));
    }

    /// How many requests wait for their echo.
    #[must_use]
    pub fn unechoed(&self) -> usize {
        self.unechoed.len()
    }

    /// Requests of which nobody knows whether the server ever had them.
    #[must_use]
    pub fn unsent(&self) -> &[String] {
        &self.unsent
    }

    /// Takes them out, to send them again.
    pub fn take_unsent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unsent)
    }

    /// The server has a text: this is its echo. A server answers in order, so all texts before it are
    /// answered too.
    pub fn echoed(&mut self, echo: &str, name: &str) {
        self.answered(|line| is_echoed(line, echo, name));
    }

    /// The room had it after all: its echo came while there was no connection.
    pub fn found(&mut self, echo: &str, name: &str) {
        if let Some(at) = self.unsent.iter().position(|line| is_echoed(line, echo, name)) {
            self.unsent.remove(at);
        }
    }

    /// The server has a text and does not want it.
    pub fn refused(&mut self, is_it: impl Fn(&Request<'_>) -> bool) {
        self.answered(|line| matches!(Request::parse(line), Ok(Some(request)) if is_it(&request)));
    }

    fn answered(&mut self, is_it: impl Fn(&str) -> bool) {
        if let Some(at) = self.unechoed.iter().position(|sent| is_it(&sent.line)) {
            self.unechoed.drain(..=at);
        }
    }

    /// The server has the oldest one and could not even read it.
    pub fn unreadable(&mut self) {
        self.unechoed.pop_front();
    }
}

fn has_text(line: &str) -> bool {
    // What the server will refuse as a line was still typed as a text.
    Request::parse(line).map_or(true, |it| it.is_some_and(|it| echo_of(it, "").is_some()))
}

/// Whether this is how the server answers the line.
fn is_echoed(line: &str, echo: &str, name: &str) -> bool {
    let request = Request::parse(line).ok().flatten();
    request.and_then(|request| echo_of(request, name)).is_some_and(|expected| expected == echo)
}

/// What the server answers to a request that carries a text, once it has it. `None` for any other: nothing
/// that somebody has written is lost with it.
fn echo_of(request: Request<'_>, name: &str) -> Option<String> {
    let echo = match request {
        // It asks for the topic.
        Request::Topic("") => return None,
        Request::Say(text) => Event::Said { name, text }.to_string(),
        Request::Me(text) => Event::Did { name, text }.to_string(),
        Request::Topic(text) => Event::TopicSet { name, text: topic_of(text) }.to_string(),
        Request::Message { to, text } => Reply::MessageTo { name: to, text }.to_string(),
        Request::Login(_)
        | Request::Watch(_)
        | Request::Look
        | Request::Logout
        | Request::Join(_)
        | Request::Rooms
        | Request::Rename(_)
        | Request::History(_)
        | Request::Since(_)
        | Request::Operator(_)
        | Request::Kick { .. }
        | Request::Mute { .. }
        | Request::Ban { .. }
        | Request::Who
        | Request::Ignore(_)
        | Request::Unignore(_)
        | Request::Bans
        | Request::Announce(_)
        | Request::Ping(_)
        | Request::Help(_)
        | Request::Malformed(_)
        | Request::Unknown(_) => return None,
    };
    Some(Sanitized::new(&echo).to_string())
}
