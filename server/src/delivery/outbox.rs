//! What one client is owed beside the lines of its room: replies, and moves between rooms.
//!
//! Each item carries the position in the room's log that it belongs at. The client's courier sends
//! the log up to there, then the item, then the log from there on. So replies and lines keep their
//! order, although nobody ever holds a lock while writing to a socket:
//!
//! ```text
//!                    100        106        112     al sends `say a`, `look`, `say b`
//! the room's log  ... | al: a\n  | al: b\n  |
//! al's outbox         (at 106, "Online Users:\nal\n")
//! al is sent          al: a\n  Online Users:\nal\n  al: b\n
//! ```
//!
//! This module knows no socket and no thread.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::delivery::inbox::ClientId;
use crate::delivery::owed::Owed;
use crate::delivery::phase::{DeliveryEnd, Failure, Phase, Removal};
use crate::log::position::Position;
use crate::log::room_log::Reader;

/// Bytes of replies to its own requests that may wait for one client, with [`ITEM_BYTES`] for each.
/// With more than this waiting, its requests are not read on. One reply, such as a long list, may go
/// beyond it. As much again may wait of the private messages of others.
const TEXT_BYTES: usize = 64 * 1024;

/// What an item takes beside its text: its place in the queue, of which a half may be free, and what
/// the allocator needs. Else a thousand tiny messages would be next to nothing.
const ITEM_BYTES: usize = 128;

/// One thing that a client is owed.
#[derive(Debug)]
pub enum Item {
    /// Text to send.
    Text {
        /// The finished bytes.
        bytes: Vec<u8>,
        /// Whether nothing may be put in front of it or behind it in one send.
        alone: bool,
        /// Who sent it, where it is a private message. The client did not ask for it.
        sender: Option<ClientId>,
    },
    /// Earlier lines of the log that the client reads, with their times. They are read when they
    /// are sent, so however many they are, they take no memory here.
    History {
        /// Where the first one starts.
        from: Position,
        /// Where the last one ends.
        end: Position,
    },
    /// The answer to an HTTP request, before a browser's WebSocket begins.
    Http {
        /// The finished bytes.
        bytes: Vec<u8>,
        /// Whether the WebSocket begins behind it.
        is_upgrade: bool,
    },
    /// From here on the client reads another log, from this position.
    Switch(Reader, Position),
    /// Nothing follows.
    Close,
}

impl Item {
    /// The bytes of a text that the client is to get.
    fn text_bytes(&self) -> usize {
        match self {
            Self::Text { bytes, .. } => bytes.len(),
            Self::History { .. } | Self::Http { .. } | Self::Switch(..) | Self::Close => 0,
        }
    }

    /// The bytes that it takes while it waits.
    fn cost(&self) -> usize {
        self.text_bytes() + ITEM_BYTES
    }

    /// Who sent it, where it is a private message.
    fn sender(&self) -> Option<ClientId> {
        match self {
            Self::Text { sender, .. } => *sender,
            Self::History { .. } | Self::Http { .. } | Self::Switch(..) | Self::Close => None,
        }
    }
}

/// What a session may do with the next line of its client.
#[derive(Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Do what it asks for.
    Ready,
    /// Wait for [`Outbox::wait_for_space`], which says more.
    Wait,
    /// Nothing: no answer can follow any more.
    Over,
}

/// What a courier finds when it looks for items.
#[derive(Debug)]
pub enum Next {
    /// There is none. The courier will be notified when there is.
    Nothing,
    /// The next one belongs after lines which the client has not got yet.
    Later(Position),
    /// Texts that are due, together.
    Texts(Vec<u8>),
    /// An item that is due and no text.
    Item(Item),
    /// The answer to the last pings of a browser: whole frames.
    Pongs(Vec<u8>),
    /// TLS itself has something to say, which goes with the next piece or, as now, without one.
    Flush,
}

/// What one client is owed, in the order of positions.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// Signalled when items were taken that somebody waits for, and when the phase changes.
    changed: Condvar,
    /// What all clients are owed, this one among them.
    owed: Arc<Owed>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(Position, Item)>,
    /// What the items take that the client has asked for.
    own: usize,
    /// What the private messages in `items` take, all together and of each sender.
    mail: usize,
    senders: HashMap<ClientId, usize>,
    /// What the texts took that the courier has taken last, and may not have sent yet.
    taken: usize,
    /// The answer to the last pings of a browser, which waits for no place in any log. It takes the
    /// place of an earlier one (RFC 6455, 5.5.3), so it takes no more memory than one read.
    pongs: Option<Vec<u8>>,
    /// Whether TLS itself has something to say.
    has_records: bool,
    /// What a browser is told when its WebSocket ends. `None` where nobody is to blame.
    close_code: Option<u16>,
    /// Whether the courier was notified of items and has not found the box empty since.
    is_notified: bool,
    phase: Phase,
}

