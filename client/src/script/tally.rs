//! What became of each line that was said, as the lines of the server tell.
//!
//! Lines come back in the order in which they were said. A refusal stands in the place of an echo, but for
//! that of a mute, which may be a warning too: then the fence behind the lines tells which had no echo.
//! No socket, no thread.

use jiff::Timestamp;
use protocol::{Event, Reply};

use super::said::Said;
use super::session::is_refusal;
use crate::model::fence;
use crate::sys::stderr::warn;

/// How an own line comes back.
#[derive(Debug)]
pub enum Echo {
    /// As a line of the room, which begins so.
    Room(String),
    /// As a private line to this user.
    Private,
}

impl Echo {
    fn is_in(&self, line: &str) -> bool {
        match self {
            Echo::Room(start) => line.starts_with(start),
            Echo::Private => matches!(Reply::parse(line), Some(Reply::MessageTo { .. })),
        }
    }
}

/// What the lines so far say about the own ones.
#[derive(Debug)]
pub(super) struct Tally {
    echo: Echo,
    /// Whether each refusal is reported at once.
    is_talkative: bool,
    /// Lines that were echoed or refused.
    pub(super) answered: u64,
    pub(super) refused: u64,
    /// Lines of which it is not known whether they were refused. They count as answered.
    pub(super) unknown: u64,
    /// How many lines of the room are missing. Own ones may be among them.
    gap: u64,
    /// What an operator has done to this user since the last fence, and how often it was told.
    muted: Option<String>,
    mutes: u64,
    /// The reason of the last refusal.
    pub(super) why: String,
    /// What was said, where it is to be told.
    pub(super) said: Option<Said>,
}

impl Tally {
    /// The tally of lines that come back like this.
    pub(super) fn new(echo: Echo, is_talkative: bool) -> Self {
        let (muted, why) = (None, String::new());
        let (answered, refused, unknown, gap, mutes) = (0, 0, 0, 0, 0);
        let said = None;
        Self { echo, is_talkative, answered, refused, unknown, gap, muted, mutes, why, said }
    }

    /// Learns from the next line of the server.
    pub(super) fn line(&mut self, line: &str) {
        let is_echo = self.echo.is_in(line);
        if let Some(said) = &mut self.said {
            if is_echo {
                said.echoed(line);
            } else if said.take(line, || format!("{:.3}", Timestamp::now())) {
                return;
            }
        }
        if is_echo {
            self.answered += 1;
        } else if let Some(mark) = fence::answered(line) {
            if let Ok(sent) = mark.parse() {
                self.fence(sent);
            }
        } else if let Some(Reply::Muted(_)) = Reply::parse(line) {
            // It may be a warning as well as an answer. The fence tells which lines had no echo, but
            // it may be long until there is one: the next line of a log, say.
            if self.is_talkative && self.muted.is_none() {
                warn(format_args!("{line}; what is said meanwhile is refused"));
            }
            self.muted = Some(line.to_owned());
            self.mutes += 1;
        } else if is_refusal(line) {
            self.refuse(line);
        } else if let Some(Reply::Missed(lines)) = Reply::parse(line) {
            // An answer to this user alone is never among them.
            if matches!(self.echo, Echo::Room(_)) {
                self.gap += lines;
            }
        }
    }

    /// So many lines had been sent when this fence was, so all of them are answered.
    fn fence(&mut self, sent: u64) {
        let unanswered = sent.saturating_sub(self.answered);
        let unseen = unanswered.min(self.gap);
        self.gap -= unseen;
        self.answered += unseen;
        // Each line that a mute refuses is told to this user, and so is the mute itself. So no more of
        // the unseen lines can have been refused than that was told; but which is which, nobody knows.
        let perhaps = self.mutes.saturating_sub(unanswered - unseen).min(unseen);
        if perhaps > 0 {
            self.unknown += perhaps;
            self.why = self.muted.clone().unwrap_or_default();
        }
        while self.answered < sent {
            let why = self.muted.clone();
            self.refuse(why.as_deref().unwrap_or("the server did not echo it"));
        }
        self.answered = sent;
        (self.muted, self.mutes) = (None, 0);
    }

    fn refuse(&mut self, why: &str) {
        self.answered += 1;
        self.refused += 1;
        if self.is_talkative {
            warn(format_args!("line {} refused: {why}", self.answered));
        }
        why.clone_into(&mut self.why);
    }
}

/// How the room shows what `name` says.
#[must_use]
pub fn said_by(name: &str) -> String {
    Event::Said { name, text: "" }.to_string()
}
