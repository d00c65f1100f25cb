//! Whether the log is still the one that is known.
//!
//! Who is ahead of a stream that was shortened would hear nothing any more, and never know. So the entry
//! at one's own last number is compared.

use crate::engine::Engine;
use crate::fault::Fault;
use crate::format::{Identity, Place};

/// An entry that was applied or appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Where it stands in the log.
    pub place: Place,
    /// What tells it from another one that stands there.
    pub identity: Identity,
}

/// How the log stands to what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has that entry.
    Same,
    /// It begins after that entry: older ones were removed.
    Ahead,
}

/// Looks for a known entry in the log.
///
/// # Errors
///
/// [`Fault::Lost`] when this is not the log that had it.
pub fn check(engine: &mut impl Engine, known: &Known) -> Result<Standing, Fault> {
    match look(engine, known) {
        Err(Fault::Lost(_)) => {
            engine.confirm()?;
            look(engine, known)
        }
        standing => standing,
    }
}

fn look(engine: &mut impl Engine, known: &Known) -> Result<Standing, Fault> {
    let Place { epoch, number } = known.place;
    let lost = |why: String| Err(Fault::Lost(why));
    if let Some(stored) = engine.entry(known.place)? {
        return if Identity::of(stored.batch.as_deref()) == known.identity {
            Ok(Standing::Same)
        } else {
            lost(format!("entry {number} is another one now: the stream was put back and went on"))
        };
    }
    match engine.first()?.map(|first| first.place) {
        None => {
            lost("the stream is gone: somebody removed it, or the engine did not keep it".into())
        }
        Some(first) if first.epoch != epoch => lost("somebody began the log anew".into()),
        Some(first) if first.number > number => Ok(Standing::Ahead),
        Some(_) => lost(format!("the stream ends before entry {number}: it was put back")),
    }
}
