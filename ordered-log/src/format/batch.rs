//! A batch: the records of one entry.
//!
//! ```text
//! origin, sequence of the first record, time in microseconds since 1970
//! for each record: its length in 32 bits, its bytes
//! ```

use crate::apply::Origin;

use super::numbers::take_number;

/// Bytes before the records.
const HEAD: usize = 24;
/// Bytes of the length of a record.
const LENGTH: usize = 4;

/// What tells an entry from all others. One that is sent again has another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Whose records these are, by the number.
    pub origin: u64,
    /// The sequence of the first record.
    pub first: u64,
    /// When it was appended, in microseconds since 1970.
    pub time: u64,
}

impl Identity {
    /// Takes one off the front of bytes.
    pub fn take(bytes: &mut &[u8]) -> Option<Self> {
        let [origin, first, time] = [take_number(bytes)?, take_number(bytes)?, take_number(bytes)?];
        Some(Self { origin, first, time })
    }

    /// The opposite.
    pub fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        for (number, into) in [self.origin, self.first, self.time].iter().zip(bytes.chunks_mut(8)) {
            into.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// That of an entry. What is no batch has one as well, by its first bytes.
    pub fn of(batch: Option<&[u8]>) -> Self {
        let mut head = [0; HEAD];
        for (byte, into) in batch.unwrap_or_default().iter().zip(&mut head) {
            *into = *byte;
        }
        Self::take(&mut &head[..]).unwrap_or_default()
    }
}

/// The records of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// What tells it from all others.
    pub identity: Identity,
    /// The records, in the order of their sequences.
    pub records: Vec<&'a [u8]>,
}

impl<'a> Batch<'a> {
    /// Reads a batch. `None` when these bytes are none.
    pub fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let identity = Identity::take(&mut bytes)?;
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_first_chunk()?;
            let length = u32::from_le_bytes(*length).try_into().ok()?;
            let (record, rest) = rest.split_at_checked(length)?;
            records.push(record);
            bytes = rest;
        }
        Some(Self { identity, records })
    }
}

/// A batch that is being filled.
#[derive(Debug)]
pub struct BatchBuffer {
    bytes: Vec<u8>,
    first: u64,
    count: usize,
}

impl BatchBuffer {
    /// An empty one, whose first record will have this sequence.
    pub fn new(first: u64) -> Self {
        Self { bytes: vec![0; HEAD], first, count: 0 }
    }

    /// Adds a record.
    ///
    /// # Panics
    ///
    /// When it has 4 GiB or more.
    pub fn push(&mut self, record: &[u8]) {
        let length = u32::try_from(record.len()).expect("the queue takes no such record");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.count += 1;
    }

    /// Its size.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What a record of so many bytes takes in a batch.
    pub fn cost(record: usize) -> usize {
        LENGTH + record
    }

    /// What all its records take.
    pub fn records_cost(&self) -> usize {
        self.bytes.len() - HEAD
    }

    /// How many records it has.
    pub fn count(&self) -> u64 {
        self.count as u64
    }

    /// Who appends it, and when.
    pub fn seal(&mut self, origin: Origin, time: u64) -> Identity {
        let identity = Identity { origin: origin.0, first: self.first, time };
        self.bytes[..HEAD].copy_from_slice(&identity.bytes());
        identity
    }

    /// The entry.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(records: Vec<Vec<u8>>, first: u64, origin: u64, time: u64) {
            let mut buffer = BatchBuffer::new(first);
            for record in &records {
                buffer.push(record);
            }
            let identity = buffer.seal(Origin(origin), time);
            let batch = Batch::read(buffer.bytes()).unwrap();
            prop_assert_eq!(&batch.records, &records);
            prop_assert_eq!(batch.identity, identity);
            prop_assert_eq!(identity, Identity { origin, first, time });
            prop_assert_eq!(buffer.count(), records.len() as u64);
            prop_assert_eq!(Identity::of(Some(buffer.bytes())), identity);
        }

        #[test]
        fn a_batch_that_is_cut_off_is_another_one_or_none(cut in 0usize..60) {
            let mut buffer = BatchBuffer::new(1);
            buffer.push(&[1; 10]);
            buffer.push(&[2; 18]);
            let whole = Batch::read(buffer.bytes()).unwrap();
            let read = Batch::read(&buffer.bytes()[..cut]);
            let is_border = cut == HEAD || cut == HEAD + 14;
            prop_assert_eq!(read.is_some(), is_border);
            prop_assert_ne!(read, Some(whole));
        }

        #[test]
        fn any_bytes_harm_nobody(bytes: Vec<u8>) {
            let _ = Batch::read(&bytes);
        }
    }
}
