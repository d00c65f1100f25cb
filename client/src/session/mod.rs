//! A stay in the chat, on a thread of its own: it sends what was typed, shows what comes, keeps the
//! connection alive and finds a new one when it is lost.
//!
//! ```text
//!  login dialog ── let in ──> connected ── lost ──> away ── let in again ──> connected
//!       │                      │     │              │  │ ^
//!       │ Ctrl-C, Ctrl-D       │     │ kicked, Ctrl-D, │ │ /reconnect, /rename
//!       v                      │     v banned   banned │ │
//!      end                     │    end             │  │ Ctrl-C
//!                       Ctrl-D │                    v  v │
//!                              v                  end  stopped ── Ctrl-C, Ctrl-D ──> end
//!                           leaving ── closed, or 2 s ──> end
//! ```
//!
//! The prompt says NAME@ROOM of the last answer; after `/join` and `/rename` it waits for theirs, for a
//! second at most. A text is on its way until its echo comes, and from two seconds on it is pinned above the prompt.
//!
//! It owns the socket and what is known of the chat, and knows no terminal: it shows through a
//! [`View`] and hears of the user through a channel. `online` is the time with a connection,
//! `offline` the time without; `link` is the connection.

mod link;
mod offline;
mod online;
pub mod timing;

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use protocol::Command;

use crate::exit::{Exit, Failure};
use crate::model::backoff::Backoff;
use crate::model::replay::Wanted;
use crate::model::state::State;
use crate::net::{Attempted, Connection, Incoming, Servers};
use crate::sanitize::Sanitized;
use crate::session::link::Link;
use crate::session::timing::Timing;
use crate::view::View;
use crate::view::display_queue::PromptStatus;

/// What a session hears of.
#[derive(Debug)]
pub enum SessionMessage {
    /// The connection brings something.
    Server(Incoming),
    /// An attempt to connect again has come to its end.
    Attempted(Attempted),
    /// The user wants this request sent.
    Request(String),
    /// The user wants these requests sent together, so that the server has them at once.
    Block(Vec<String>),
    /// The user wants sent again what a lost connection swallowed.
    Resend,
    /// The user wants to see which lines of the room have this text.
    Grep(String),
    /// The user wants to see who comes and goes, or no longer.
    Quiet,
    /// The user wants to hide what somebody says, or to see it again, or to know who is ignored.
    Ignore(Option<String>),
    /// The user wants no more attempts to connect.
    Stop,
    /// The user wants such an attempt now.
    Reconnect,
    /// The user leaves.
    Quit,
}

impl From<Incoming> for SessionMessage {
    fn from(incoming: Incoming) -> Self {
        SessionMessage::Server(incoming)
    }
}

/// A chat that has no server of its own: how it is called, and what it has.
#[derive(Debug, Clone)]
pub struct Alone {
    /// Where one is connected to.
    pub place: String,
    /// What the prompt has for a room.
    pub room: &'static str,
    /// The requests that it knows.
    pub commands: &'static [Command],
}

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether it was still connected when the user left.
    pub exit: Exit,
    /// Requests that were typed and did not reach the server.
    pub unsent: Vec<String>,
    /// Requests that were on their way when the user left: nobody knows whether the server had them.
    pub unknown: Vec<String>,
}

/// A stay in the chat, over as many connections as it takes.
pub struct Session {
    servers: Servers,
    /// How the chat is called when that is not what its users know it by.
    pub alone: Option<Alone>,
    state: State,
    view: View,
    timing: Timing,
    backoff: Backoff,
    inputs: Receiver<SessionMessage>,
    /// For the reader threads.
    mailbox: SyncSender<SessionMessage>,
    /// How many inputs of the user came. The login is the first.
    count: u64,
    presence: Presence,
    /// Whether the user wants the next attempt to connect at once.
    is_hurried: bool,
}

/// Where a session is between its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// There is a connection.
    Connected,
    /// There is none, and another one is looked for.
    Away,
    /// There is none, and the user has stopped looking for one.
    Stopped,
    /// There is none, and the user has left.
    Leaving,
}

