//! Places in a log.

use std::fmt;

/// The place of an entry: its ID in the stream, which is written `EPOCH-NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When the log was made, in milliseconds since 1970: the same for all of its entries.
    pub epoch: u64,
    /// From 1, without gaps.
    pub number: u64,
}

impl Place {
    /// Reads an ID.
    pub fn parse(id: &[u8]) -> Option<Self> {
        let (epoch, number) = str::from_utf8(id).ok()?.split_once('-')?;
        Some(Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.epoch, self.number)
    }
}
