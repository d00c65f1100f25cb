//! What the program is told, and what it tells.

use std::fmt;
use std::time::{Instant, SystemTime};

/// Whose records these are: a number that each start of a program makes anew by chance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub u64);

impl Origin {
    /// One that nobody else has, as far as chance goes; never 0.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Origin({self})")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A record at its place in the order. All of it is the same for whoever applies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The number of the log's entry that the record came with. Several records may have come with it.
    pub number: u64,
    /// Who has submitted it.
    pub origin: Origin,
    /// Which one of that origin's records this is, from 1, without gaps.
    pub sequence: u64,
    /// When its entry was appended, by the engine's clock. It never goes back.
    pub time: SystemTime,
    /// What was submitted.
    pub record: &'a [u8],
}

/// A state to begin from, instead of the records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored<'a> {
    /// What [`Apply::snapshot`] made, in this program or another one.
    pub state: &'a [u8],
    /// The number of the last entry that is in it.
    pub number: u64,
    /// The time of that entry's records, as [`Entry::time`].
    pub time: SystemTime,
    /// The last of this origin's own records that is in it; 0 if none is. Who waits for one up to that
    /// waits no longer: it was applied, but not here.
    pub own: u64,
}

/// Whether the log goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Records are appended, and those of others come.
    Connected,
    /// The engine does not answer, or refuses. What is submitted waits.
    Away {
        /// The beginning of the first attempt that failed.
        since: Instant,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The log is not the one that was followed, so what was applied here may be what nobody else has.
    /// Nothing follows, and [`OrderedLog::submit`](crate::OrderedLog::submit) refuses. The program
    /// forgets its state and starts an [`OrderedLog`](crate::OrderedLog) with another [`Origin`].
    Lost {
        /// What happened.
        why: String,
    },
}

/// The state that depends on the records. The follower calls it, in order, one call at a time.
///
/// Whatever it does in [`Apply::apply`] must depend on the entry and the state alone: not on a clock,
/// on chance, on the order of a hash table, or on what only this program knows. While it runs nothing
/// else is applied, so it waits for nobody.
pub trait Apply: Send {
    /// The next record.
    fn apply(&mut self, entry: &Entry<'_>);

    /// The state at this point, as bytes.
    fn snapshot(&mut self) -> Vec<u8>;

    /// Forgets the state and begins from this one: at the start, and whenever this follower fell so far
    /// behind that the entries in between were removed.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, for instance that a later version wrote them.
    fn restore(&mut self, restored: &Restored<'_>) -> Result<(), String>;

    /// The engine is away or there again, or the log is lost; also when it is away for another reason than
    /// before. It starts out connected. It is told within a second or so.
    fn status(&mut self, status: &Status);
}
