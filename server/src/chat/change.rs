//! Changes: what somebody does to the chat, as a value.
//!
//! A session *decides* a change, by what its server alone knows: whether its client may do this. The
//! [`World`](super::world::World) *applies* it, by what the changes before have made of the world: whether
//! a name is taken, or a user is there. A change knows no socket, no clock and no password.

use protocol::{RoomName, UserName};

use crate::delivery::inbox::ClientId;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;

/// One connection of one server, as all servers know it. No two are ever the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// The number of the run of the server that it is connected to.
    pub server: u64,
    /// Its number there.
    pub client: ClientId,
}

impl Member {
    /// A number of its own: two members hardly ever have the same.
    #[must_use]
    pub fn number(self) -> ClientId {
        // The number of a server alone is 0, and others are random.
        self.client ^ self.server as usize
    }
}

/// One change. In each, `who` is the connection that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// Comes in under a name.
    Enter { who: Member, name: UserName, claimant: Claimant },
    /// Leaves its room for good. The name stays taken.
    Leave { who: Member },
    /// Was sent everything: the name is free.
    Free { who: Member },
    /// Goes to another room.
    Move { who: Member, room: RoomName },
    /// Reads a room without a name.
    Watch { who: Member, room: RoomName },
    /// Reads no room any more.
    Unwatch { who: Member },
    /// Takes another name.
    Rename { who: Member, name: UserName, claimant: Claimant },
    /// Lets its room see these lines, each with its newline. Only where several servers are one chat: else
    /// a session appends its lines to the room's log itself.
    Say { who: Member, lines: &'a str },
    /// Sets the topic of its room.
    SetTopic { who: Member, text: &'a str },
    /// Lets everyone in every room see a text.
    Announce { text: &'a str },
    /// Sends a private message to the user of this name.
    Message { who: Member, to: &'a str, text: &'a str },
    /// Takes no private messages of this name, and of who has it now, or takes them again.
    Ignore { who: Member, name: UserName, is_ignored: bool },
    /// Lets a user say nothing for so many minutes.
    Mute { who: Member, name: &'a str, minutes: u32 },
    /// Keeps somebody out for so many minutes, which each server is told beforehand.
    Ban { who: Member, target: Target, minutes: u32 },
    /// Ends the connection of a user.
    Kick { who: Member, name: &'a str, reason: &'a str },
    /// Has an older connection of a name's owner leave its room, on a server alone.
    TakeBack { holder: Member },
    /// A message was not taken after all, as its receiver's server has found.
    Undelivered { sender: Member, to: &'a str },
    /// Nothing but that the server which says so is there, and what it was told. Only the one thread that
    /// does so by the clock makes these.
    Alive { settings: &'a str },
    /// That run of a server is not heard of any more, so all its clients are gone.
    Gone { server: u64 },
}

impl Change<'_> {
    /// The connection that acts. `None` where a server acts, or where it makes no difference.
    #[must_use]
    pub fn who(&self) -> Option<Member> {
        match self {
            Self::Enter { who, .. }
            | Self::Leave { who }
            | Self::Free { who }
            | Self::Move { who, .. }
            | Self::Watch { who, .. }
            | Self::Unwatch { who }
            | Self::Rename { who, .. }
            | Self::Say { who, .. }
            | Self::SetTopic { who, .. }
            | Self::Message { who, .. }
            | Self::Ignore { who, .. }
            | Self::Mute { who, .. }
            | Self::Ban { who, .. }
            | Self::Kick { who, .. } => Some(*who),
            Self::Announce { .. }
            | Self::TakeBack { .. }
            | Self::Undelivered { .. }
            | Self::Alive { .. }
            | Self::Gone { .. } => None,
        }
    }
}
