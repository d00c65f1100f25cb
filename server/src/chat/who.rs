//! `who`: all connections, for operators.

use std::collections::HashMap;

use protocol::rows::WhoRow;
use protocol::{Reply, UserName};

use super::{Chat, Seat};
use crate::delivery::client::Client;

impl Chat {
    /// Answers `who`, the oldest connection first. `false` when clients are owed so much that no list
    /// can be made now.
    #[must_use]
    pub fn who(&self, client: &Client, seat: &Seat) -> bool {
        let state = self.state.lock();
        // Under the lock, so that no two sessions make the list that is one too many.
        if client.outbox.owed.is_over() {
            return false;
        }
        let readers = state.world.readers();
        // A client that watches a room has no name.
        let present = readers.map(|(client, name, seat)| {
            (client.id, (name.map(UserName::as_str), seat.log.room.as_str()))
        });
        let present: HashMap<_, _> = present.collect();
        let mut clients: Vec<_> = state.connections.iter().collect();
        clients.sort_unstable_by_key(|client| client.id);
        let rows: Vec<_> = clients
            .into_iter()
            .map(|client| {
                let (name, room) = present.get(&client.id).copied().unzip();
                let name = name.flatten();
                let address = client.address.to_string();
                let since = format!("{:.0}", client.since);
                let (idle, carrier) = (client.idle().as_secs(), client.carrier());
                let row = WhoRow { name, room, address: &address, since: &since, idle, carrier };
                row.to_string()
            })
            .collect();
        seat.reply_list(client, client.list(Reply::Connections, rows.iter()));
        true
    }
}
