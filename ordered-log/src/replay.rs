//! The place in the log, the last sequence of each origin, and so what of an entry is new.
//!
//! All that is decided here depends on the entries alone, so that every follower decides the same. This
//! module knows no engine, thread or clock.

use std::time::{Duration, SystemTime};

use crate::apply::{Apply, Entry, Origin};
use crate::engine::Stored;
use crate::fault::Fault;
use crate::format::{Batch, Heard, Identity, State};
use crate::options::Interval;
use crate::standing::Known;

/// An origin that had none of so many entries, nor any for so many microseconds, is forgotten. Its further
/// records are dropped, so that none that is sent again very late is applied twice. Time alone would not
/// do, as the engine's clock may jump.
const FORGOTTEN: (u64, u64) = (1_000_000, 3600 * 1_000_000);

/// What a follower has seen since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries of the stream.
    pub entries: u64,
    /// Records that were applied.
    pub records: u64,
    /// Records that came again, and were dropped.
    pub again: u64,
    /// Records of origins that were forgotten or left some out; they were dropped.
    pub stray: u64,
    /// Entries that somebody else must have written, with nothing in them to apply.
    pub foreign: u64,
    /// How often this follower saved the state.
    pub saved: u64,
    /// How often this follower began from a saved state because it was too far behind.
    pub behind: u64,
}

/// What has become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is the next one, and is applied.
    Taken,
    /// The same, and now this follower has to save the state. Entries before `keep` can go then.
    Due { keep: u64 },
    /// It is not the next one: those in between were removed.
    Gap,
}

/// How far a follower is.
#[derive(Debug)]
pub struct Replay {
    own: u64,
    state: State,
    interval: Interval,
    /// What came after the last number at which a state was due.
    since: Interval,
    /// That number.
    due: u64,
    /// What it has applied and left out.
    pub counts: Counts,
}

impl Replay {
    /// Begins after a state. `own` is the origin of this program.
    pub fn new(state: State, own: Origin, interval: Interval) -> Self {
        let (due, since) = (state.place.number, Interval { entries: 0, bytes: 0 });
        Self { own: own.0, state, interval, since, due, counts: Counts::default() }
    }

    /// Goes on after a later state.
    pub fn skip_to(&mut self, state: State) {
        self.due = state.place.number;
        self.since = Interval { entries: 0, bytes: 0 };
        self.state = state;
        self.counts.behind += 1;
    }

    /// The state as it is now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The last entry.
    pub fn known(&self) -> Known {
        Known { place: self.state.place, identity: self.state.identity }
    }

    /// The last of this program's own records that was applied; 0 if none was.
    pub fn own_sequence(&self) -> u64 {
        self.state.origins.get(&self.own).map_or(0, |heard| heard.sequence)
    }

    /// Takes an entry that was read.
    ///
    /// # Errors
    ///
    /// When the log is another one, or cannot be followed by this program.
    pub fn take(&mut self, stored: &Stored, apply: &mut dyn Apply) -> Result<Step, Fault> {
        let place = stored.place;
        if place.epoch != self.state.place.epoch {
            return Err(Fault::Lost("somebody began the log anew".to_owned()));
        }
        if place.number != self.state.place.number + 1 {
            return Ok(Step::Gap);
        }
        let Some(bytes) = stored.batch.as_deref() else {
            let number = place.number;
            let why = format!("entry {number} is of a later version; update this program");
            return Err(Fault::Lost(why));
        };
        let batch = Batch::read(bytes);
        self.state.place = place;
        self.state.identity = Identity::of(Some(bytes));
        self.counts.entries += 1;
        let is_own = match &batch {
            Some(batch) => self.apply(batch, apply)?,
            None => {
                log::warn!("entry {place} of the log is not one of ours, and is left out");
                self.counts.foreign += 1;
                false
            }
        };
        Ok(self.after(bytes.len() as u64, is_own))
    }

