//! The shared state: users and rooms, behind one lock.
//!
//! Every session calls in here; whatever two of them could do at once is decided by that lock.
//! What is said goes past it: a session that talks needs only its room's log.
//!
//! [`Chat::commit`] is the way of all other changes: from the session that has decided one to the
//! [`World`] that applies it, at once or, where several servers are one chat, through their log.
//!
//! Lock order, outermost first: the chat, a room's log, an outbox, a courier's inbox; and the
//! moderation's, inside the chat's or a log's or alone. Nobody waits for a socket or for flow
//! control while holding any of them.

mod addresses;
pub mod change;
mod commit;
mod connections;
mod follow;
mod moderate;
mod names;
mod opening;
pub mod record;
pub mod shared;
mod stop;
mod talk;
mod watch;
mod who;
pub mod world;

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, RwLock};
use protocol::{Reply, RoomName, UserName};

use self::change::Change;
use self::connections::Connections;
use self::shared::{Shared, Ticket};
pub use self::world::Seat;
use self::world::{Surroundings, World};
use crate::config::Config;
use crate::delivery::client::Client;
use crate::log::position::Position;
use crate::log::room_log::{RoomLog, Subscriber, Subscribers};
use crate::moderation::Moderation;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;
use crate::recording::recorder::Recorder;

/// Bytes that an announcement of the server about a user takes at most, such as `has entered`.
const ANNOUNCEMENT_BYTES: usize = 512;

/// Where several servers are one chat: who waits for them is told so each time that a server could have
/// said so often that it lives. That is less than clients wait before they ask whether theirs is there.
const REMINDERS: u32 = 10;

/// A server that is the only one.
const ALONE: u64 = 0;

/// A user in a room. Its session holds it, and gives it back when the user leaves.
#[derive(Debug)]
pub struct Membership {
    /// The user's name.
    pub name: UserName,
    /// Where the user reads.
    pub seat: Seat,
    /// Where several servers are one chat: what it has said last.
    said: Cell<Ticket>,
}

/// Users and rooms, as all sessions share them.
#[derive(Debug)]
pub struct Chat {
    state: Mutex<State>,
    /// Which run of a server this is.
    server: AtomicU64,
    /// The order of changes, where several servers are one chat.
    shared: Option<Shared>,
    /// Signalled when a client is gone, has left its room, or is told to go.
    gone: Condvar,
    /// Signalled when a room was opened.
    opened: Condvar,
    /// The log of the room that always exists.
    main: RwLock<Arc<RoomLog>>,
    subscribers: Arc<Subscribers>,
    recorder: Option<Arc<Recorder>>,
    /// `None` when there are no operators, and any name is free for anybody.
    moderation: Option<Arc<Moderation>>,
    backlog: usize,
    max_rooms: usize,
    has_watchers: bool,
}

#[derive(Debug)]
struct State {
    connections: Connections,
    world: World,
    /// Rooms that a session is about to open.
    opening: HashSet<RoomName>,
    is_stopping: bool,
}

impl Chat {
    /// A chat with one empty room, whose logs have the `couriers` for readers, and are recorded
    /// where there is a recorder. `motd` is told to newcomers.
    #[must_use]
    pub fn new(
        couriers: Vec<Arc<dyn Subscriber>>,
        recorder: Option<Arc<Recorder>>,
        motd: Vec<u8>,
        moderation: Option<Arc<Moderation>>,
        config: &Config,
    ) -> Self {
        let name = RoomName::main();
        let recorder_subscriber =
            recorder.as_ref().map(|recorder| Arc::clone(recorder) as Arc<dyn Subscriber>);
        let earlier = recorder.as_ref().map(|recorder| recorder.earlier(&name, config.backlog));
        let subscribers = Arc::new(Subscribers { couriers, recorder: recorder_subscriber });
        let here = Surroundings {
            subscribers: Arc::clone(&subscribers),
            recorder: recorder.clone(),
            moderation: moderation.clone(),
            motd,
            backlog: config.backlog,
        };
        let (world, main) = World::new(here, earlier.unwrap_or_default());
        let state = State {
            connections: Connections::new(config, config.operators.is_some()),
            world,
            opening: HashSet::new(),
            is_stopping: false,
        };
        Self {
            state: Mutex::new(state),
            server: AtomicU64::new(ALONE),
            shared: config.log.as_ref().map(|log| Shared::new(log.pulse * REMINDERS)),
            gone: Condvar::new(),
            opened: Condvar::new(),
            main: RwLock::new(main),
            subscribers,
            recorder,
            moderation,
            backlog: config.backlog,
            max_rooms: config.max_rooms,
            // They would read what the door keeps for others.
            has_watchers: config.watchers && !config.members_only && config.password.is_none(),
        }
    }

