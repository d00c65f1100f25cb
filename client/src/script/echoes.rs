//! What became of the lines that were said: the server echoes each, or refuses it, in their order.
//!
//! The thread that says lines and the one that hears the echoes meet in [`Echoes`]. So the lines
//! run ahead of their echoes, by a bounded number, and a million of them take seconds.

use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::lines::{ScriptLines, Woken};
use super::output::Output;
use super::said::Said;
use super::session::{liveness, silent};
use super::tally::{Echo, Tally};
use crate::exit::Failure;
use crate::model::liveness::Doubt;
use crate::net::Sender;

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
                // Nothing was sent that has no answer yet.
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
