//! What one client is owed beside the lines of its room: replies, and moves between rooms.
//!
//! Each piece of mail carries the position in the room's log that it belongs at. The client's
//! courier sends the log up to there, then the mail, then the log from there on. So replies and
//! lines keep their order, although nobody ever holds a lock while writing to a socket.
//!
//! This module knows no socket and no thread.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use protocol::Reply;

use crate::ring::Position;
use crate::room_log::Reader;

/// Bytes of replies that may wait for one client. With more than this waiting, the client's own
/// requests are not read on, and private messages of others to it are refused. One reply, such
/// as a long list, may go beyond it.
const MAIL_BYTES: usize = 64 * 1024;

/// The same for their number: a tiny reply takes more than its bytes.
const MAIL_PIECES: usize = 1024;

/// One thing that a client is owed.
#[derive(Debug)]
pub enum Mail {
    /// Text to send. A bare one has no newline and leaves in a send of its own.
    Reply {
        /// The finished bytes.
        bytes: Vec<u8>,
        /// Whether nothing may be put in front of it or behind it.
        alone: bool,
    },
    /// From here on the client reads another log, from this position.
    Enter(Reader, Position),
    /// Nothing follows.
    Close,
}

/// How the delivery to a client came to its end. The text is for the server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Everything owed was sent.
    #[error("got all it was owed")]
    Delivered,
    /// The connection broke.
    #[error("the connection broke with {owed} bytes owed")]
    Broken {
        /// What the client was still owed, in bytes.
        owed: u64,
    },
    /// The client took nothing for too long.
    #[error("closed, for it took nothing of the {owed} bytes owed")]
    Stalled {
        /// What the client was still owed, in bytes.
        owed: u64,
    },
    /// The server stopped, and the time for sending what is owed was over.
    #[error("closed with {owed} bytes owed, for the server stops")]
    Abandoned {
        /// What the client was still owed, in bytes.
        owed: u64,
    },
}

/// Why a session is to end, though its client did not ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dismissal {
    /// An operator wants so, and says why.
    Kicked(String),
    /// Its name or address is kept out, for so many minutes.
    Banned(u64),
}

impl Dismissal {
    /// What the client is told.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        match self {
            Self::Kicked(reason) => Reply::Kicked(reason),
            Self::Banned(minutes) => Reply::Banned(*minutes),
        }
    }
}

/// What a courier finds when it looks for mail.
#[derive(Debug)]
pub enum Next {
    /// No mail. The courier will be told when there is some.
    Nothing,
    /// Mail that belongs after lines which the client has not got yet.
    Later(Position),
    /// Replies that are due, together.
    Replies(Vec<u8>),
    /// A move that is due: to another log, or to the end with `Close`.
    Move(Mail),
}

/// See the module's page.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// Signalled when mail was taken that somebody waits for, and at the end.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mail: VecDeque<(Position, Mail)>,
    /// Bytes of all replies in `mail`.
    bytes: usize,
    /// Whether the courier was told of mail and has not found the box empty since.
    told: bool,
    /// Whether `Close` was posted: what comes after it is nothing.
    closing: bool,
    /// Set once the session is to end.
    dismissal: Option<Dismissal>,
    ended: Option<Ended>,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes > MAIL_BYTES || self.mail.len() > MAIL_PIECES
    }

    /// Whether the session has nothing to wait for.
    fn is_over(&self) -> bool {
        self.closing || self.dismissal.is_some() || self.ended.is_some()
    }
}

impl Outbox {
    /// Adds mail that belongs at `at`. `Ok(true)` when the courier has to be told.
    ///
    /// To be called while nothing can be appended to the client's log, so that the order of mail
    /// is the order of positions.
    ///
    /// # Errors
    ///
    /// Gives the mail back when nothing can follow any more.
    pub fn post(&self, at: Position, mail: Mail) -> Result<bool, Mail> {
        let mut state = self.state.lock();
        let is_over = state.closing || state.ended.is_some();
        if matches!(mail, Mail::Close) {
            state.closing = true;
            self.changed.notify_all();
        }
        if is_over {
            return Err(mail);
        }
        if let Mail::Reply { bytes, .. } = &mail {
            state.bytes += bytes.len();
        }
        state.mail.push_back((at, mail));
        Ok(!std::mem::replace(&mut state.told, true))
    }

