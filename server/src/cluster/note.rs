//! What the follower leaves to the pulse, since it waits for nobody itself.

use std::time::Instant;

use ordered_log::Status;

use crate::chat::change::Member;

/// Something to be done.
#[derive(Debug)]
pub enum Note {
    /// The engine is away or back, or the log is lost.
    Status(Status),
    /// Nothing is heard of a server any more.
    Silent(u64),
    /// A sender has to be told that the receiver of this name does not take its message.
    Undelivered(Member, String),
    /// The server stops, at that time at the latest.
    Stop(Instant),
}