/// Why a connection is no longer used.
enum End {
    Lost(String),
    Quit,
}

impl Session {
    /// A session of a user who is logged in. The state is the one of the first connection.
    pub fn new(
        servers: impl Into<Servers>,
        state: State,
        view: View,
        timing: Timing,
        (mailbox, inputs): (SyncSender<SessionMessage>, Receiver<SessionMessage>),
    ) -> Self {
        Self {
            servers: servers.into(),
            alone: None,
            state,
            view,
            timing,
            backoff: Backoff::new(timing.first_delay, timing.longest_delay),
            inputs,
            mailbox,
            count: 0,
            presence: Presence::Connected,
            is_hurried: false,
        }
    }

    /// Runs until the user leaves.
    ///
    /// # Errors
    ///
    /// When this machine lacks a thread or a file descriptor.
    pub fn run(mut self, connection: Connection) -> Result<Ended, Failure> {
        let mut server = connection.server().to_owned();
        let mut link = self.link(connection)?;
        let place = self.alone.as_ref().map_or(&server, |alone| &alone.place);
        let name = self.state.name();
        let welcome = format!("connected to {place} as {name}; /help lists the commands");
        self.view.notice(&welcome);
        let requests = self.state.requests_after_login(Wanted::Latest);
        link.send(&requests);
        self.count += 1;
        loop {
            self.publish();
            let begun = Instant::now();
            let end = self.stay(&mut link);
            self.backoff.lasted(begun.elapsed());
            self.presence = Presence::Away;
            self.unlink(link);
            let End::Lost(why) = end else {
                return Ok(self.ended(Exit::Done));
            };
            if self.state.is_put_out() {
                self.view.notice("you were put out; start chat-client to come again");
                return Ok(self.ended(Exit::ConnectionLost));
            }
            self.state.lost();
            self.publish();
            let lost = match self.servers.are_several() {
                true => format!("connection to {server} lost: {why}"),
                false => format!("connection lost: {why}"),
            };
            let Some(connection) = self.reconnect(lost)? else {
                return Ok(self.ended(Exit::ConnectionLost));
            };
            connection.server().clone_into(&mut server);
            link = self.link(connection)?;
            self.view.notice(&match self.servers.are_several() {
                true => format!("connected again, to {server}"),
                false => "connected again".to_owned(),
            });
            let requests = self.state.requests_after_login(Wanted::Missed);
            link.send(&requests);
        }
    }

    fn ended(mut self, exit: Exit) -> Ended {
        let unsent = self.state.unconfirmed_mut().take_unsent();
        self.state.lost();
        Ended { exit, unsent, unknown: self.state.unconfirmed_mut().take_unsent() }
    }

    fn link(&mut self, connection: Connection) -> Result<Link, Failure> {
        // After it is lost, another one comes first.
        self.servers = self.servers.after(Some(connection.address()));
        let link = Link::new(connection, self.timing.answer, self.mailbox.clone())?;
        self.presence = Presence::Connected;
        Ok(link)
    }

    /// Ends the reader thread. Its last message says that it is at the end.
    fn unlink(&mut self, mut link: Link) {
        link.close();
        while !link.is_drained() {
            match self.inputs.recv() {
                Ok(SessionMessage::Server(Incoming::Lines(lines))) => drop(self.receive(&lines)),
                Ok(SessionMessage::Server(Incoming::Closed(_))) | Err(_) => link.closed(),
                Ok(other) => self.meanwhile(other),
            }
        }
    }

    /// Tells the prompt where the user is.
    pub fn publish(&self) {
        let location = self.state.location();
        // They are the user's own words, but perhaps pasted ones.
        let safe = |name| Sanitized::new(name).to_string();
        let status = PromptStatus {
            name: safe(location.name()),
            room: safe(self.alone.as_ref().map_or(location.room(), |alone| alone.room)),
            is_connected: self.presence == Presence::Connected,
        };
        let open = u64::from(!location.is_settled());
        let settled = self.count.saturating_sub(open);
        self.view.queue.set_status(status, settled);
        self.pin_late();
    }
}
