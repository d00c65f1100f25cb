//! What the program can say about its log.

use std::time::Duration;

use crate::address::Address;
use crate::apply::Origin;

/// A number of entries and of bytes, whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Entries of the stream.
    pub entries: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the engine is.
    pub address: Address,
    /// Certificates in PEM of the authorities that may vouch for the engine, where it has TLS. Without
    /// them those of the system may.
    pub authorities: Option<Vec<u8>>,
    /// The stream is `NAME:log`, the state `NAME:state`.
    pub name: String,
    /// Who this is.
    pub origin: Origin,
    /// Bytes of records that may wait to be appended. Who submits more waits.
    pub queue_bytes: usize,
    /// After so much the state is saved, and what is older than the state before is removed. So the
    /// stream has one to two of these. It must be the same in all programs.
    pub interval: Interval,
    /// How long the engine may take to answer.
    pub patience: Duration,
}

impl Options {
    /// The usual ones: a log of the name `chat`.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            authorities: None,
            name: "chat".to_owned(),
            origin: Origin::random(),
            queue_bytes: 4 << 20,
            interval: Interval { entries: 50_000, bytes: 32 << 20 },
            patience: Duration::from_secs(3),
        }
    }
}
