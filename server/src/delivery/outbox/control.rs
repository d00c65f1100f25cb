//! What WebSocket and TLS themselves have to say to a client: answers to pings, why it ends, records.
//! None of it has a place among the lines, so none of it is an item.

use super::Outbox;
use crate::delivery::phase::Phase;

impl Outbox {
    /// Answers the last pings of a browser, even when it is behind. `true` when the courier has to be
    /// notified.
    pub fn post_pongs(&self, frames: Vec<u8>) -> bool {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Closing | Phase::Ended(_)) {
            return false;
        }
        state.pongs = Some(frames);
        !std::mem::replace(&mut state.is_notified, true)
    }

    /// Has the courier send what TLS itself has to say. `true` when the courier has to be notified.
    pub fn post_flush(&self) -> bool {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Ended(_)) {
            return false;
        }
        state.has_records = true;
        !std::mem::replace(&mut state.is_notified, true)
    }

    /// Has a browser told by this code why its WebSocket ends (RFC 6455, 7.4).
    pub fn set_close_code(&self, code: u16) {
        self.state.lock().close_code = Some(code);
    }

    /// That code.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.state.lock().close_code
    }
}
