//! The servers of one chat: which ones there are, and what becomes of the users of one that is lost.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Effects, World};
use crate::chat::change::Member;
use crate::delivery::phase::Removal;
use crate::log::room_log::RoomLog;
use crate::recording::archive::Earlier;

impl World {
    /// Begins anew: everybody has gone, and no room was ever there. Gives the main room's log, and those
    /// clients of this server, whose run is `own`, that have to go.
    pub fn reset(&mut self, own: u64, now: Timestamp) -> (Arc<RoomLog>, Effects) {
        let effects = self.drop_server(own, now);
        // No number of a log is given twice.
        let local = Arc::clone(&self.local);
        let (next, main) = Self::with_logs(local, Earlier::default(), self.logs_made);
        *self = next;
        (main, effects)
    }

    /// Something was heard of a server.
    pub fn note_server(&mut self, server: u64) {
        self.servers.insert(server);
    }

    /// All servers of which something was heard and that are not lost since.
    pub fn servers(&self) -> impl Iterator<Item = u64> {
        self.servers.iter().copied()
    }

    /// Lets all clients of a server go at once, the first to have come first. Those that are here have their
    /// sessions do the rest.
    pub(super) fn drop_server(&mut self, server: u64, now: Timestamp) -> Effects {
        let of_server = |who: &&Member| who.server == server;
        let mut users: Vec<_> = self.users.keys().filter(of_server).copied().collect();
        let mut watchers: Vec<_> = self.watchers.keys().filter(of_server).copied().collect();
        users.sort_unstable();
        watchers.sort_unstable();
        let clients = users.iter().filter_map(|who| self.users.get_mut(who)?.client.take());
        let mut removed: Vec<_> = clients.collect();
        removed.extend(watchers.iter().filter_map(|who| self.watchers.get_mut(who)?.client.take()));
        for client in &removed {
            client.outbox.remove(Removal::CutOff);
        }
        for who in users {
            self.leave(who, now);
            self.free(who);
        }
        for who in watchers {
            self.unwatch(who);
        }
        self.servers.remove(&server);
        Effects { removed, ..Effects::default() }
    }
}
