//! What the lock of a log guards: its lines, and how far everybody has read them.
//!
//! This module knows no lock: [`crate::log::room_log`] has it.

use crate::log::position::Position;
use crate::log::ring::Ring;

/// What a reader gets that asks for the lines from its position on.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// There are none yet.
    Nothing,
    /// They were copied.
    Lines,
    /// The first of them are dropped already.
    Gone {
        /// Where the first line that is still there starts.
        start: Position,
        /// Where those that were asked for end.
        limit: Position,
    },
}

/// The lines of a log, and how far everybody has read them.
#[derive(Debug)]
pub struct State {
    /// The most recent lines.
    pub ring: Ring,
    /// `None` when nobody records this log.
    pub recording: Option<Recording>,
    /// By the couriers' numbers.
    pub couriers: Box<[CourierState]>,
    /// Whether somebody waits until couriers have moved on.
    pub has_waiting: bool,
    /// Who has spoken last, by a number that tells speakers apart.
    pub speaker: Option<usize>,
    /// Whether anybody waits for readers.
    pub has_patience: bool,
    /// Once set nothing is appended.
    pub is_closed: bool,
}

/// How far a log is recorded.
#[derive(Debug, Default)]
pub struct Recording {
    /// Up to here the lines are recorded, and couriers may read them.
    pub upto: Position,
    /// Whether the recorder was notified of lines after that.
    pub is_notified: bool,
}

/// How far the clients of one courier have read a log.
#[derive(Debug, Default, Clone)]
pub struct CourierState {
    /// How many of its clients read this log, or are about to.
    pub readers: usize,
    /// Up to here it has offered the lines to each of them.
    pub offered: Position,
    /// The least position of those clients that it still waits for.
    pub slowest: Position,
    /// Whether it was notified of lines after `offered` and has not looked yet.
    pub is_notified: bool,
}

impl State {
    /// No lines yet, of which up to `capacity` bytes are to be kept.
    #[must_use]
    pub fn new(capacity: usize, couriers: usize, is_recorded: bool) -> Self {
        Self {
            ring: Ring::new(capacity),
            recording: is_recorded.then(Recording::default),
            couriers: vec![CourierState::default(); couriers].into(),
            has_waiting: false,
            speaker: None,
            has_patience: true,
            is_closed: false,
        }
    }

    /// Up to where couriers may read.
    #[must_use]
    pub fn published(&self) -> Position {
        self.recording.as_ref().map_or(self.ring.end(), |recording| recording.upto)
    }

    /// Bytes that somebody who is waited for has not got yet: the recorder, a courier or a client.
    #[must_use]
    pub fn bytes_behind(&self) -> u64 {
        let couriers = self.couriers.iter().filter(|courier| courier.readers > 0);
        let last = couriers.map(|courier| courier.offered.min(courier.slowest));
        last.chain([self.published()]).min().map_or(0, |last| self.ring.end().byte - last.byte)
    }

    /// Whether `bytes` more may be appended without waiting: with them, no more than half the log waits
    /// for somebody. What is larger than that goes when nothing waits.
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        let behind = self.bytes_behind();
        let fits = behind == 0 || behind + bytes as u64 <= self.ring.capacity() as u64 / 2;
        fits || !self.has_patience
    }

    /// Whether those who wait may go on. Not as soon as one line fits: each waking costs a switch.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.bytes_behind() <= self.ring.capacity() as u64 / 4
    }

    /// Marks the couriers that have lines to read as notified, and gives a bit for each that has
    /// to be woken.
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

    /// Has the published lines from `from` on copied, but none after `limit`.
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
