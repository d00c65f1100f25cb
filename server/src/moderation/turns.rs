//! Whose password is checked next: one at a time, and of each address one that waits for that. So who
//! guesses from one address, on however many connections, delays nobody at another.

use std::collections::HashSet;

use parking_lot::{Condvar, Mutex};

use crate::network::Network;

/// The turns of all addresses.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses of which one waits, or is being checked.
    addresses: HashSet<Network>,
    is_checking: bool,
    is_over: bool,
}

/// Somebody's turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    address: Network,
}

impl Turns {
    /// Waits for a turn. `None` when there is none any more.
    pub fn take(&self, address: Network) -> Option<Turn<'_>> {
        let mut state = self.state.lock();
        while state.addresses.contains(&address) && !state.is_over {
            self.changed.wait(&mut state);
        }
        if state.is_over {
            return None;
        }
        state.addresses.insert(address);
        while state.is_checking && !state.is_over {
            self.changed.wait(&mut state);
        }
        if state.is_over {
            return None;
        }
        state.is_checking = true;
        drop(state);
        Some(Turn { turns: self, address })
    }

    /// Nobody gets a turn any more.
    pub fn stop(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state.lock();
        state.is_checking = false;
        state.addresses.remove(&self.address);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

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
