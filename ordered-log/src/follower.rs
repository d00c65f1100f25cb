//! The thread that reads the log and applies it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::apply::{Apply, Origin, Restored, Status};
use crate::backoff::Backoff;
use crate::engine::{Dial, Engine};
use crate::fault::Fault;
use crate::format::{BatchBuffer, Place, State};
use crate::health::Part;
use crate::options::Interval;
use crate::replay::{Replay, Step};
use crate::shared::Shared;
use crate::standing::{self, Known, Standing};

/// How long the engine holds a request when there is nothing new. After that the log is looked at, and the
/// program is told what has become of the engine.
const WAIT: Duration = Duration::from_millis(500);

/// What the thread has.
pub struct Follower<D: Dial> {
    dial: D,
    engine: Option<D::Engine>,
    replay: Replay,
    apply: Box<dyn Apply>,
    shared: Arc<Shared>,
}

/// Connects, and makes the log if there is none.
///
/// # Errors
///
/// When the engine cannot be reached or used.
pub fn connect<D: Dial>(dial: &D) -> Result<D::Engine, Fault> {
    let mut engine = dial.dial()?;
    let time = engine.time()?;
    let (epoch, mut birth) = (time / 1000, BatchBuffer::new(0));
    let identity = birth.seal(Origin(0), time);
    let place = Place { epoch, number: 1 };
    let state = State { place, identity, time, origins: Default::default() };
    engine.create(epoch, birth.bytes(), &state.bytes(&[]))?;
    Ok(engine)
}

impl<D: Dial> Follower<D> {
    /// Begins from the state, and applies all that the log has at this time.
    ///
    /// # Errors
    ///
    /// When the log is not whole, cannot be read, or the engine goes away.
    pub fn begin(
        dial: D,
        mut engine: D::Engine,
        own: Origin,
        interval: Interval,
        mut apply: Box<dyn Apply>,
        shared: Arc<Shared>,
    ) -> Result<Self, Fault> {
        let bytes = engine.state()?;
        let last = engine.last()?.map(|last| last.place);
        let (Some(bytes), Some(last)) = (bytes, last) else {
            return Err(broken("one of its two keys is missing"));
        };
        let (state, program) = read_state(&bytes).map_err(at_start)?;
        if last.epoch != state.place.epoch || last.number < state.place.number {
            return Err(broken("its two keys are of two logs"));
        }
        // A new log has no state of a program.
        if !program.is_empty() {
            let restored = restored(&state, program, 0);
            apply.restore(&restored).map_err(Fault::Unusable)?;
        }
        let replay = Replay::new(state, own, interval);
        let mut follower = Self { dial, engine: Some(engine), replay, apply, shared };
        while follower.replay.state().place < last {
            let before = follower.replay.state().place;
            follower.turn().map_err(at_start)?;
            if follower.replay.state().place == before {
                return Err(broken("entries are missing in its middle"));
            }
        }
        Ok(follower)
    }

    /// The last entry that was applied.
    pub fn known(&self) -> Known {
        self.replay.known()
    }

    /// Follows the log until it is stopped or lost.
    pub fn run(mut self) {
        let mut told = Status::Connected;
        let mut backoff = Backoff::new();
        loop {
            self.tell(&mut told);
            if self.shared.follower.is_over() {
                // It was told before, unless it was lost since.
                return self.tell(&mut told);
            }
            let began = Instant::now();
            match self.turn() {
                Ok(()) => {
                    backoff.reset();
                    self.shared.health.well(Part::Follower);
                    *self.shared.counts.lock() = self.replay.counts;
                }
                Err(Fault::Lost(why)) => self.shared.lose(why),
                Err(_) if self.shared.follower.is_over() => {}
                Err(fault) => {
                    self.engine = None;
                    self.shared.health.ill(Part::Follower, began, fault.to_string());
                    self.tell(&mut told);
                    self.shared.follower.sleep(backoff.wait(fastrand::f64()));
                }
            }
        }
    }

    /// Tells the program when the status is another one.
    fn tell(&mut self, told: &mut Status) {
        let status = self.shared.health.status();
        if status != *told {
            self.apply.status(&status);
            *told = status;
        }
    }

    /// Does the next thing: connects, or waits for entries and applies them.
    fn turn(&mut self) -> Result<(), Fault> {
        let Some(engine) = &mut self.engine else {
            self.engine = Some(self.dial.dial()?);
            return self.look();
        };
        let entries = engine.read(self.replay.state().place, WAIT)?;
        if entries.is_empty() {
            return self.look();
        }
        for stored in &entries {
            match self.replay.take(stored, self.apply.as_mut())? {
                Step::Taken => {}
                Step::Due { keep } => self.save(keep)?,
                Step::Gap => return self.catch_up(),
            }
        }
        Ok(())
    }

    /// Looks whether the log is still the one that was followed.
    fn look(&mut self) -> Result<(), Fault> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        match standing::check(engine, &self.replay.known())? {
            Standing::Same => Ok(()),
            Standing::Ahead => self.catch_up(),
        }
    }

    /// Begins from the state that somebody saved, since entries before it are gone.
    fn catch_up(&mut self) -> Result<(), Fault> {
        match (self.begin_from_state(), &mut self.engine) {
            (Err(Fault::Lost(_)), Some(engine)) => {
                engine.confirm()?;
                self.begin_from_state()
            }
            (outcome, _) => outcome,
        }
    }

    fn begin_from_state(&mut self) -> Result<(), Fault> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let bytes = engine.state()?.ok_or_else(|| Fault::Lost("the state is gone".to_owned()))?;
        let (state, program) = read_state(&bytes)?;
        let (here, there) = (self.replay.state().place, state.place);
        if there.epoch != here.epoch {
            return Err(Fault::Lost("somebody began the log anew".to_owned()));
        }
        if there.number <= here.number {
            let why = format!("entries after {} are missing", here.number);
            return Err(Fault::Lost(why));
        }
        self.replay.skip_to(state);
        let restored = restored(self.replay.state(), program, self.replay.own_sequence());
        log::warn!(
            "entries {} to {} were removed before they could be applied",
            here.number + 1,
            there.number
        );
        self.apply.restore(&restored).map_err(Fault::Lost)
    }

    /// Saves the state. Where the engine refuses that, whoever is next tries it.
    fn save(&mut self, keep: u64) -> Result<(), Fault> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let program = self.apply.snapshot();
        let state = self.replay.state();
        match engine.save(state.place, keep, &state.bytes(&program)) {
            Ok(is_saved) => self.replay.counts.saved += u64::from(is_saved),
            Err(fault @ Fault::Refused { .. }) => {
                log::warn!("the state is not saved, so no entries are removed: {fault}");
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }
}

/// What the program begins from.
fn restored<'a>(state: &State, program: &'a [u8], own: u64) -> Restored<'a> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(state.time);
    Restored { state: program, number: state.place.number, time, own }
}

fn read_state(bytes: &[u8]) -> Result<(State, &[u8]), Fault> {
    let later = "the state is of a later version, or of somebody else; update this program";
    State::read(bytes).ok_or_else(|| Fault::Lost(later.to_owned()))
}

fn broken(why: &str) -> Fault {
    Fault::Unusable(format!(
        "{why}; to begin anew remove both keys of the log, with all programs stopped"
    ))
}

/// At the start there is nothing to lose yet.
fn at_start(fault: Fault) -> Fault {
    match fault {
        Fault::Lost(why) => broken(&why),
        fault => fault,
    }
}

#[cfg(test)]
mod tests;
