//! The thread that appends what is queued: all that has come is one entry, one entry at a time.
//!
//! An entry whose answer is lost is sent again with the same records, until there is an answer. Followers
//! apply them once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::apply::Origin;
use crate::backoff::Backoff;
use crate::engine::{Dial, Engine};
use crate::fault::Fault;
use crate::format::{BatchBuffer, Place};
use crate::health::Part;
use crate::shared::Shared;
use crate::standing::{self, Known, Standing};

/// An entry that was sent so long ago is not sent again to a log whose entries since then were removed, as
/// followers may have forgotten that they have applied it. They forget after twice that time.
const TOO_LATE: Duration = Duration::from_secs(30 * 60);

/// How often the engine is asked for its time.
const CLOCK: Duration = Duration::from_secs(60);

/// What the thread has.
pub struct Writer<D: Dial> {
    dial: D,
    connection: Option<(D::Engine, Clock)>,
    origin: Origin,
    /// The last entry that is surely in the log.
    last: Known,
    shared: Arc<Shared>,
}

/// The engine's clock.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Microseconds since 1970.
    time: u64,
    at: Instant,
}

impl Clock {
    fn of(engine: &mut impl Engine) -> Result<Self, Fault> {
        Ok(Self { time: engine.time()?, at: Instant::now() })
    }

    fn now(&self) -> u64 {
        self.time + u64::try_from(self.at.elapsed().as_micros()).unwrap_or(u64::MAX / 2)
    }
}

impl<D: Dial> Writer<D> {
    /// One that appends to the log that has the entry `last`.
    pub fn new(dial: D, origin: Origin, last: Known, shared: Arc<Shared>) -> Self {
        Self { dial, connection: None, origin, last, shared }
    }

    /// Appends until the queue ends.
    pub fn run(mut self) {
        while let Some(mut batch) = self.shared.queue.take() {
            match self.append(&mut batch) {
                Ok(()) => self.shared.queue.appended(&batch),
                Err(Fault::Lost(why)) => return self.shared.lose(why),
                Err(_) => return,
            }
        }
    }

    /// Appends a batch, however often it has to be tried.
    ///
    /// # Errors
    ///
    /// When the log is lost or stopped.
    fn append(&mut self, batch: &mut BatchBuffer) -> Result<(), Fault> {
        let mut backoff = Backoff::new();
        let mut sent = None;
        loop {
            let began = Instant::now();
            let fault = match self.attempt(batch, &mut sent) {
                Ok(()) => {
                    self.shared.health.well(Part::Writer);
                    return Ok(());
                }
                Err(fault) => fault,
            };
            self.connection = None;
            if self.shared.writer.is_over() || matches!(fault, Fault::Lost(_) | Fault::Stopped) {
                return Err(if matches!(fault, Fault::Lost(_)) { fault } else { Fault::Stopped });
            }
            self.shared.health.ill(Part::Writer, began, fault.to_string());
            self.shared.writer.sleep(backoff.wait(fastrand::f64()));
        }
    }

    fn attempt(
        &mut self,
        batch: &mut BatchBuffer,
        sent: &mut Option<Instant>,
    ) -> Result<(), Fault> {
        let (mut engine, mut clock) = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let mut engine = self.dial.dial()?;
                let standing = standing::check(&mut engine, &self.last)?;
                let is_late = sent.is_some_and(|at| at.elapsed() > TOO_LATE);
                if standing == Standing::Ahead && is_late {
                    return Err(Fault::Lost("this program was cut off for too long".to_owned()));
                }
                let clock = Clock::of(&mut engine)?;
                (engine, clock)
            }
        };
        if clock.at.elapsed() > CLOCK {
            clock = Clock::of(&mut engine)?;
        }
        // Each time with another time: in a log that was put back, what is sent again may get the number that
        // it had before, and who has seen it there shall not take this for the same log.
        let identity = batch.seal(self.origin, clock.now());
        sent.get_or_insert_with(Instant::now);
        let epoch = self.last.place.epoch;
        let number = engine.append(epoch, batch.bytes())?;
        let number = number.ok_or_else(|| Fault::Lost("the stream is gone".to_owned()))?;
        self.last = Known { place: Place { epoch, number }, identity };
        self.connection = Some((engine, clock));
        Ok(())
    }
}