    /// Applies what is new of a batch. Whether it is one of this program's.
    fn apply(&mut self, batch: &Batch<'_>, apply: &mut dyn Apply) -> Result<bool, Fault> {
        let Identity { origin, first, time } = batch.identity;
        let is_own = origin == self.own;
        let count = batch.records.len() as u64;
        self.state.time = self.state.time.max(time);
        let now = self.state.time;
        let known = self.state.origins.get(&origin).filter(|heard| !self.is_forgotten(heard));
        let expected = known.map_or(1, |heard| heard.sequence + 1);
        let Some(skipped) = expected.checked_sub(first).filter(|_| count > 0) else {
            self.counts.stray += count;
            // Only the first entry of a log has no records.
            return if is_own && count > 0 { Err(forgotten()) } else { Ok(is_own) };
        };
        let skipped = skipped.min(count);
        self.counts.again += skipped;
        self.counts.records += count - skipped;
        let sequence = expected.max(first.saturating_add(count)) - 1;
        let number = self.state.place.number;
        self.state.origins.insert(origin, Heard { sequence, number, time: now });
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(now);
        let records = batch.records.iter().zip(first..).skip(skipped as usize);
        for (record, sequence) in records {
            let origin = Origin(origin);
            apply.apply(&Entry { number, origin, sequence, time, record });
        }
        Ok(is_own)
    }

    fn is_forgotten(&self, heard: &Heard) -> bool {
        let (entries, time) = FORGOTTEN;
        self.state.place.number.saturating_sub(heard.number) > entries
            && self.state.time.saturating_sub(heard.time) > time
    }

    /// Counts an entry. It is who has appended the entry at which a state is due that saves it: of all
    /// programs that one is surely there.
    fn after(&mut self, bytes: u64, is_own: bool) -> Step {
        self.since.entries += 1;
        self.since.bytes += bytes;
        let is_due =
            self.since.entries >= self.interval.entries || self.since.bytes >= self.interval.bytes;
        if !is_due {
            return Step::Taken;
        }
        self.since = Interval { entries: 0, bytes: 0 };
        let mut origins = std::mem::take(&mut self.state.origins);
        origins.retain(|_, heard| !self.is_forgotten(heard));
        self.state.origins = origins;
        // Of the entries that are in the state the newer ones stay, for followers that are a little behind.
        let keep = std::mem::replace(&mut self.due, self.state.place.number) + 1;
        if is_own { Step::Due { keep } } else { Step::Taken }
    }
}

fn forgotten() -> Fault {
    Fault::Lost("this program appended nothing for so long that it was forgotten".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::apply::{Restored, Status};
    use crate::format::{BatchBuffer, Place};

    struct Nothing;

    impl Apply for Nothing {
        fn apply(&mut self, _: &Entry<'_>) {}
        fn snapshot(&mut self) -> Vec<u8> {
            Vec::new()
        }
        fn restore(&mut self, _: &Restored<'_>) -> Result<(), String> {
            Ok(())
        }
        fn status(&mut self, _: &Status) {}
    }

    /// What becomes of the second record of an origin after so much silence.
    fn after_silence(entries: u64, time: u64, own: u64) -> (Result<Step, Fault>, Counts) {
        let heard = Heard { sequence: 1, number: 5, time: 7 };
        let place = Place { epoch: 1, number: 4 + entries };
        let origins = BTreeMap::from([(1, heard)]);
        let state = State { place, identity: Identity::default(), time: 0, origins };
        let interval = Interval { entries: u64::MAX, bytes: u64::MAX };
        let mut replay = Replay::new(state, Origin(own), interval);
        let mut batch = BatchBuffer::new(2);
        batch.push(b"x");
        batch.seal(Origin(1), 7 + time);
        let place = Place { number: place.number + 1, ..place };
        let stored = Stored { place, batch: Some(batch.bytes().to_vec()) };
        (replay.take(&stored, &mut Nothing), replay.counts)
    }

    #[test]
    fn only_who_was_silent_for_long_by_clock_and_by_number_is_forgotten() {
        let (entries, time) = FORGOTTEN;
        for (entries, time, is_forgotten) in [
            (1, 1, false),
            (1, 100 * time, false),
            (100 * entries, 1, false),
            (entries, time + 1, false),
            (entries + 1, time, false),
            (entries + 1, time + 1, true),
        ] {
            let (step, counts) = after_silence(entries, time, 2);
            assert_eq!(step, Ok(Step::Taken));
            let expected = if is_forgotten { (0, 1) } else { (1, 0) };
            assert_eq!((counts.records, counts.stray), expected, "{entries} {time}");
        }
    }

    #[test]
    fn who_finds_itself_forgotten_is_lost() {
        let (entries, time) = FORGOTTEN;
        assert!(matches!(after_silence(entries + 1, time + 1, 1).0, Err(Fault::Lost(_))));
    }
}
