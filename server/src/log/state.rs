//! What the lock of a log guards: its lines, and up to where each subscriber has read them.
//!
//! This module knows no lock: [`crate::log::room_log`] has it.

use crate::log::position::Position;
use crate::log::ring::Ring;

/// What comes of reading the lines from a position on.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// There are no lines there yet.
    Nothing,
    /// Lines were copied.
    Lines,
    /// The ring has dropped the first of the lines, so none was copied.
    Gone {
        /// Where the first line that is still there starts.
        start: Position,
        /// Where the lines that were asked for end.
        limit: Position,
    },
}

/// The lines of a log, and up to where each subscriber has read them.
#[derive(Debug)]
pub struct State {
    /// The most recent lines.
    pub ring: Ring,
    /// `None` when nobody records this log.
    pub recording: Option<Recording>,
    /// The state of each courier, by its number.
    pub couriers: Box<[CourierState]>,
    /// Whether some thread waits to append, and was not woken since.
    pub has_waiting: bool,
    /// The number of the client that has spoken last.
    pub speaker: Option<usize>,
    /// Whether those who append wait for readers at all. Not while the server stops.
    pub waits_for_readers: bool,
    /// Once set nothing is appended, for the server stops.
    pub is_closed: bool,
}

/// How far a log is recorded.
#[derive(Debug, Default)]
pub struct Recording {
    /// Up to here the lines are on disk, so couriers may read them.
    pub upto: Position,
    /// Whether the recorder was notified of lines after that and has not looked since.
    pub is_notified: bool,
}

/// How far the clients of one courier have read a log.
#[derive(Debug, Default, Clone)]
pub struct CourierState {
    /// How many of its clients read this log, or will once they are sent a `Switch` to it.
    pub readers: usize,
    /// Up to here the courier has tried to send the lines to each of them.
    pub offered: Position,
    /// The least position of its clients that are behind and yet keep up. [`Position::MAX`] when there is
    /// none.
    pub slowest: Position,
    /// Whether the courier was notified of lines after `offered` and has not looked since.
    pub is_notified: bool,
}

impl State {
    /// The state of a log without lines, that will keep up to `capacity` bytes of them.
    #[must_use]
    pub fn new(capacity: usize, couriers: usize, is_recorded: bool) -> Self {
        Self {
            ring: Ring::new(capacity),
            recording: is_recorded.then(Recording::default),
            couriers: vec![CourierState::default(); couriers].into(),
            has_waiting: false,
            speaker: None,
            waits_for_readers: true,
            is_closed: false,
        }
    }

    /// Up to where couriers may read.
    #[must_use]
    pub fn published(&self) -> Position {
        self.recording.as_ref().map_or(self.ring.end(), |recording| recording.upto)
    }

    /// How many bytes the slowest of those has not read that are waited for: the recorder, the couriers,
    /// and the clients that keep up.
    #[must_use]
    pub fn bytes_behind(&self) -> u64 {
        let couriers = self.couriers.iter().filter(|courier| courier.readers > 0);
        let last = couriers.map(|courier| courier.offered.min(courier.slowest));
        last.chain([self.published()]).min().map_or(0, |last| self.ring.end().byte - last.byte)
    }

    /// Whether `bytes` more may be appended without waiting: at most half of the log would be unread then.
    /// Lines that are longer than that may be when nothing is unread.
    #[must_use]
    pub fn has_space_for(&self, bytes: usize) -> bool {
        let behind = self.bytes_behind();
        let fits = behind == 0 || behind + bytes as u64 <= self.ring.capacity() as u64 / 2;
        fits || !self.waits_for_readers
    }

    /// Whether those who wait to append are woken. Not as soon as one line fits, for each time costs a
    /// switch of threads.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.bytes_behind() <= self.ring.capacity() as u64 / 4
    }

    /// Marks the couriers that have lines to read as notified. Gives those that were not notified before,
    /// and so have to be woken: bit N stands for courier number N.
    pub fn notify_couriers(&mut self) -> u64 {
        let published = self.published();
        let mut bits = 0;
        for (number, courier) in self.couriers.iter_mut().enumerate() {
            if courier.readers > 0 && !courier.is_notified && courier.offered < published {
                courier.is_notified = true;
                bits |= 1 << number;
            }
        }
        bits
    }

    /// Calls `copy` to copy the published lines from `from` up to `limit`, where the ring has them.
    pub fn read(
        &self,
        from: Position,
        limit: Position,
        copy: impl FnOnce(&Ring, Position),
    ) -> Reading {
        let limit = limit.min(self.published());
        let start = self.ring.start();
        if from >= limit {
            Reading::Nothing
        } else if from < start {
            Reading::Gone { start: start.min(limit), limit }
        } else {
            copy(&self.ring, limit);
            Reading::Lines
        }
    }
}
