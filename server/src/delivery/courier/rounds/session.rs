//! The work of a courier on the thread of a session, which speaks in a small room or has posted replies:
//! where that is cheaper than to wake the courier's own thread.

use std::sync::Arc;

use super::Rounds;
use crate::log::room_log::RoomLog;

/// Rooms with more readers than this are left to the courier's own thread: whoever speaks there
/// shall not have to send to all of them.
const MOST_READERS: usize = 64;

/// So many passes a session makes at most, for others may go on speaking meanwhile.
const SESSIONS_PASSES: usize = 4;

impl Rounds {
    /// Does on a session's thread what there is to do in small rooms. `false` when the courier's
    /// own thread has to go on.
    pub fn work_for_session(&mut self) -> bool {
        let blocked = self.blocked.len();
        for _ in 0..SESSIONS_PASSES {
            let logs = self.inbox.take_logs();
            self.take_urgent();
            let readers = |log: &Arc<RoomLog>| {
                self.audiences.of(log.id).map_or(0, |audience| audience.readers.len())
            };
            if logs.iter().map(readers).sum::<usize>() > MOST_READERS {
                logs.into_iter().for_each(|log| self.inbox.log_ready(log));
                return false;
            }
            for log in logs {
                self.pass(&log);
            }
            // All of these have a time, which the courier's own thread has to keep.
            let has_time = self.deadline.is_some()
                || self.is_closing
                || !self.queue.is_empty()
                || !self.throttled.is_empty()
                || self.blocked.len() > blocked;
            if has_time {
                return false;
            }
            if self.inbox.prepare_sleep() {
                return true;
            }
        }
        false
    }
}
