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
//! An item is a text, a history, the answer to an HTTP request, a switch to the log of another room, or
//! the close. How far the connection has come is its phase: *open*; *removed*, when somebody wants its
//! session to end, which may still post the last words; *closing*, when nothing more can be posted; and
//! *ended*, when nothing more is sent.
//!
//! This module knows no socket and no thread.

mod control;
mod item_bytes;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use self::item_bytes::ItemBytes;
use crate::delivery::inbox::ClientId;
use crate::delivery::item::Item;
use crate::delivery::owed::Owed;
use crate::delivery::phase::{DeliveryEnd, Failure, Phase, Removal};
use crate::log::position::Position;

/// Bytes of replies to its own requests that may wait for one client, with [`ITEM_BYTES`](crate::delivery::item::ITEM_BYTES) for each.
/// With more than this waiting, its requests are not read on. One reply, such as a long list, may go
/// beyond it. As much again may wait of the private messages of others.
const TEXT_BYTES: usize = 64 * 1024;

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
    /// What those take.
    bytes: ItemBytes,
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
    /// Why the session is to end, also when the last words were posted already.
    removal: Option<Removal>,
}

impl State {
    /// Whether the client has to take something before its next request is read.
    fn is_held_up(&self, owed: &Owed) -> bool {
        let ItemBytes { own, taken, .. } = self.bytes;
        own > TEXT_BYTES || (owed.is_over() && own + taken > 0)
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
        state.bytes.add(item.cost(), item.sender());
        state.items.push_back((at, item));
        Ok(!std::mem::replace(&mut state.is_notified, true))
    }

    /// Whether a private message of this sender can be taken.
    #[must_use]
    pub fn takes_mail_of(&self, sender: ClientId) -> bool {
        self.state.lock().bytes.has_room_for(sender, TEXT_BYTES)
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

    /// What all clients are owed.
    #[must_use]
    pub fn owed(&self) -> &Owed {
        &self.owed
    }

    /// Tells the session to end, unless it waits for its socket. The first reason counts.
    pub fn remove(&self, removal: Removal) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.removal = Some(removal.clone());
            state.phase = Phase::Removed(removal);
            self.changed.notify_all();
        }
    }

    /// How far the connection has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.lock().phase.clone()
    }

    /// Why somebody wants the session to end, whether it may still post the last words or they are there.
    #[must_use]
    pub fn removal(&self) -> Option<Removal> {
        self.state.lock().removal.clone()
    }

    /// Whether somebody wants that.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.state.lock().removal.is_some()
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
        self.owed.remove(std::mem::take(&mut state.bytes.taken));
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
            let cost = item.cost();
            state.bytes.remove(cost, item.sender());
            let Item::Text { bytes, alone, .. } = item else {
                self.owed.remove(cost);
                return Next::Item(item);
            };
            state.bytes.taken += cost;
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
        self.owed.remove(std::mem::take(&mut state.bytes).all());
        let end =
            failure.map_or(DeliveryEnd::Delivered, |cause| DeliveryEnd::Failed { cause, owed });
        state.phase = Phase::Ended(end);
        self.changed.notify_all();
        std::mem::take(&mut state.items)
    }
}

#[cfg(test)]
mod tests;