impl State {
    fn count(&mut self, item: &Item) {
        let Some(sender) = item.sender() else {
            self.own += item.cost();
            return;
        };
        self.mail += item.cost();
        *self.senders.entry(sender).or_default() += item.cost();
    }

    fn discount(&mut self, item: &Item) {
        let Some(sender) = item.sender() else {
            self.own -= item.cost();
            return;
        };
        self.mail -= item.cost();
        if let Entry::Occupied(mut of_sender) = self.senders.entry(sender) {
            *of_sender.get_mut() -= item.cost();
            if *of_sender.get() == 0 {
                of_sender.remove();
            }
        }
    }

    /// Whether the client has to take something before its next request is read.
    fn is_held_up(&self, owed: &Owed) -> bool {
        self.own > TEXT_BYTES || (owed.is_over() && self.own + self.taken > 0)
    }

    /// Whether the next item can be sent together with texts of this many bytes.
    fn fits(&self, position: Position, together: usize) -> bool {
        match self.items.front() {
            Some((at, _)) if *at > position => false,
            Some((_, Item::Text { alone: false, .. })) => together < TEXT_BYTES,
            Some(_) => together == 0,
            None => false,
        }
    }
}

impl Outbox {
    /// An empty outbox, whose bytes count among all that are `owed`.
    #[must_use]
    pub fn new(owed: Arc<Owed>) -> Self {
        Self { owed, ..Self::default() }
    }

