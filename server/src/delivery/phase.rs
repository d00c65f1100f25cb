//! How far the life of one connection has come, and why it ended.

use protocol::Reply;

/// How far a connection has come. It only goes forward, from one to a later one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The session does what its client asks for.
    #[default]
    Open,
    /// Somebody wants the session to end. It may still post the last words.
    Removed(Removal),
    /// Nothing more can be posted. What is owed is being sent.
    Closing,
    /// Nothing more is sent.
    Ended(DeliveryEnd),
}

/// Why a session is to end, though its client did not ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// An operator wants so, and says why.
    Kicked(String),
    /// Its name or address is banned, for so many minutes.
    Banned(u64),
    /// The other servers took its server for dead, and its users for gone.
    CutOff,
    /// Its server stops, and others go on.
    Shutdown,
}

impl Removal {
    /// What the client is told.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        match self {
            Self::Kicked(reason) => Reply::Kicked(reason),
            Self::Banned(minutes) => Reply::Banned(*minutes),
            Self::CutOff => Reply::ServerCutOff,
            Self::Shutdown => Reply::ServerShutdown,
        }
    }
}

/// How the delivery to a client came to its end. The text is for the server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryEnd {
    /// Everything owed was sent.
    #[error("got all it was owed")]
    Delivered,
    /// Something stays owed.
    #[error("{cause}, with {owed} bytes owed")]
    Failed {
        /// Why it was not sent.
        cause: Failure,
        /// How much, in bytes.
        owed: u64,
    },
}

/// Why a client did not get all it was owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// The client took nothing for too long.
    #[error("closed, for it took nothing")]
    Stalled,
    /// The server stopped, and the time for sending what is owed was over.
    #[error("closed, for the server stops")]
    Abandoned,
}
