//! The state: what the program has made of the log, and the crate's own part of it.
//!
//! ```text
//! ordered-log 1 EPOCH NUMBER        a line of text, which the script that saves it reads
//! identity of the entry of that number, the time of the last record
//! how many origins, and for each: origin, last sequence, number and time of its last entry
//! the program's bytes
//! ```

use std::collections::BTreeMap;

use super::batch::Identity;
use super::numbers::take_number;
use super::place::Place;

const MAGIC: &str = "ordered-log 1 ";

/// The last that an origin had in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The sequence of its last record.
    pub sequence: u64,
    /// The number of its last entry.
    pub number: u64,
    /// The time of its last entry.
    pub time: u64,
}

/// The state after an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Of that entry.
    pub place: Place,
    /// Of that entry.
    pub identity: Identity,
    /// Of the last record, in microseconds since 1970.
    pub time: u64,
    /// By their numbers.
    pub origins: BTreeMap<u64, Heard>,
}

impl State {
    /// The bytes of all of it, with those of the program.
    pub fn bytes(&self, program: &[u8]) -> Vec<u8> {
        let Place { epoch, number } = self.place;
        let mut bytes = format!("{MAGIC}{epoch} {number}\n").into_bytes();
        bytes.extend(self.identity.bytes());
        let mut put = |number: u64| bytes.extend(number.to_le_bytes());
        put(self.time);
        put(self.origins.len() as u64);
        for (origin, heard) in &self.origins {
            [*origin, heard.sequence, heard.number, heard.time].into_iter().for_each(&mut put);
        }
        bytes.extend_from_slice(program);
        bytes
    }

    /// Reads a state, and gives the program's bytes back. `None` when this is none of this version.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let rest = bytes.strip_prefix(MAGIC.as_bytes())?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (epoch, number) = str::from_utf8(&rest[..end]).ok()?.split_once(' ')?;
        let place = Place { epoch: epoch.parse().ok()?, number: number.parse().ok()? };
        let mut rest = &rest[end + 1..];
        let identity = Identity::take(&mut rest)?;
        let time = take_number(&mut rest)?;
        let mut origins = BTreeMap::new();
        for _ in 0..take_number(&mut rest)? {
            let origin = take_number(&mut rest)?;
            let [sequence, number, time] =
                [take_number(&mut rest)?, take_number(&mut rest)?, take_number(&mut rest)?];
            origins.insert(origin, Heard { sequence, number, time });
        }
        Some((Self { place, identity, time, origins }, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            epoch: u64, number: u64, time: u64, origin: u64, first: u64, program: Vec<u8>,
            origins in prop::collection::btree_map(any::<u64>(), any::<(u64, u64, u64)>(), 0..5),
        ) {
            let origins = origins.into_iter();
            let origins = origins.map(|(origin, (sequence, number, time))| {
                (origin, Heard { sequence, number, time })
            });
            let identity = Identity { origin, first, time };
            let place = Place { epoch, number };
            let state = State { place, identity, time, origins: origins.collect() };
            let bytes = state.bytes(&program);
            prop_assert_eq!(State::read(&bytes), Some((state.clone(), program.as_slice())));
            let own = bytes.len() - program.len();
            prop_assert!((0..own).all(|cut| State::read(&bytes[..cut]).is_none()));
        }

        #[test]
        fn any_bytes_harm_nobody(bytes: Vec<u8>) {
            let _ = State::read(&[MAGIC.as_bytes(), b"1 2\n", &bytes].concat());
            let _ = State::read(&bytes);
        }
    }
}
