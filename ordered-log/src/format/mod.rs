//! Entries and the state as bytes, and back. Numbers are little-endian, of 64 bits where nothing else is
//! said.

mod batch;
mod state;

use std::fmt;

pub use batch::{Batch, BatchBuffer, Identity};
pub use state::{Heard, State};

/// The name of the field of each entry, which is the version of its bytes.
pub const FIELD: &str = "v1";

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

/// Takes a number off the front of bytes.
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
