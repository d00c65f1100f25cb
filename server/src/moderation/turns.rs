//! The turns in which passwords are checked: one at a time, and the addresses take turns. So a client that
//! guesses from one address, on however many connections, delays nobody at another.
//!
//! A bounded number of checks may wait for each address, and in all. One too many is refused at once: so
//! nobody waits for long, since a check takes about 20 ms.

use std::collections::{HashMap, VecDeque};

use parking_lot::{Condvar, Mutex};

use crate::network::Network;

/// Checks of one address that may wait or be under way: more than a lab behind one address has people
/// who log in in the same second.
const PER_ADDRESS: usize = 32;

/// The same of all addresses together.
const ALL: usize = 256;

/// The turns of all addresses.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The addresses in the order of their turns, each of them once. The first one has its turn now.
    line: VecDeque<Network>,
    /// How many of each address wait or are being checked, and how many in all.
    counts: HashMap<Network, usize>,
    all: usize,
    is_over: bool,
}

/// The turn of one check. It ends when this is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    address: Network,
}

impl Turns {
    /// Waits for a turn. `None` when too many wait, or there is none any more.
    pub fn take(&self, address: Network) -> Option<Turn<'_>> {
        let mut state = self.state.lock();
        if state.is_over || state.all >= ALL {
            return None;
        }
        let count = state.counts.entry(address).or_default();
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        state.all += 1;
        while state.line.contains(&address) && !state.is_over {
            self.changed.wait(&mut state);
        }
        // Behind all other addresses: one with many waiters is no sooner in turn again than they are.
        state.line.push_back(address);
        while state.line.front() != Some(&address) && !state.is_over {
            self.changed.wait(&mut state);
        }
        if state.is_over {
            return None;
        }
        drop(state);
        Some(Turn { turns: self, address })
    }

    /// From now on nobody gets a turn.
    pub fn stop(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state.lock();
        state.line.pop_front();
        state.all -= 1;
        if let Some(count) = state.counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                state.counts.remove(&self.address);
            }
        }
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn so_many_wait_and_no_more() {
        let turns = Turns::default();
        let [eve, teacher] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<Network>().unwrap());
        let first = turns.take(eve).unwrap();
        thread::scope(|scope| {
            let crowd: Vec<_> =
                (0..100).map(|_| scope.spawn(|| turns.take(eve).is_some())).collect();
            // Nobody gets a turn before the first one ends, so those who have ended were refused.
            let refused = 101 - PER_ADDRESS;
            while crowd.iter().filter(|one| one.is_finished()).count() < refused {
                thread::yield_now();
            }
            // It stands behind one of the crowd at most.
            let second = scope.spawn(|| {
                let _turn = turns.take(teacher).unwrap();
                turns.state.lock().all
            });
            while turns.state.lock().all < PER_ADDRESS + 1 {
                thread::yield_now();
            }
            drop(first);
            assert!(second.join().unwrap() >= PER_ADDRESS - 1);
            let served = crowd.into_iter().filter_map(|one| one.join().unwrap().then_some(()));
            assert_eq!(served.count(), PER_ADDRESS - 1);
        });
        let state = turns.state.lock();
        assert_eq!((state.all, state.counts.len() + state.line.len()), (0, 0));
    }

    #[test]
    fn one_address_waits_for_itself_and_nobody_after_the_end() {
        let turns = Turns::default();
        let [eve, teacher] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<Network>().unwrap());
        let first = turns.take(eve).unwrap();
        thread::scope(|scope| {
            // A crowd from one address, of whom one at most is before the teacher.
            for _ in 0..10 {
                scope.spawn(|| drop(turns.take(eve)));
            }
            let second = scope.spawn(|| turns.take(teacher).is_some());
            drop(first);
            assert!(second.join().unwrap());
        });
        let _last = turns.take(eve).unwrap();
        thread::scope(|scope| {
            let turns = &turns;
            let waiting = [eve, teacher].map(|it| scope.spawn(move || turns.take(it).is_none()));
            turns.stop();
            for end in waiting {
                assert!(end.join().unwrap());
            }
        });
    }
}