    /// Adds an item that belongs at `at`. `Ok(true)` when the courier has to be notified.
    ///
    /// Must be called while nobody can append to the client's log, so that the order of items is
    /// the order of positions.
    ///
    /// # Errors
    ///
    /// Gives the item back when nothing can follow any more.
    pub fn post(&self, at: Position, item: Item) -> Result<bool, Item> {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Closing | Phase::Ended(_)) {
            return Err(item);
        }
        if let Item::Close = item {
            state.phase = Phase::Closing;
            self.changed.notify_all();
        }
        self.owed.add(item.cost());
        state.count(&item);
        state.items.push_back((at, item));
        Ok(!std::mem::replace(&mut state.is_notified, true))
    }

    /// Answers the last pings of a browser, even when it is behind. `true` when the courier has to be
    /// notified.
    pub fn post_pongs(&self, frames: Vec<u8>) -> bool {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Closing | Phase::Ended(_)) {
            return false;
        }
        state.pongs = Some(frames);
        !std::mem::replace(&mut state.is_notified, true)
    }

    /// Has the courier send what TLS itself has to say. `true` when the courier has to be notified.
    pub fn post_flush(&self) -> bool {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Ended(_)) {
            return false;
        }
        state.has_records = true;
        !std::mem::replace(&mut state.is_notified, true)
    }

    /// Has a browser told by this code why its WebSocket ends (RFC 6455, 7.4).
    pub fn set_close_code(&self, code: u16) {
        self.state.lock().close_code = Some(code);
    }

    /// That code.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.state.lock().close_code
    }

    /// Whether a private message of this sender can be taken. A sender may have as much waiting as
    /// all of them leave free: so however many there are, something is left for one more.
    #[must_use]
    pub fn takes_mail_of(&self, sender: ClientId) -> bool {
        let state = self.state.lock();
        let free = TEXT_BYTES.saturating_sub(state.mail);
        let waiting = state.senders.get(&sender).copied().unwrap_or(0);
        waiting < free
    }

    /// Whether the client's next request may be answered at once.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let state = self.state.lock();
        match state.phase {
            Phase::Closing | Phase::Ended(_) => Readiness::Over,
            Phase::Removed(_) => Readiness::Wait,
            Phase::Open if state.is_held_up(&self.owed) => Readiness::Wait,
            Phase::Open => Readiness::Ready,
        }
    }

    /// Waits until the client has taken enough of its replies to be given more, but not past `until`.
    ///
    /// # Errors
    ///
    /// Says why the session is to end.
    pub fn wait_for_space(&self, until: Option<Instant>) -> Result<(), Removal> {
        let mut state = self.state.lock();
        while state.is_held_up(&self.owed) && state.phase == Phase::Open {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) if self.changed.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
            }
        }
        match &state.phase {
            Phase::Removed(removal) => Err(removal.clone()),
            _ => Ok(()),
        }
    }

    /// What all clients are owed.
    #[must_use]
    pub fn owed(&self) -> &Owed {
        &self.owed
    }

    /// Waits for `time`, but not longer than the session goes on.
    pub fn delay(&self, time: Duration) {
        self.wait_while(time, |phase| *phase == Phase::Open);
    }

    /// Waits for `time` even when the client has gone: by going it would spare itself the time,
    /// and come back under its name. Only a removal or the end of the server cuts it short.
    pub fn penalty(&self, time: Duration) {
        self.wait_while(time, |phase| matches!(phase, Phase::Open | Phase::Ended(_)));
    }

    fn wait_while(&self, time: Duration, goes_on: impl Fn(&Phase) -> bool) {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while goes_on(&state.phase) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Tells the session to end, unless it waits for its socket. The first reason counts.
    pub fn remove(&self, removal: Removal) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Removed(removal);
            self.changed.notify_all();
        }
    }

    /// How far the connection has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.lock().phase.clone()
    }

    /// Whether somebody wants the session to end.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Removed(_))
    }

    /// Whether the courier is done with the client.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Ended(_))
    }

    /// Where the next item belongs. [`Position::MAX`] when there is none.
    #[must_use]
    pub fn next_position(&self) -> Position {
        self.state.lock().items.front().map_or(Position::MAX, |(at, _)| *at)
    }

    /// For the courier: what is next for a client that has got its log up to `position`.
    pub fn next(&self, position: Position) -> Next {
        let mut state = self.state.lock();
        // Who asks for more has sent what it got before.
        self.owed.remove(std::mem::take(&mut state.taken));
        if std::mem::take(&mut state.has_records) {
            return Next::Flush;
        }
        // No frame comes before the answer that its WebSocket begins with.
        if !matches!(state.items.front(), Some((_, Item::Http { .. })))
            && let Some(pongs) = state.pongs.take()
        {
            return Next::Pongs(pongs);
        }
        let mut together = Vec::new();
        while state.fits(position, together.len())
            && let Some((_, item)) = state.items.pop_front()
        {
            state.discount(&item);
            let cost = item.cost();
            let Item::Text { bytes, alone, .. } = item else {
                self.owed.remove(cost);
                return Next::Item(item);
            };
            state.taken += cost;
            if together.is_empty() {
                together = bytes;
            } else {
                together.extend(bytes);
            }
            if alone {
                break;
            }
        }
        if !state.is_held_up(&self.owed) {
            self.changed.notify_all();
        }
        if !together.is_empty() {
            return Next::Texts(together);
        }
        match state.items.front() {
            Some((at, _)) => Next::Later(*at),
            None => {
                state.is_notified = false;
                state.items.shrink_to(4);
                Next::Nothing
            }
        }
    }

    /// For the courier: nothing will be sent any more. Where that is a failure, the client does not
    /// get `unsent` bytes that were taken from its log or from here. Gives back the items it does
    /// not get either, to be dropped while nothing is locked.
    pub fn end(&self, failure: Option<Failure>, unsent: u64) -> VecDeque<(Position, Item)> {
        let mut state = self.state.lock();
        let waiting: usize = state.items.iter().map(|(_, item)| item.text_bytes()).sum();
        let owed = unsent + waiting as u64;
        self.owed.remove(state.own + state.mail + state.taken);
        (state.own, state.mail, state.taken) = (0, 0, 0);
        state.senders = HashMap::new();
        let end =
            failure.map_or(DeliveryEnd::Delivered, |cause| DeliveryEnd::Failed { cause, owed });
        state.phase = Phase::Ended(end);
        self.changed.notify_all();
        std::mem::take(&mut state.items)
    }

    /// Waits until the courier is done with the client.
    pub fn wait_for_end(&self) -> DeliveryEnd {
        let mut state = self.state.lock();
        loop {
            if let Phase::Ended(end) = state.phase {
                return end;
            }
            self.changed.wait(&mut state);
        }
    }

    /// The same, but not past `deadline`. Whether it is done.
    #[must_use]
    pub fn has_ended_until(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        while !matches!(state.phase, Phase::Ended(_)) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
