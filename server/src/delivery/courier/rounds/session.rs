//! What a courier does on the thread of a session that speaks in a small room or has posted replies. There
//! that is cheaper than to wake the courier's own thread.

use std::sync::Arc;

use super::Rounds;
use crate::log::room_log::RoomLog;

/// With more readers than this the lines are left to the courier's own thread: a session shall not have to
/// send to so many.
const MOST_READERS: usize = 64;

/// How many times a session looks for more at most, since others may go on speaking meanwhile.
const SESSIONS_PASSES: usize = 4;

impl Rounds {
    /// Does on a session's thread what there is to do in small rooms. `false` when there is something left
    /// for the courier's own thread.
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
            // Each of these has to be looked at after some time, which the courier's own thread has to wait.
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
