//! What a client's next step waits for, and whether the client keeps up.
//!
//! This module knows no clock: its caller says what time it is.

use std::time::{Duration, Instant};

/// A client that takes [`LIVE_BYTES`] within this time is live: it keeps up. Those who append to a room
/// wait for its live clients, so that a moment without the processor costs nobody a line. So a client that
/// only pretends to read can slow a flood down to this rate, and no further.
pub const LIVE_TIME: Duration = Duration::from_millis(500);
/// Bytes that a live client takes within [`LIVE_TIME`].
pub const LIVE_BYTES: u64 = 128 * 1024;

/// What the next step of a client waits for.
#[derive(Debug)]
pub enum Pace {
    /// New lines or items.
    Current,
    /// Its turn among others who have much to get.
    Queued,
    /// Space in its socket.
    Blocked(Blocked),
}

/// What is known of a client whose socket took no more. Counts are bytes taken so far.
#[derive(Debug)]
pub struct Blocked {
    /// When it last took anything, and the count then.
    progress: (Instant, u64),
    /// When it last was live, and the count then.
    live: (Instant, u64),
}

impl Pace {
    /// Whether the next step waits for new lines or items only.
    #[must_use]
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Current)
    }

    /// Notes that the socket, which has taken so many bytes in all, took no more at `now`, for the
    /// first time in a row or again.
    pub fn note_blocked(&mut self, taken: u64, now: Instant) {
        match self {
            Self::Blocked(Blocked { progress, live }) => {
                if taken > progress.1 {
                    *progress = (now, taken);
                }
                if taken >= live.1 + LIVE_BYTES {
                    *live = (now, taken);
                }
            }
            Self::Current | Self::Queued => {
                *self = Self::Blocked(Blocked { progress: (now, taken), live: (now, taken) });
            }
        }
    }

    /// For how long the socket has taken nothing, though something waits for it.
    #[must_use]
    pub fn stalled_for(&self, now: Instant) -> Duration {
        match self {
            Self::Blocked(blocked) => now.saturating_duration_since(blocked.progress.0),
            Self::Current | Self::Queued => Duration::ZERO,
        }
    }

    /// Whether those who append wait for the client.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        match self {
            Self::Blocked(blocked) => now.saturating_duration_since(blocked.live.0) < LIVE_TIME,
            Self::Current | Self::Queued => true,
        }
    }
}
