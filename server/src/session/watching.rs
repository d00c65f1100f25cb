//! What a session does for a client that wants to read a room without a name.

use protocol::{Reply, RoomName};

use super::Session;

impl Session<'_> {
    /// Lets the client read a room without a name: `main` where it says none.
    pub(super) fn watch(&mut self, room: &str) {
        let room = match room {
            "" => Ok(RoomName::main()),
            room => RoomName::parse(room),
        };
        match room {
            Ok(room) => {
                // The room may have to be read from the disk, which takes a while.
                self.chat.deliver(self.client);
                self.chat.watch(self.client, &mut self.watching, &room);
                if self.watching.as_ref().is_some_and(|seat| *seat.room() == room) {
                    log::info!("{} watches {}", self.client.address, room.as_str());
                }
            }
            Err(error) => self.reply(Reply::RoomNameInvalid(&error.to_string())),
        }
    }
}
