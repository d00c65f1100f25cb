//! What one client is owed beside the lines of its room: replies, and moves to other rooms.
//!
//! Each item has a position: its place in the log of the client's room. The client's courier sends the log
//! up to there, then the item, then the log from there on. So replies and lines keep their order, although
//! nobody has a lock while writing to a socket:
//!
//! ```text
//!                    100        106        112     al sends `say a`, `look`, `say b`
//! the room's log  ... | al: a\n  | al: b\n  |
//! al's outbox         (at 106, "Online Users:\nal\n")
//! al is sent          al: a\n  Online Users:\nal\n  al: b\n
//! ```
//!
//! An [`Item`] is a text, a history, the answer to an HTTP request, the switch to the log of another room,
//! or the end. A connection is in one phase: *open*; *removed*, when an operator wants its session to end,
//! which may still post the last words; *closing*, when nothing more can be posted; or *ended*, when
//! nothing more is sent.
//!
//! This module knows no socket and no thread.

mod control;
mod item_bytes;
mod phases;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use self::item_bytes::ItemBytes;
use crate::delivery::inbox::ClientId;
use crate::delivery::item::Item;
use crate::delivery::owed::Owed;
use crate::delivery::phase::{Phase, Removal};
use crate::log::position::Position;

/// How many bytes of replies may wait for one client, each with its overhead, see [`Item::cost`]. While
/// more wait, no request of the client is read; so one reply, such as a long list, may go beyond it. As
/// many bytes of private messages may wait beside them.
const TEXT_BYTES: usize = 64 * 1024;

/// What a session may do with the next line of its client.
#[derive(Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Do what it asks for.
    Ready,
    /// Call [`Outbox::wait_for_space`] first, which may end the session.
    Wait,
    /// Drop it: no reply can follow any more.
    Over,
}

/// What a courier finds when it looks for items.
#[derive(Debug)]
pub enum Next {
    /// There is no item. The courier will be notified when there is one.
    Nothing,
    /// The next item belongs at this position, and the client has not got its log up to there yet.
    Later(Position),
    /// The texts of the next items, to be sent now.
    Texts(Vec<u8>),
    /// The next item, to be taken now. It is no text.
    Item(Item),
    /// The answer to the last pings of a browser: whole frames, to be sent now.
    Pongs(Vec<u8>),
    /// TLS itself has something to say, which is sent even where no text is.
    Flush,
}

/// What one client alone is owed, in the order of positions.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// Signalled when there is space for more items, and when the phase changes.
    changed: Condvar,
    /// The bytes that all clients together are owed, this one's among them.
    pub owed: Arc<Owed>,
}

#[derive(Debug, Default)]
struct State {
    /// What is owed, each with its position, the next one first.
    items: VecDeque<(Position, Item)>,
    /// How many bytes the items take.
    bytes: ItemBytes,
    /// The answer to the last pings of a browser, which belongs at no position. A later answer replaces
    /// an earlier one (RFC 6455, 5.5.3): so it takes no more memory than one read.
    pongs: Option<Vec<u8>>,
    /// Whether TLS itself has something to say.
    has_records: bool,
    /// The code with which a WebSocket ends (RFC 6455, 7.4). `None` for a normal end.
    close_code: Option<u16>,
    /// Whether the courier was notified of items and has not found the outbox empty since.
    is_notified: bool,
    phase: Phase,
    /// Why the session has to end though its client did not ask for it. It stays known in later phases.
    removal: Option<Removal>,
}

impl State {
    /// Whether the client has to take some of its replies before its next request is read.
    fn is_held_up(&self, owed: &Owed) -> bool {
        let ItemBytes { own, taken, .. } = self.bytes;
        own > TEXT_BYTES || (owed.is_over() && own + taken > 0)
    }

    /// Whether the next item is due at `position`, and can be sent together with `texts` bytes of texts.
    fn fits(&self, position: Position, texts: usize) -> bool {
        match self.items.front() {
            Some((at, _)) if *at > position => false,
            Some((_, Item::Text { alone: false, .. })) => texts < TEXT_BYTES,
            Some(_) => texts == 0,
            None => false,
        }
    }
}

impl Outbox {
    /// An empty outbox. What it will hold counts among what all clients are `owed`.
    #[must_use]
    pub fn new(owed: Arc<Owed>) -> Self {
        Self { owed, ..Self::default() }
    }

    /// Adds an item that belongs at the position `at`. `Ok(true)` when the courier has to be notified.
    ///
    /// The caller has the client's log locked, and `at` is its end: so items are in the order of their
    /// positions.
    ///
    /// # Errors
    ///
    /// Gives the item back when the connection is closing.
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

    /// Whether a private message of this sender still has space here.
    #[must_use]
    pub fn takes_mail_of(&self, sender: ClientId) -> bool {
        self.state.lock().bytes.has_space_for(sender, TEXT_BYTES)
    }

    /// What the session may do with the client's next request.
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

    /// The position of the next item. [`Position::MAX`] when there is none.
    #[must_use]
    pub fn next_position(&self) -> Position {
        self.state.lock().items.front().map_or(Position::MAX, |(at, _)| *at)
    }

    /// For the courier: takes what is next for a client that was sent its log up to `position`.
    pub fn next(&self, position: Position) -> Next {
        let mut state = self.state.lock();
        // A courier that asks again has sent the texts that it took before.
        self.owed.remove(std::mem::take(&mut state.bytes.taken));
        if std::mem::take(&mut state.has_records) {
            return Next::Flush;
        }
        // Frames follow the HTTP answer that begins the WebSocket.
        if !matches!(state.items.front(), Some((_, Item::Http { .. })))
            && let Some(pongs) = state.pongs.take()
        {
            return Next::Pongs(pongs);
        }
        let mut texts = Vec::new();
        while state.fits(position, texts.len())
            && let Some((_, item)) = state.items.pop_front()
        {
            let cost = item.cost();
            state.bytes.remove(cost, item.sender());
            let Item::Text { bytes, alone, .. } = item else {
                self.owed.remove(cost);
                return Next::Item(item);
            };
            state.bytes.taken += cost;
            if texts.is_empty() {
                texts = bytes;
            } else {
                texts.extend(bytes);
            }
            if alone {
                break;
            }
        }
        if !state.is_held_up(&self.owed) {
            self.changed.notify_all();
        }
        if !texts.is_empty() {
            return Next::Texts(texts);
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
}

#[cfg(test)]
mod tests;
