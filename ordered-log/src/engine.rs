//! What a log needs of an engine, as traits, so that the rest can be tried without one.

use std::time::Duration;

use crate::fault::Fault;
use crate::format::Place;

/// An entry as the engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it stands in the log.
    pub place: Place,
    /// The batch of records; `None` where the entry has another form than this version writes.
    pub batch: Option<Vec<u8>>,
}

/// Makes connections.
pub trait Dial {
    /// What is made.
    type Engine: Engine;

    /// Connects, and sees that the engine is one that can be used.
    ///
    /// # Errors
    ///
    /// When it cannot be reached or used.
    fn dial(&self) -> Result<Self::Engine, Fault>;
}

/// One connection. After any error it is not used again, as an answer may still come.
pub trait Engine {
    /// Sees that this is still an engine that can be used. One that becomes a replica may have nothing for a
    /// while, and goes on to answer.
    fn confirm(&mut self) -> Result<(), Fault>;

    /// Makes the log in one step, with its first entry, at `epoch` and number 1, and its first state.
    /// Does nothing where there is a log or a state.
    fn create(&mut self, epoch: u64, birth: &[u8], state: &[u8]) -> Result<(), Fault>;

    /// Microseconds since 1970, by the engine's clock.
    fn time(&mut self) -> Result<u64, Fault>;

    /// The state, if there is one.
    fn state(&mut self) -> Result<Option<Vec<u8>>, Fault>;

    /// In one step: replaces a state that is of an earlier place of the same log, and then removes all
    /// entries before number `keep`. `false` if the state there is of that place or a later one.
    ///
    /// # Errors
    ///
    /// Among others, when the state there is of another log.
    fn save(&mut self, place: Place, keep: u64, state: &[u8]) -> Result<bool, Fault>;

    /// Appends an entry. Its number, or `None` when there is no stream.
    fn append(&mut self, epoch: u64, batch: &[u8]) -> Result<Option<u64>, Fault>;

    /// Some of the entries after a place. Where there are none it waits so long for the next one.
    fn read(&mut self, after: Place, wait: Duration) -> Result<Vec<Stored>, Fault>;

    /// The entry at a place.
    fn entry(&mut self, place: Place) -> Result<Option<Stored>, Fault>;

    /// The first entry that the stream still has.
    fn first(&mut self) -> Result<Option<Stored>, Fault>;

    /// The last entry.
    fn last(&mut self) -> Result<Option<Stored>, Fault>;
}
