//! The world as bytes, so that a server that comes later begins with it.
//!
//! The same world is the same bytes, whichever of its users are clients of the server that writes them.
//! Of what each room saw only the end is in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::delivery::inbox::ClientId;

/// The version of these bytes.
const VERSION: u32 = 1;

/// A world without what belongs to one server.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    pub(super) world: SavedWorld,
}

/// All of it, each list in order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedWorld {
    /// The number of the next room.
    pub rooms_made: u64,
    /// Servers of which something was heard.
    pub servers: BTreeSet<u64>,
    /// All rooms.
    pub rooms: Vec<SavedRoom>,
    /// All who have logged in, also those who have left and whose names are not free yet.
    pub users: Vec<SavedUser>,
    /// All who only watch.
    pub watchers: Vec<SavedWatcher>,
    /// Each name and until when. All times are microseconds since 1970.
    pub muted: Vec<(String, i64)>,
    /// Each name or address and until when.
    pub banned: Vec<(String, i64)>,
}

/// A room, and the end of what it saw.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedRoom {
    /// Which of all rooms it is: another one of this name has another number.
    pub number: u64,
    pub name: String,
    pub topic: String,
    /// The number of the next member.
    pub next_member: u64,
    /// Where the first of the lines starts.
    pub start: (u64, u64),
    /// Each with its time.
    pub lines: Vec<(i64, String)>,
}

/// A user.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedUser {
    pub who: (u64, ClientId),
    pub name: String,
    /// Whether nobody has taken the name back since the user left.
    pub has_name: bool,
    /// `None` for one who has left.
    pub place: Option<SavedPlace>,
    /// Whether an operator has removed it, so that nothing more is heard of it.
    pub is_removed: bool,
    /// Each name whose private messages it does not take, and who had that then.
    pub ignored: Vec<(String, Option<(u64, ClientId)>)>,
}

/// A user in a room.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedPlace {
    /// The room.
    pub seat: SavedSeat,
    /// Its number among the members of the room.
    pub number: u64,
}

/// A room as somebody came to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedSeat {
    pub room: String,
    /// Where its log ended then, in bytes and lines.
    pub entered: (u64, u64),
}

/// Somebody who only watches.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedWatcher {
    pub who: (u64, ClientId),
    pub seat: SavedSeat,
}

/// Why bytes are no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They do not have the form.
    #[error("the saved state cannot be read ({0}): run the same version everywhere")]
    Form(String),
    /// A name or a time in them is none.
    #[error(
        "the saved state has {0:?}, which this version does not know: run the same version everywhere"
    )]
    Value(String),
}

impl Saved {
    /// The same, as this version writes it.
    pub(super) fn of(world: SavedWorld) -> Self {
        Self { version: VERSION, world }
    }

    /// The bytes, which are JSON.
    ///
    /// # Panics
    ///
    /// Never: there are texts, numbers and lists in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and lists can be written")
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// When another version has written them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let saved: Self =
            serde_json::from_slice(bytes).map_err(|error| Unreadable::Form(error.to_string()))?;
        if saved.version == VERSION {
            Ok(saved)
        } else {
            Err(Unreadable::Form(format!("it is version {}", saved.version)))
        }
    }
}
