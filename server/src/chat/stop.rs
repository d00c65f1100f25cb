//! The end of all conversations, when the server stops.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use protocol::Reply;

use super::{Chat, State};
use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;
use crate::delivery::item::Item;
use crate::delivery::phase::{Phase, Removal};
use crate::log::position::Position;

/// How long a client of a stopping server that goes on sending may take to read what it was sent.
const SENDS_ON: Duration = Duration::from_secs(3);

/// Where several servers are one chat: so long before the deadline nobody waits any more for a log that
/// stands still, since the last words have to be sent as well.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long after the deadline the log may take for the names of those who were closed by it.
const LAST_NAMES: Duration = Duration::from_millis(500);

impl Chat {
    /// Ends all conversations: everybody is told, and nothing is said any more. Gives those whose sessions
    /// close by themselves: where several servers are one chat, a user is told once it has left.
    #[must_use]
    pub fn stop(&self) -> HashSet<ClientId> {
        let mut state = self.state.lock();
        state.is_stopping = true;
        if let Some(recorder) = &self.local.recorder {
            // A client that opens a room now is gone before it could see anything of its past.
            recorder.stop_reading();
        }
        if let Some(moderation) = &self.local.moderation {
            moderation.stop_waiting();
        }
        if self.shared.is_some() {
            let leaving = self.let_leave(&state);
            drop(state);
            self.wake(&leaving);
            return leaving.into_iter().map(|client| client.id).collect();
        }
        state.world.rooms().for_each(|room| room.log.close());
        for (client, _, seat) in state.world.readers() {
            let log = seat.log.lock();
            say_goodbye(client, log.end());
        }
        // Those were told at their place in the log. Nothing can be posted after `Close`,
        // so this reaches the others only.
        for client in state.connections.iter() {
            say_goodbye(client, Position::default());
        }
        HashSet::new()
    }

    /// Waits until all clients are gone, but not past `deadline`. A client that was sent all it was
    /// owed is closed at the end of the first `tick` in which it is silent; one that sends on has
    /// [`SENDS_ON`] from then to close its side, see [`Client::was_silent`]. Those that are `leaving` close
    /// by themselves. At the deadline all are closed.
    pub fn wait_until_empty(&self, leaving: &HashSet<ClientId>, deadline: Instant, tick: Duration) {
        let mut sent_all = HashMap::new();
        let mut come_back = None;
        // No time is before the start of the machine.
        let patience = deadline.checked_sub(LAST_WORDS).unwrap_or(deadline);
        let next = |now: Instant| {
            let tick = deadline.min(now + tick);
            if self.shared.is_some() && now < patience { tick.min(patience) } else { tick }
        };
        let mut state = self.state.lock();
        while self.is_busy_until(&mut state, next(Instant::now())) {
            let others = state.connections.iter().filter(|client| !leaving.contains(&client.id));
            let clients: Vec<_> = others.cloned().collect();
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
                if let Some(shared) = &self.shared
                    && shared.stands_still(&mut come_back)
                    && now >= patience
                {
                    shared.give_up();
                }
            });
            if now >= deadline {
                // All that are left are closed, whatever they wait for.
                state.connections.iter().for_each(|client| client.shut_read());
                break;
            }
        }
        if let Some(shared) = &self.shared
            && self.is_busy_until(&mut state, Instant::now() + LAST_NAMES)
        {
            drop(state);
            shared.give_up();
        }
    }

    /// Waits until nobody is connected, but not past that time. Whether somebody is.
    fn is_busy_until(&self, state: &mut MutexGuard<'_, State>, until: Instant) -> bool {
        while !state.connections.is_empty() {
            if self.gone.wait_until(state, until).timed_out() {
                return !state.connections.is_empty();
            }
        }
        false
    }

    /// Has the users of this server leave, while others go on: each session ends, and says goodbye at the
    /// place where its user has left. So all that a user has said is there before it can be told that this
    /// was the end, and go on at another server. Gives those who have to be woken.
    fn let_leave(&self, state: &State) -> Vec<Arc<Client>> {
        // It goes on for others, and this server may still have to tell them what there was.
        state.world.rooms().for_each(|room| room.log.stop_waiting());
        let is_inside = |client: &&Arc<Client>| {
            let who = self.member(client);
            state.world.has_user(who) || state.world.watcher(who).is_some()
        };
        let (inside, outside): (Vec<_>, Vec<_>) = state.connections.iter().partition(is_inside);
        outside.into_iter().for_each(|client| say_goodbye(client, Position::default()));
        inside.iter().for_each(|client| client.outbox.remove(Removal::Shutdown));
        inside.into_iter().cloned().collect()
    }
}

fn say_goodbye(client: &Client, at: Position) {
    client.reply(at, Reply::ServerShutdown);
    drop(client.post(at, Item::Close));
}
