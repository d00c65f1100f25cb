//! What became of the lines that were said: the server echoes each, or refuses it, in their order.
//!
//! The thread that says lines and the one that hears the echoes meet in [`Echoes`]. So the lines
//! run ahead of their echoes, by a bounded number, and a million of them take seconds.

use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use protocol::{Event, Reply};

use super::lines::{ScriptLines, Woken};
use super::output::Output;
use super::said::Said;
use super::session::{is_refusal, liveness, silent};
use crate::exit::Failure;
use crate::model::fence;
use crate::model::liveness::Doubt;
use crate::net::Sender;
use crate::sys::stderr::warn;

/// How many lines may be said before the first of them is answered.
const WINDOW: u64 = 4096;

/// What is known of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that were sent.
    pub sent: u64,
    /// Bytes that they were read from.
    pub bytes: u64,
    /// Lines that were echoed or refused.
    pub answered: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// Lines of which it is not known whether they were refused. They count as answered.
    pub unknown: u64,
}

/// The counts that the two threads share, and the waits on them.
#[derive(Debug, Default)]
pub struct Echoes {
    state: Mutex<EchoState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct EchoState {
    counts: Counts,
    /// Whether nothing more will be said.
    is_finished: bool,
    /// Whether nothing more will be heard.
    has_ended: bool,
}

impl Echoes {
    /// What is known by now.
    pub fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    /// Waits until more lines may be sent, and counts these, and the bytes they were read from, as
    /// sent. False when no answer will come any more.
    pub fn reserve(&self, lines: u64, bytes: u64) -> bool {
        let mut state = self.state.lock();
        while !state.has_ended && state.counts.sent.saturating_sub(state.counts.answered) > WINDOW {
            self.changed.wait(&mut state);
        }
        state.counts.sent += lines;
        state.counts.bytes += bytes;
        !state.has_ended
    }

    /// Nothing more will be said.
    pub fn finish(&self) {
        self.state.lock().is_finished = true;
    }

    /// Waits until every line is answered, or no answer will come any more.
    pub fn settle(&self) {
        let mut state = self.state.lock();
        while !state.has_ended && state.counts.answered < state.counts.sent {
            self.changed.wait(&mut state);
        }
    }

    fn publish(&self, tally: &Tally) -> Counts {
        let mut state = self.state.lock();
        state.counts.answered = tally.answered;
        (state.counts.refused, state.counts.unknown) = (tally.refused, tally.unknown);
        self.changed.notify_all();
        state.counts
    }

    /// Whether the server may close.
    fn is_complete(&self) -> bool {
        let state = self.state.lock();
        state.is_finished && state.counts.answered >= state.counts.sent
    }

    fn end(&self) {
        self.state.lock().has_ended = true;
        self.changed.notify_all();
    }
}

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

/// The thread that hears the echoes.
#[derive(Debug)]
pub struct Listener {
    lines: ScriptLines,
    tally: Tally,
    /// When all must be done, if the user has said so.
    deadline: Option<Instant>,
    /// Where what was said is printed, if that is wanted.
    output: Option<Output>,
}

/// What the listener shares with the thread that sends. Dropped, at whatever end of its own thread, it
/// ends every wait of the other.
#[derive(Debug)]
pub struct Shared {
    /// Where it meets the thread that sends.
    pub echoes: Arc<Echoes>,
    /// To end the connection, and so a send that waits.
    pub sender: Sender,
    /// Dropped at the end, to end a wait for stdin.
    pub wake: UnixStream,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.echoes.end();
        self.sender.close();
    }
}

impl Listener {
    /// A listener to lines that come back like this. A talkative one reports each refusal at once.
    #[must_use]
    pub fn new(
        lines: ScriptLines,
        echo: Echo,
        is_talkative: bool,
        deadline: Option<Instant>,
    ) -> Self {
        Self { lines, tally: Tally::new(echo, is_talkative), deadline, output: None }
    }

    /// The same, which prints what was said as objects. Each line has the question behind it.
    #[must_use]
    pub fn printing(mut self, said: Said, output: Output) -> Self {
        (self.tally.said, self.output) = (Some(said), Some(output));
        self
    }

    fn print(&mut self) -> Result<(), Failure> {
        let (Some(said), Some(output)) = (&mut self.tally.said, &mut self.output) else {
            return Ok(());
        };
        said.take_objects().iter().for_each(|object| output.line(object));
        // Whether somebody reads it changes nothing of what is said.
        output.flush().map(drop)
    }

    /// Runs until the server has closed. Gives the reason of the last refusal.
    ///
    /// # Errors
    ///
    /// Says why the connection was lost, or that the time has run out.
    pub fn run(mut self, shared: &Shared, mut tick: impl FnMut(Counts)) -> Result<String, Failure> {
        let echoes = &shared.echoes;
        let mut liveness = liveness();
        loop {
            self.lines.each(|line| {
                self.tally.line(line);
                ControlFlow::<()>::Continue(())
            });
            let counts = echoes.publish(&self.tally);
            self.print()?;
            tick(counts);
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(Failure::out_of_time());
            }
            let deadline = self
                .deadline
                .map_or(liveness.deadline(), |deadline| deadline.min(liveness.deadline()));
            match self.lines.wait(Some(deadline), None)? {
                Woken::Ended if echoes.is_complete() => return Ok(self.tally.why),
                Woken::Ended => return Err(self.lines.ended()),
                Woken::TimedOut if deadline < liveness.deadline() => {}
                // Whoever says nothing has nothing to be answered.
                Woken::TimedOut if counts.answered >= echoes.counts().sent => {
                    liveness.heard(Instant::now());
                }
                Woken::TimedOut => match liveness.expired(Instant::now()) {
                    // It was asked already: by the lines, and by the fence behind them.
                    Doubt::Ask => {}
                    Doubt::Dead => return Err(silent()),
                },
                Woken::Received | Woken::OutputClosed => liveness.heard(Instant::now()),
            }
        }
    }
}

/// What the lines so far say about the own ones.
#[derive(Debug)]
struct Tally {
    echo: Echo,
    /// Whether each refusal is reported at once.
    is_talkative: bool,
    answered: u64,
    refused: u64,
    unknown: u64,
    /// How many lines of the room are missing. Own ones may be among them.
    gap: u64,
    /// What an operator has done to this user since the last fence, and how often it was told.
    muted: Option<String>,
    mutes: u64,
    /// The reason of the last refusal.
    why: String,
    /// What was said, where it is to be told.
    said: Option<Said>,
}

impl Tally {
    fn new(echo: Echo, is_talkative: bool) -> Self {
        let (muted, why) = (None, String::new());
        let (answered, refused, unknown, gap, mutes) = (0, 0, 0, 0, 0);
        let said = None;
        Self { echo, is_talkative, answered, refused, unknown, gap, muted, mutes, why, said }
    }

    fn line(&mut self, line: &str) {
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
