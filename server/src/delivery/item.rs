//! One thing that a client is owed beside the lines of its room.
//!
//! This module knows no queue, lock or thread.

use crate::delivery::inbox::ClientId;
use crate::log::position::Position;
use crate::log::room_log::Reader;

/// How many bytes an item takes beside its text: its place in the queue, of which a half may be free, and
/// what the allocator needs. Without them a thousand tiny messages would count for nearly nothing.
pub const ITEM_BYTES: usize = 128;

/// One thing that a client is owed.
#[derive(Debug)]
pub enum Item {
    /// Text to send.
    Text {
        /// The finished bytes.
        bytes: Vec<u8>,
        /// Whether it has to be sent by a send of its own.
        alone: bool,
        /// The sender of a private message. `None` for a reply, which the client has asked for.
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
    /// From here on the client reads another log, beginning at this position.
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

    /// The sender of a private message. `None` of anything else.
    #[must_use]
    pub fn sender(&self) -> Option<ClientId> {
        match self {
            Self::Text { sender, .. } => *sender,
            Self::History { .. } | Self::Http { .. } | Self::Switch(..) | Self::Close => None,
        }
    }
}
