//! What a courier does when time is over: it closes clients that take nothing, and when the server stops,
//! all that are left.

use std::time::{Duration, Instant};

use super::Rounds;
use crate::delivery::inbox::ClientId;
use crate::delivery::pace::LIVE_TIME;
use crate::delivery::phase::Failure;

impl Rounds {
    /// The time for which there is nothing to do. `None` when it only ends when somebody wakes the courier.
    pub(super) fn sleep_time(&self) -> Option<Duration> {
        if !self.inbox.prepare_sleep() {
            return Some(Duration::ZERO);
        }
        let stall_check = (!self.blocked.is_empty()).then_some(self.next_stall_check);
        let deadline = self.deadline.filter(|_| !self.clients.is_empty());
        let next = [deadline, stall_check].into_iter().flatten().min();
        let next = next.map(|next| next.saturating_duration_since(Instant::now()));
        if self.throttled.is_empty() {
            return next;
        }
        Some(next.map_or(LIVE_TIME, |next| next.min(LIVE_TIME)))
    }

    /// The time from one look for stalled clients to the next: so a stalled one is closed this late at most.
    pub(super) fn stall_check_interval(&self) -> Duration {
        self.stall_timeout / 8
    }

    /// Closes all clients after the deadline, and those that have taken nothing for the stall time-out.
    pub(super) fn check_time(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            for id in self.clients.keys().copied().collect::<Vec<_>>() {
                self.end(id, Some(Failure::Abandoned));
            }
        }
        if self.blocked.is_empty() || now < self.next_stall_check {
            return;
        }
        self.next_stall_check = now + self.stall_check_interval();
        // The system tells of space only when a third of the buffer is free, and a slow line may not have
        // taken so much yet. So this tries to send, and sees whether anything was taken.
        for id in self.blocked.iter().copied().collect::<Vec<_>>() {
            self.step(id, None);
        }
        let is_stalled = |id: &ClientId| {
            let delivery = self.clients.get(id)?;
            (delivery.stream.pace.stalled_for(now) >= self.stall_timeout).then_some(*id)
        };
        for id in self.blocked.iter().filter_map(is_stalled).collect::<Vec<_>>() {
            self.end(id, Some(Failure::Stalled));
        }
    }
}
