//! The end of all conversations, when the server stops.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use protocol::Reply;

use super::Chat;
use crate::delivery::client::Client;
use crate::delivery::item::Item;
use crate::delivery::phase::Phase;
use crate::log::position::Position;

/// How long a client of a stopping server that goes on sending may take to read what it was sent.
const SENDS_ON: Duration = Duration::from_secs(3);

impl Chat {
    /// Ends all conversations: everybody is told, and nothing is said any more. After `deadline` nobody
    /// waits for other servers.
    pub fn stop(&self, deadline: Instant) {
        self.stop_waiting(deadline);
        let mut state = self.state.lock();
        state.is_stopping = true;
        if let Some(recorder) = &self.local.recorder {
            // A client that opens a room now is gone before it could see anything of its past.
            recorder.stop_reading();
        }
        if let Some(moderation) = &self.local.moderation {
            moderation.stop_waiting();
        }
        for room in state.world.rooms() {
            match self.shared {
                // It goes on for others, and this server may still have to tell them what there was.
                Some(_) => room.log.stop_waiting(),
                None => room.log.close(),
            }
        }
        let goodbye = |client: &Client, at| {
            client.reply(at, Reply::ServerShutdown);
            drop(client.post(at, Item::Close));
        };
        for (client, _, seat) in state.world.readers() {
            let log = seat.log.lock();
            goodbye(client, log.end());
        }
        // Those were told at their place in the log. Nothing can be posted after `Close`,
        // so this reaches the others only.
        for client in state.connections.iter() {
            goodbye(client, Position::default());
        }
    }

    /// Waits until all clients are gone, but not past `deadline`. A client that was sent all it was
    /// owed is closed at the end of the first `tick` in which it is silent; one that sends on has
    /// [`SENDS_ON`] from then to close its side, see [`Client::was_silent`]. At the deadline all are
    /// closed.
    pub fn wait_until_empty(&self, deadline: Instant, tick: Duration) {
        let mut sent_all = HashMap::new();
        let mut state = self.state.lock();
        while !state.connections.is_empty() {
            let next_tick = deadline.min(Instant::now() + tick);
            while !state.connections.is_empty() {
                if self.gone.wait_until(&mut state, next_tick).timed_out() {
                    break;
                }
            }
            let clients: Vec<_> = state.connections.iter().cloned().collect();
            let now = Instant::now();
            MutexGuard::unlocked(&mut state, || {
                let has_all =
                    |client: &&Arc<Client>| matches!(client.outbox.phase(), Phase::Ended(_));
                for client in clients.iter().filter(has_all) {
                    let since = *sent_all.entry(client.id).or_insert(now);
                    if client.was_silent() {
                        client.shut_read();
                    } else if now >= deadline.min(since + SENDS_ON) {
                        log::warn!("{} sends on; the last bytes may not reach it", client.address);
                        client.shut_read();
                    }
                }
            });
            if now >= deadline {
                // All that are left are closed, whatever they wait for.
                return state.connections.iter().for_each(|client| client.shut_read());
            }
        }
    }
}
