//! What sessions wait for at the outbox of their client.

use std::time::{Duration, Instant};

use super::Outbox;
use crate::delivery::phase::{DeliveryEnd, Phase, Removal};

impl Outbox {
    /// Waits until the client has taken enough of its replies to be given more, but not past `until`.
    ///
    /// # Errors
    ///
    /// Says why the session is to end.
    pub fn wait_for_space(&self, until: Option<Instant>) -> Result<(), Removal> {
        let mut state = self.state.lock();
        while state.is_held_up(&self.owed) && state.phase == Phase::Open {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) if self.changed.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
            }
        }
        match &state.phase {
            Phase::Removed(removal) => Err(removal.clone()),
            _ => Ok(()),
        }
    }

    /// Waits for `time`, but not longer than the session goes on.
    pub fn delay(&self, time: Duration) {
        self.wait_while(time, |phase| *phase == Phase::Open);
    }

    /// Waits for `time` even when the client has gone: by going it would spare itself the time,
    /// and come back under its name. Only a removal or the end of the server cuts it short.
    pub fn penalty(&self, time: Duration) {
        self.wait_while(time, |phase| matches!(phase, Phase::Open | Phase::Ended(_)));
    }

    fn wait_while(&self, time: Duration, goes_on: impl Fn(&Phase) -> bool) {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while goes_on(&state.phase) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Waits until the courier is done with the client.
    pub fn wait_for_end(&self) -> DeliveryEnd {
        let mut state = self.state.lock();
        loop {
            if let Phase::Ended(end) = state.phase {
                return end;
            }
            self.changed.wait(&mut state);
        }
    }

    /// The same, but not past `deadline`. Whether it is done.
    #[must_use]
    pub fn has_ended_until(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        while !matches!(state.phase, Phase::Ended(_)) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }
}