    /// Whether so many replies wait that others shall not add to them.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state.lock().is_full()
    }

    /// Whether the client's next request may be answered at once: there is space, and the session
    /// is not to end.
    #[must_use]
    pub fn has_space(&self) -> bool {
        let state = self.state.lock();
        !state.is_full() && state.dismissal.is_none()
    }

    /// Waits until the client has taken enough of its replies to be given more.
    ///
    /// # Errors
    ///
    /// Says why the session is to end.
    pub fn wait_for_space(&self) -> Result<(), Dismissal> {
        let mut state = self.state.lock();
        while state.is_full() && !state.is_over() {
            self.changed.wait(&mut state);
        }
        state.dismissal.clone().map_or(Ok(()), Err)
    }

    /// Waits for `time`, but not once nothing can be posted any more.
    pub fn pause(&self, time: Duration) {
        self.wait_unless(time, State::is_over);
    }

    /// Waits for `time` even when the client has gone: by going it would spare itself the time,
    /// and come back under its name. Only the end of the server or a dismissal cuts it short.
    pub fn sit_out(&self, time: Duration) {
        self.wait_unless(time, |state| state.closing || state.dismissal.is_some());
    }

    fn wait_unless(&self, time: Duration, is_over: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while !is_over(&state) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Tells the session to end, unless it waits for its socket. The first reason counts.
    pub fn dismiss(&self, dismissal: Dismissal) {
        self.state.lock().dismissal.get_or_insert(dismissal);
        self.changed.notify_all();
    }

    /// Why the session is to end. `None` when it is not.
    #[must_use]
    pub fn dismissal(&self) -> Option<Dismissal> {
        self.state.lock().dismissal.clone()
    }

    /// Where the next mail belongs. [`Position::MAX`] when there is none.
    #[must_use]
    pub fn next_position(&self) -> Position {
        self.state.lock().mail.front().map_or(Position::MAX, |(at, _)| *at)
    }

    /// For the courier: what is next for a client that has got its log up to `position`.
    pub fn next(&self, position: Position) -> Next {
        let mut state = self.state.lock();
        let mut together = Vec::new();
        while let Some((at, mail)) = state.mail.front() {
            let fits = match mail {
                _ if *at > position => {
                    if together.is_empty() {
                        return Next::Later(*at);
                    }
                    false
                }
                Mail::Reply { alone: false, .. } => together.len() < MAIL_BYTES,
                _ => together.is_empty(),
            };
            if !fits {
                break;
            }
            match state.mail.pop_front() {
                Some((_, Mail::Reply { bytes, alone })) => {
                    state.bytes -= bytes.len();
                    if together.is_empty() {
                        together = bytes;
                    } else {
                        together.extend(bytes);
                    }
                    if alone {
                        break;
                    }
                }
                Some((_, other)) => return Next::Move(other),
                None => break,
            }
        }
        if together.is_empty() {
            state.told = false;
            state.mail.shrink_to(4);
            return Next::Nothing;
        }
        if !state.is_full() {
            self.changed.notify_all();
        }
        Next::Replies(together)
    }

    /// For the courier: nothing will be taken any more. `ended` is given the bytes of the replies
    /// that the client does not get. The mail is given back, to be dropped.
    pub fn end(&self, ended: impl FnOnce(u64) -> Ended) -> VecDeque<(Position, Mail)> {
        let mut state = self.state.lock();
        let owed = std::mem::take(&mut state.bytes) as u64;
        state.ended = Some(ended(owed));
        self.changed.notify_all();
        std::mem::take(&mut state.mail)
    }

    /// Waits until the courier is done with the client.
    pub fn wait_for_end(&self) -> Ended {
        let mut state = self.state.lock();
        loop {
            if let Some(ended) = state.ended {
                return ended;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Whether nothing can be posted any more.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state.lock().closing
    }

    /// Whether the courier is done with the client.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.lock().ended.is_some()
    }
}
