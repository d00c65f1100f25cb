//! One thing that a client is owed beside the lines of its room.
//!
//! This module knows no queue, lock or thread.

use crate::delivery::inbox::ClientId;
use crate::log::position::Position;
use crate::log::room_log::Reader;

/// What an item takes beside its text: its place in the queue, of which a half may be free, and what
/// the allocator needs. Else a thousand tiny messages would be next to nothing.
pub const ITEM_BYTES: usize = 128;

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
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text { bytes, .. } => bytes.len(),
            Self::History { .. } | Self::Http { .. } | Self::Switch(..) | Self::Close => 0,
        }
    }

    /// The bytes that it takes while it waits.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.text_bytes() + ITEM_BYTES
    }

    /// Who sent it, where it is a private message.
    #[must_use]
    pub fn sender(&self) -> Option<ClientId> {
        match self {
            Self::Text { sender, .. } => *sender,
            Self::History { .. } | Self::Http { .. } | Self::Switch(..) | Self::Close => None,
        }
    }
}
