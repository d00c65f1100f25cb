//! Records that wait for the writer, gathered into the batches that it will append.
//!
//! The number of bytes is bounded, those of the batch that is being appended included. Who submits more
//! waits. This module knows no engine.

use std::collections::VecDeque;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use thiserror::Error;

use crate::format::BatchBuffer;

/// A batch that has so many bytes takes no more records. Larger ones would make others wait for longer,
/// and gain nothing.
const BATCH: usize = 256 * 1024;

/// The longest record.
const LONGEST: usize = 16 << 20;

/// A record that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is longer than any may be.
    #[error("a record of {bytes} bytes is too long; {most} are allowed")]
    TooLong {
        /// What it has.
        bytes: usize,
        /// What it may have.
        most: usize,
    },
    /// The log is stopped or lost.
    #[error("the log has ended")]
    Ended,
}

/// The queue of one writer.
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// For who submits: there may be room, or the end.
    room: Condvar,
    /// For the writer: there is a batch, or the end.
    work: Condvar,
    /// For who stops: it is empty, or closed.
    empty: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct Inner {
    batches: VecDeque<BatchBuffer>,
    /// Of records that are not appended.
    bytes: usize,
    /// Records that are not appended.
    records: u64,
    /// The sequence of the next record.
    next: u64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is taken; what is here is appended.
    Draining,
    Closed,
}

impl Queue {
    /// An empty one, for so many bytes.
    pub fn new(limit: usize) -> Self {
        let inner =
            Inner { batches: VecDeque::new(), bytes: 0, records: 0, next: 1, phase: Phase::Open };
        let inner = Mutex::new(inner);
        Self { inner, room: Condvar::new(), work: Condvar::new(), empty: Condvar::new(), limit }
    }

    /// Puts a record at the end, and gives its sequence. Waits for room; alone, any record has room.
    ///
    /// # Errors
    ///
    /// When the record is too long, or the queue has ended or ends while this waits.
    pub fn submit(&self, record: &[u8]) -> Result<u64, Refused> {
        if record.len() > LONGEST {
            return Err(Refused::TooLong { bytes: record.len(), most: LONGEST });
        }
        let cost = BatchBuffer::cost(record.len());
        let mut inner = self.inner.lock();
        while inner.phase == Phase::Open && inner.bytes > 0 && inner.bytes + cost > self.limit {
            self.room.wait(&mut inner);
        }
        if inner.phase != Phase::Open {
            return Err(Refused::Ended);
        }
        let sequence = inner.next;
        inner.next += 1;
        inner.bytes += cost;
        inner.records += 1;
        match inner.batches.back_mut().filter(|batch| batch.len() < BATCH) {
            Some(batch) => batch.push(record),
            None => {
                let mut batch = BatchBuffer::new(sequence);
                batch.push(record);
                inner.batches.push_back(batch);
            }
        }
        drop(inner);
        self.work.notify_one();
        Ok(sequence)
    }

    /// For the writer: the next batch, once there is one. `None` at the end.
    pub fn take(&self) -> Option<BatchBuffer> {
        let mut inner = self.inner.lock();
        loop {
            if inner.phase == Phase::Closed {
                return None;
            }
            if let Some(batch) = inner.batches.pop_front() {
                return Some(batch);
            }
            if inner.phase == Phase::Draining {
                return None;
            }
            self.work.wait(&mut inner);
        }
    }

    /// For the writer: the batch that it took is appended.
    pub fn appended(&self, batch: &BatchBuffer) {
        let mut inner = self.inner.lock();
        inner.bytes -= batch.records_cost();
        inner.records -= batch.count();
        let is_empty = inner.records == 0;
        drop(inner);
        self.room.notify_all();
        if is_empty {
            self.empty.notify_all();
        }
    }

    /// Takes nothing more, and waits until all is appended, or the queue is closed, or `deadline`.
    pub fn drain(&self, deadline: Instant) {
        let mut inner = self.inner.lock();
        if inner.phase == Phase::Open {
            inner.phase = Phase::Draining;
        }
        self.room.notify_all();
        self.work.notify_all();
        while inner.records > 0
            && inner.phase == Phase::Draining
            && !self.empty.wait_until(&mut inner, deadline).timed_out()
        {}
    }

    /// Takes nothing more and gives nothing more. How many records are not appended, as far as is known.
    pub fn close(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Closed;
        self.room.notify_all();
        self.work.notify_all();
        self.empty.notify_all();
        inner.records
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn records_are_gathered_into_batches_in_their_order() {
        let queue = Queue::new(10 * BATCH);
        for sequence in 1..=5 {
            assert_eq!(queue.submit(&[0; BATCH / 2]), Ok(sequence));
        }
        let counts: Vec<_> = (0..3).map(|_| queue.take().unwrap().count()).collect();
        assert_eq!(counts, [2, 2, 1]);
    }

    #[test]
    fn whoever_submits_to_a_full_queue_waits_until_something_is_appended() {
        let queue = Queue::new(10);
        queue.submit(&[1; 7]).unwrap();
        let batch = queue.take().unwrap();
        let (told, tells) = channel();
        thread::scope(|scope| {
            scope.spawn(|| told.send(queue.submit(&[2; 7])).unwrap());
            // It is still full, for the first batch is not appended.
            assert!(tells.try_recv().is_err());
            queue.appended(&batch);
            assert_eq!(tells.recv().unwrap(), Ok(2));
        });
    }

    #[test]
    fn also_records_of_no_bytes_fill_the_queue() {
        let queue = Queue::new(10);
        assert_eq!([queue.submit(b""), queue.submit(b"")], [Ok(1), Ok(2)]);
        let batch = queue.take().unwrap();
        let (told, tells) = channel();
        thread::scope(|scope| {
            scope.spawn(|| told.send(queue.submit(b"")).unwrap());
            assert!(tells.try_recv().is_err());
            queue.appended(&batch);
            assert_eq!(tells.recv().unwrap(), Ok(3));
        });
    }

    #[test]
    fn a_record_that_is_larger_than_the_queue_goes_through_alone() {
        let queue = Queue::new(10);
        assert_eq!(queue.submit(&[1; 100]), Ok(1));
        assert!(matches!(queue.submit(&vec![0; LONGEST + 1]), Err(Refused::TooLong { .. })));
    }

    #[test]
    fn the_end_wakes_everybody() {
        let queue = Queue::new(10);
        queue.submit(&[1; 10]).unwrap();
        thread::scope(|scope| {
            let submitter = scope.spawn(|| queue.submit(&[2; 10]));
            let drainer = scope.spawn(|| queue.drain(Instant::now() + Duration::from_secs(60)));
            assert_eq!(submitter.join().unwrap(), Err(Refused::Ended));
            let batch = queue.take().unwrap();
            queue.appended(&batch);
            drainer.join().unwrap();
        });
        assert!(queue.take().is_none());
        assert_eq!(queue.close(), 0);
    }

    #[test]
    fn what_was_not_appended_is_counted() {
        let queue = Queue::new(100);
        for sequence in 1..=3 {
            assert_eq!(queue.submit(b"x"), Ok(sequence));
        }
        let _in_flight = queue.take().unwrap();
        queue.drain(Instant::now());
        assert_eq!(queue.close(), 3);
        assert_eq!(queue.submit(b"x"), Err(Refused::Ended));
        assert!(queue.take().is_none());
    }
}