    /// Has the client be sent what its session has posted. To be called by that session while it has
    /// nothing locked, before it waits for the client or for anything else that may take long.
    pub fn deliver(&self, client: &Client) {
        self.subscribers.couriers[client.inbox.courier].look();
    }

    /// Since when there is no client at all. `None` when there is one.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        self.state.lock().connections.idle_since()
    }

    /// Takes in a new connection, and says how many lines it may send at once.
    ///
    /// # Errors
    ///
    /// Gives the refusal when there is no place for it.
    pub fn connect(&self, client: &Arc<Client>) -> Result<u32, Reply<'static>> {
        let mut state = self.state.lock();
        if state.is_stopping {
            return Err(Reply::ServerFull);
        }
        self.admit(&Target::address(client.address.ip()))?;
        let burst = state.connections.add(client, Instant::now()).ok_or(Reply::ServerFull)?;
        client.inbox.register(Arc::clone(client));
        Ok(burst)
    }

    /// Forgets a connection, and frees the name of its user.
    pub fn disconnect(&self, client: &Client) {
        let mut state = self.state.lock();
        let who = self.member(client);
        if state.world.has_user(who) {
            self.commit(&mut state, &Change::Free { who });
        }
        state.connections.remove(client);
        self.gone.notify_all();
    }

    /// Logs a client in. `None` when it cannot have this name: it was told so.
    pub fn login(
        &self,
        client: &Arc<Client>,
        name: UserName,
        claimant: Claimant,
    ) -> Option<Membership> {
        // Not under the chat's lock, so that a flood in one room holds up nobody in another; the
        // few announcements that pass at the same time fit into the log's other half.
        let main = Arc::clone(&self.main.read());
        main.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        let cleared = self
            .admit(&Target::Name(name.clone()))
            .and_then(|()| self.clear_name(&mut state, client, &name, claimant));
        if let Err(refusal) = cleared {
            client.reply(Position::default(), refusal);
            return None;
        }
        // It was told so.
        if state.is_stopping {
            return None;
        }
        let enter = |who| Change::Enter { who, name: name.clone(), claimant };
        let who = self.commit_newcomer(&mut state, client, enter)?;
        let (name, seat) = state.world.whereabouts(who)?;
        Some(Membership { name: name.clone(), seat: seat.clone(), said: Cell::default() })
    }

    /// Takes a user out of its room, and closes the connection once all it was owed is sent, and why
    /// it is removed where it is. The name stays taken until then.
    pub fn leave(&self, client: &Client, membership: &Membership) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        self.commit(&mut self.state.lock(), &Change::Leave { who: self.member(client) });
        self.end(client, &membership.seat);
    }

    /// Where several servers are one chat, a user may be gone already, or the order may never come back:
    /// then this closes the connection. Else nothing follows anyway.
    fn end(&self, client: &Client, seat: &Seat) {
        if self.shared.is_some() {
            let log = seat.log.lock();
            let refused = client.post_end(log.end());
            drop(log);
            drop(refused);
        }
    }

    /// Moves a user to another room.
    pub fn join(&self, client: &Arc<Client>, membership: &mut Membership, room: &RoomName) {
        let seat = &membership.seat;
        if seat.log.room == *room {
            return seat.reply(client, Reply::JoinSuccess);
        }
        seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = match self.state_with_room(room) {
            Ok(state) => state,
            Err(refusal) => return seat.reply(client, refusal),
        };
        let who = self.member(client);
        self.commit(&mut state, &Change::Move { who, room: room.clone() });
        if let Some((_, seat)) = state.world.whereabouts(who) {
            membership.seat = seat.clone();
        }
    }
}
