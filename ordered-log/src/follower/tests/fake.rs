//! An engine that is a vector, and connections to it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::{Dial, Engine, Stored};
use crate::fault::Fault;
use crate::format::{Place, State};

/// An engine. What it has can be kept and put back.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// All entries since the log was made, also those that were removed.
    pub history: Vec<Stored>,
    /// How many of them were removed.
    pub removed: usize,
    state: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
pub struct Machine {
    pub world: World,
    pub is_away: bool,
    /// Connections that are older are gone.
    pub generation: u64,
    /// What a clock shows that never shows the same twice.
    time: u64,
}

/// A connection, and what makes them.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    pub machine: Arc<Mutex<Machine>>,
    generation: u64,
}

impl Fake {
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> Result<T, Fault> {
        let mut machine = self.machine.lock();
        if machine.is_away || machine.generation != self.generation {
            return Err(Fault::Unreachable("away".to_owned()));
        }
        Ok(act(&mut machine.world))
    }

    pub fn append(&self, batch: &[u8]) {
        let world = &mut self.machine.lock().world;
        let Some(first) = world.history.first() else { return };
        let number = world.history.len() as u64 + 1;
        let place = Place { epoch: first.place.epoch, number };
        world.history.push(Stored { place, batch: Some(batch.to_vec()) });
    }

    pub fn tick(&self) -> u64 {
        let mut machine = self.machine.lock();
        machine.time += 1000;
        machine.time
    }
}

impl Dial for Fake {
    type Engine = Self;

    fn dial(&self) -> Result<Self, Fault> {
        let generation = self.machine.lock().generation;
        let fake = Self { generation, ..self.clone() };
        fake.with(|_| ())?;
        Ok(fake)
    }
}

impl Engine for Fake {
    fn confirm(&mut self) -> Result<(), Fault> {
        self.with(|_| ())
    }

    fn create(&mut self, epoch: u64, birth: &[u8], state: &[u8]) -> Result<(), Fault> {
        self.with(|world| {
            if world.state.is_none() {
                let place = Place { epoch, number: 1 };
                world.history = vec![Stored { place, batch: Some(birth.to_vec()) }];
                world.removed = 0;
                world.state = Some(state.to_vec());
            }
        })
    }

    fn time(&mut self) -> Result<u64, Fault> {
        self.with(|_| ())?;
        Ok(self.tick())
    }

    fn state(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        self.with(|world| world.state.clone())
    }

    fn save(&mut self, place: Place, keep: u64, state: &[u8]) -> Result<bool, Fault> {
        self.with(|world| {
            let there = world.state.as_deref().and_then(State::read).map(|(state, _)| state.place);
            match there {
                Some(there) if there.epoch != place.epoch => Err(Fault::Lost("another".into())),
                Some(there) if there.number < place.number => {
                    world.state = Some(state.to_vec());
                    world.removed = world.removed.max(keep as usize - 1);
                    Ok(true)
                }
                _ => Ok(false),
            }
        })?
    }

    fn append(&mut self, _: u64, _: &[u8]) -> Result<Option<u64>, Fault> {
        unreachable!("followers do not append")
    }

    fn read(&mut self, after: Place, _: Duration) -> Result<Vec<Stored>, Fault> {
        self.with(|world| {
            let rest = world.history.iter().skip(world.removed);
            rest.filter(|stored| stored.place > after).take(3).cloned().collect()
        })
    }

    fn entry(&mut self, place: Place) -> Result<Option<Stored>, Fault> {
        self.with(|world| {
            let rest = &world.history[world.removed..];
            rest.iter().find(|stored| stored.place == place).cloned()
        })
    }

    fn first(&mut self) -> Result<Option<Stored>, Fault> {
        self.with(|world| world.history.get(world.removed).cloned())
    }

    fn last(&mut self) -> Result<Option<Stored>, Fault> {
        self.with(|world| world.history.last().cloned())
    }
}
