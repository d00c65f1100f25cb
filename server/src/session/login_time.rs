//! How long a client may stay in the login room.

use std::time::{Duration, Instant};

use protocol::Reply;

use super::input::Input;
use super::{Session, SessionEnd};
use crate::web::http::Refusal;

impl Session<'_> {
    /// How long the client may still stay in the login room. `None` when it has left it. When the time
    /// is over, tells the client so and ends the session.
    pub(super) fn login_time_left(&mut self) -> Result<Option<Duration>, SessionEnd> {
        if !self.is_in_login_room() {
            return Ok(None);
        }
        let left = self.cut_to_login_time(Duration::MAX);
        if left.is_zero() {
            match self.input {
                Input::Http(_) => self.answer_http(Refusal::Timeout.to_bytes()),
                Input::Lines | Input::Frames(_) => self.reply(Reply::LoginTimeout),
            }
            return Err(SessionEnd::Refused("it did not log in"));
        }
        Ok(Some(left))
    }

    /// The time for a wait: `time`, but in the login room no more than is left there.
    pub(super) fn cut_to_login_time(&self, time: Duration) -> Duration {
        if !self.is_in_login_room() {
            return time;
        }
        time.min(self.login_deadline.saturating_duration_since(Instant::now()))
    }
}
