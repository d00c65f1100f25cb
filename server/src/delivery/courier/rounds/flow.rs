//! Flow control: for which clients of a courier those who append to a log have to wait.

use super::Rounds;
use crate::delivery::stream::Stream;
use crate::log::position::Position;

impl Rounds {
    /// The least position of the readers of a log that are behind and yet keep up: those who append wait
    /// for them. [`Position::MAX`] when there is none.
    pub(super) fn slowest(&self, log: u64) -> Position {
        let Some(audience) = self.audiences.of(log) else { return Position::MAX };
        if audience.behind.is_empty() {
            return Position::MAX;
        }
        let now = self.polled_at;
        let behind = audience.behind.iter().filter_map(|id| self.clients.get(id));
        let live =
            behind.map(|delivery| &delivery.stream).filter(|stream| stream.pace.is_live(now));
        live.map(Stream::position).min().unwrap_or(Position::MAX)
    }

    /// Tells each throttled log of its readers' progress, and forgets it when nobody is waited for there.
    pub(super) fn update_throttled(&mut self) {
        for (id, log) in std::mem::take(&mut self.throttled) {
            let slowest = self.slowest(id);
            log.set_slowest(self.inbox.courier, slowest);
            if slowest != Position::MAX {
                self.throttled.insert(id, log);
            }
        }
    }
}
