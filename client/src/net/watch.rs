//! Reading a room without a name, where the server knows that.

use std::io;
use std::time::{Duration, Instant};

use protocol::{Reply, Request};

use super::connect::Connection;
use super::error::ConnectError;

/// How long a server may take to say whether it knows `watch`. One that says nothing to a request that it
/// does not know, as some of the course do, is asked in another way then.
const SILENCE: Duration = Duration::from_secs(2);

/// What a server makes of `watch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// The connection reads the room.
    Reads,
    /// The server does not know the request, and said so. The connection is still in the login room.
    Unknown,
    /// The server said nothing, or something else, or has closed. Nobody knows what the connection is good for.
    Unclear,
}

impl Connection {
    /// Reads a room, the first one where none is said, without a login.
    ///
    /// # Errors
    ///
    /// When there is no connection any more, or the room is refused.
    pub fn watch(&mut self, room: Option<&str>) -> Result<Watched, ConnectError> {
        let now = Instant::now();
        self.deadline = now + self.patience.min(SILENCE);
        let request = Request::Watch(room.unwrap_or_default());
        self.wire.send(format!("{request}\n").as_bytes())?;
        let answer = match self.answer() {
            Ok((_, answer)) => answer,
            Err(ConnectError::Lost(_)) => return Ok(Watched::Unclear),
            Err(other) => return Err(other),
        };
        Ok(match Reply::parse(&answer) {
            Some(Reply::WatchSuccess) => Watched::Reads,
            Some(Reply::UnknownCommand(word)) if word == request.word() => Watched::Unknown,
            Some(Reply::RoomNameInvalid(_) | Reply::TooManyRooms) => {
                return Err(ConnectError::Room(answer));
            }
            Some(Reply::ServerShutdown | Reply::ServerCutOff) => {
                return Err(ConnectError::Lost(io::Error::other(answer)));
            }
            _ => Watched::Unclear,
        })
    }
}
