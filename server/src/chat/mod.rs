//! Users and rooms, as all sessions share them, behind one lock.
//!
//! A session decides whether its client may do something. What it has decided is a [`Change`], which
//! [`Chat::commit`] takes to the [`World`] and applies there: at once or, where several servers are one
//! chat, through their log. Talk does not come here: a session that talks locks its room's log alone.
//!
//! Locks are taken in this order: the chat, a room's log, an outbox, a courier's inbox. The
//! moderation's lock is taken inside the chat's or a log's, or alone. A thread that holds one of them waits
//! for no socket, no disk and no flow control.

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
mod since;
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
use self::world::{Local, World};
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

/// Where several servers are one chat, a client that waits for their log is told so after this many
/// pulses of a server. That is before clients ask whether their server is still there.
const REMINDER_PULSES: u32 = 10;

/// The number of a server that is a chat by itself.
const ALONE: u64 = 0;

/// One user's being in a room. The user's session holds it.
#[derive(Debug)]
pub struct Membership {
    /// The user's name.
    pub name: UserName,
    /// The room's log, and where in it the user came in.
    pub seat: Seat,
    /// Where several servers are one chat, the record with the lines that the user has said last.
    last_said: Cell<Ticket>,
}

/// Users and rooms, as all sessions share them.
#[derive(Debug)]
pub struct Chat {
    state: Mutex<State>,
    /// The number of this run of the server, by which other servers know it.
    server: AtomicU64,
    /// The log of changes, where several servers are one chat.
    shared: Option<Shared>,
    /// Signalled when a client is gone, has left its room, or is told to go.
    gone: Condvar,
    /// Signalled when a room was opened.
    opened: Condvar,
    /// The log of the room `main`, which always exists.
    main: RwLock<Arc<RoomLog>>,
    /// What this server has for itself: couriers, recorder, moderation.
    local: Arc<Local>,
    max_rooms: usize,
    has_watchers: bool,
}

/// What the chat's lock guards.
#[derive(Debug)]
struct State {
    connections: Connections,
    world: World,
    /// Rooms whose transcripts some session is reading now. Each exists once it is read.
    opening: HashSet<RoomName>,
    is_stopping: bool,
}

impl Chat {
    /// A chat with the one room `main`. The `couriers` read the logs of all rooms, and the `recorder`
    /// records them. `motd` is sent to each newcomer: finished lines.
    #[must_use]
    pub fn new(
        couriers: Vec<Arc<dyn Subscriber>>,
        recorder: Option<Arc<Recorder>>,
        motd: Vec<u8>,
        moderation: Option<Arc<Moderation>>,
        config: &Config,
    ) -> Self {
        let (name, backlog) = (RoomName::main(), config.backlog);
        let earlier = recorder.as_ref().map(|recorder| recorder.earlier(&name, backlog));
        let recorder_subscriber =
            recorder.as_ref().map(|recorder| Arc::clone(recorder) as Arc<dyn Subscriber>);
        let subscribers = Arc::new(Subscribers { couriers, recorder: recorder_subscriber });
        let local = Arc::new(Local { subscribers, recorder, moderation, motd, backlog });
        let (world, main) = World::new(Arc::clone(&local), earlier.unwrap_or_default());
        let state = State {
            connections: Connections::new(config, config.operators.is_some()),
            world,
            opening: HashSet::new(),
            is_stopping: false,
        };
        Self {
            state: Mutex::new(state),
            server: AtomicU64::new(ALONE),
            shared: config.log.as_ref().map(|log| Shared::new(log.pulse * REMINDER_PULSES)),
            gone: Condvar::new(),
            opened: Condvar::new(),
            main: RwLock::new(main),
            local,
            max_rooms: config.max_rooms,
            // Watchers have no name, so on a server that asks for secrets they would read what is not
            // for everybody.
            has_watchers: config.watchers && !config.members_only && config.password.is_none(),
        }
    }

    /// Has the client be sent what its session has posted, on this thread where the courier sleeps. Its
    /// session calls this while it has nothing locked, before it waits for anything.
    pub fn deliver(&self, client: &Client) {
        self.local.subscribers.couriers[client.inbox.courier].work_deferred();
    }

    /// Since when nobody is connected. `None` when somebody is.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        self.state.lock().connections.idle_since()
    }

    /// Adds a new connection, and gives the number of lines that it may send at once.
    ///
    /// # Errors
    ///
    /// Gives the refusal when the server is full or stops, or the address is banned.
    pub fn connect(&self, client: &Arc<Client>) -> Result<u32, Reply<'static>> {
        let mut state = self.state.lock();
        if state.is_stopping {
            return Err(Reply::ServerFull);
        }
        self.check_ban(&Target::address(client.address.ip()))?;
        let burst = state.connections.add(client, Instant::now()).ok_or(Reply::ServerFull)?;
        client.inbox.register(Arc::clone(client));
        Ok(burst)
    }

    /// Forgets a connection that was sent everything, and frees the name of its user.
    pub fn disconnect(&self, client: &Client) {
        let mut state = self.state.lock();
        let who = self.member(client);
        if state.world.has_user(who) {
            self.commit(&mut state, &Change::Free { who });
        }
        state.connections.remove(client);
        self.gone.notify_all();
    }

    /// Logs a client in, into the room `main`. `None` when it was refused the name, and told why.
    pub fn login(
        &self,
        client: &Arc<Client>,
        name: UserName,
        claimant: Claimant,
    ) -> Option<Membership> {
        // Nobody waits for readers under the chat's lock, else a flood in one room would hold up all
        // others. So some more sessions may append before this one does: the log's other half has space
        // for that.
        let main = Arc::clone(&self.main.read());
        main.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        let cleared = self
            .check_ban(&Target::Name(name.clone()))
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
        let (name, seat) = state.world.name_and_seat(who)?;
        Some(Membership { name: name.clone(), seat: seat.clone(), last_said: Cell::default() })
    }

    /// Takes a user out of its room, and has the connection closed once the user was sent all it is owed
    /// and, where an operator removes it, the reason. The name stays taken until [`Chat::disconnect`].
    pub fn leave(&self, client: &Client, membership: &Membership) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        self.commit(&mut self.state.lock(), &Change::Leave { who: self.member(client) });
        self.post_end(client, &membership.seat);
    }

    /// Moves a user to another room, which is opened where it does not exist.
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
        if let Some((_, seat)) = state.world.name_and_seat(who) {
            membership.seat = seat.clone();
        }
    }
}
