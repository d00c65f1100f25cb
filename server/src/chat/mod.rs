//! The shared state: users and rooms, behind one lock.
//!
//! Every session calls in here; whatever two of them could do at once is decided by that lock.
//! What is said goes past it: a session that talks needs only its room's log.
//!
//! Lock order, outermost first: the chat, a room's log, an outbox, a courier's inbox; and the
//! moderation's, inside the chat's or a log's or alone. Nobody waits for a socket or for flow
//! control while holding any of them.

mod addresses;
mod connections;
mod ignored;
mod moderate;
mod names;
mod opening;
mod room;
mod talk;
mod watch;
mod who;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::{Framing, Reply, RoomName, UserName};

use self::connections::Connections;
use self::ignored::Ignored;
use self::room::Room;
use crate::config::Config;
use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;
use crate::delivery::outbox::Item;
use crate::log::position::Position;
use crate::log::room_log::{LogGuard, RoomLog, Subscriber, Subscribers};
use crate::moderation::Moderation;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;
use crate::recording::recorder::Recorder;

/// Bytes that an announcement of the server about a user takes at most, such as `has entered`.
const ANNOUNCEMENT_BYTES: usize = 512;

/// How long a client of a stopping server that goes on sending may take to read what it was sent.
const SENDS_ON: Duration = Duration::from_secs(3);

/// A place to read a room from. Its session holds it, and gives it back at the end.
#[derive(Debug)]
pub struct Seat {
    log: Arc<RoomLog>,
    /// Where in the log its reader came in.
    entered: Position,
}

/// A user in a room. Its session holds it, and gives it back when the user leaves.
#[derive(Debug)]
pub struct Membership {
    /// The user's name.
    pub name: UserName,
    /// Where the user reads.
    pub seat: Seat,
    /// The number of the member in its room.
    member: u64,
}

/// Users and rooms, as all sessions share them.
#[derive(Debug)]
pub struct Chat {
    state: Mutex<State>,
    /// Signalled when a client is gone, has left its room, or is told to go.
    gone: Condvar,
    /// Signalled when a room was opened.
    opened: Condvar,
    /// The log of the room that always exists.
    main: Arc<RoomLog>,
    subscribers: Arc<Subscribers>,
    recorder: Option<Arc<Recorder>>,
    /// What newcomers are told first, in finished lines.
    motd: Vec<u8>,
    /// `None` when there are no operators, and any name is free for anybody.
    moderation: Option<Arc<Moderation>>,
    backlog: usize,
    max_rooms: usize,
    has_watchers: bool,
}

#[derive(Debug)]
struct State {
    connections: Connections,
    /// Everybody whose name is taken: from login to the last byte after logout.
    users: HashMap<UserName, User>,
    rooms: HashMap<RoomName, Room>,
    /// Who reads a room without a name, and which log that is.
    watchers: HashMap<ClientId, (Arc<Client>, Arc<RoomLog>)>,
    /// The number of the next log.
    logs_made: u64,
    /// Rooms that a session is about to open.
    opening: HashSet<RoomName>,
    is_stopping: bool,
}

#[derive(Debug)]
struct User {
    client: Arc<Client>,
    /// `None` when the user has left and only its last bytes are under way.
    log: Option<Arc<RoomLog>>,
    /// Whose private messages it does not take.
    ignored: Ignored,
}

impl State {
    /// The user of this name, and the log of the room that the user is in.
    fn present(&self, name: &str) -> Option<(&UserName, &Arc<Client>, &Arc<RoomLog>)> {
        let (name, user) = self.users.get_key_value(&UserName::parse(name).ok()?)?;
        Some((name, &user.client, user.log.as_ref()?))
    }

    /// Whether a user takes no private messages of the client, which has the other name.
    fn ignores(&self, name: &UserName, client: &Client, other: &UserName) -> bool {
        self.users.get(name).is_some_and(|user| user.ignored.contains(other, client.id))
    }

    /// The room of whoever has a seat there. It exists for as long as somebody has one.
    fn room(&mut self, seat: &Seat) -> &mut Room {
        let room = self.rooms.get_mut(&seat.log.room);
        room.expect("a room exists for as long as somebody reads it")
    }
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
        let subscribers = Arc::new(Subscribers { couriers, recorder: recorder_subscriber });
        let log = RoomLog::new(0, name.clone(), config.backlog, Arc::clone(&subscribers));
        let main = match &recorder {
            Some(recorder) => {
                let earlier = recorder.earlier(&name, config.backlog);
                Room::new(log.with_earlier(&earlier.lines), earlier.topic)
            }
            None => Room::new(log, String::new()),
        };
        let log = Arc::clone(&main.log);
        let state = State {
            connections: Connections::new(config, config.operators.is_some()),
            users: HashMap::new(),
            rooms: HashMap::from([(name, main)]),
            watchers: HashMap::new(),
            logs_made: 1,
            opening: HashSet::new(),
            is_stopping: false,
        };
        Self {
            state: Mutex::new(state),
            gone: Condvar::new(),
            opened: Condvar::new(),
            main: log,
            subscribers,
            recorder,
            motd,
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

    /// Forgets a connection, and its user's name with it.
    pub fn disconnect(&self, client: &Client, name: Option<&UserName>) {
        let mut state = self.state.lock();
        state.connections.remove(client);
        // Its owner may have taken the name back already.
        if let Some(name) = name
            && state.users.get(name).is_some_and(|user| user.client.id == client.id)
        {
            state.users.remove(name);
        }
        self.gone.notify_all();
    }

    /// Logs a client in.
    ///
    /// # Errors
    ///
    /// Gives the refusal when it cannot have this name.
    pub fn login(
        &self,
        client: &Arc<Client>,
        name: UserName,
        claimant: Claimant,
    ) -> Result<Membership, Reply<'static>> {
        // Not under the chat's lock, so that a flood in one room holds up nobody in another; the
        // few announcements that pass at the same time fit into the log's other half.
        self.main.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        self.admit(&Target::Name(name.clone()))?;
        self.clear_name(&mut state, client, &name, claimant)?;
        if state.is_stopping {
            return Err(Reply::ServerShutdown);
        }
        // The others are told first: whoever reads `Login Success` is in the room.
        let room = state.rooms.get_mut(&self.main.room).expect("the main room always exists");
        let (membership, switch) = enter(room, client, name.clone());
        client.reply(Position::default(), Reply::LoginSuccess);
        if client.framing == Framing::Line && !self.motd.is_empty() {
            client.post_text(Position::default(), self.motd.clone(), false);
        }
        let refused = client.post(Position::default(), switch);
        let user = User {
            client: Arc::clone(client),
            log: Some(Arc::clone(&membership.seat.log)),
            ignored: Ignored::default(),
        };
        state.users.insert(name, user);
        drop(refused);
        Ok(membership)
    }

    /// Takes a user out of its room, and closes the connection once all it was owed is sent, and
    /// the last word where there is one. The name stays taken until then.
    pub fn leave(&self, client: &Client, membership: &Membership, last_word: Option<Reply<'_>>) {
        membership.seat.log.wait_for_readers(ANNOUNCEMENT_BYTES);
        let mut state = self.state.lock();
        if let Some(user) = state.users.get_mut(&membership.name) {
            user.log = None;
        }
        let mut log = membership.seat.log.lock();
        if client.is_served_here() {
            log.leave_to(client.inbox.courier);
        }
        if let Some(reply) = last_word {
            client.reply(log.end(), reply);
        }
        let refused = client.post(log.end(), Item::Close);
        self.leave_room(&mut state, membership, log);
        self.gone.notify_all();
        drop(refused);
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
        let Some(new_room) = state.rooms.get_mut(room) else { return };
        let (new, switch) = enter(new_room, client, membership.name.clone());
        let old = std::mem::replace(membership, new);
        if let Some(user) = state.users.get_mut(&membership.name) {
            user.log = Some(Arc::clone(&membership.seat.log));
        }
        let log = old.seat.log.lock();
        client.reply(log.end(), Reply::JoinSuccess);
        let refused = client.post(log.end(), switch);
        self.leave_room(&mut state, &old, log);
        // A refused item holds a reader, which locks the new log when it is dropped: so the old
        // log is unlocked before.
        drop(refused);
    }

    /// Ends all conversations: everybody is told, and nothing is said any more.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        if let Some(recorder) = &self.recorder {
            // Who opens a room now is gone before it could see anything of its past.
            recorder.stop_reading();
        }
        if let Some(moderation) = &self.moderation {
            moderation.stop_waiting();
        }
        for room in state.rooms.values() {
            room.log.close();
        }
        let goodbye = |client: &Client, at| {
            client.reply(at, Reply::ServerShutdown);
            drop(client.post(at, Item::Close));
        };
        for user in state.users.values() {
            if let Some(log) = &user.log {
                let log = log.lock();
                goodbye(&user.client, log.end());
            }
        }
        for (client, log) in state.watchers.values() {
            let log = log.lock();
            goodbye(client, log.end());
        }
        // Both were told above, at their place in the log. Nothing can be posted after `Close`,
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
                for client in clients.iter().filter(|client| client.outbox.has_ended()) {
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
                // Whoever is left is closed, whatever it waits for.
                return state.connections.iter().for_each(|client| client.shut_read());
            }
        }
    }

    /// Takes a member out of its room, and unlocks the room's log. A room that nobody reads is closed.
    fn leave_room(&self, state: &mut State, membership: &Membership, mut log: LogGuard<'_>) {
        state.room(&membership.seat).leave(membership.member, &mut log);
        // This tells the recorder of the last line, which it must know before the room is closed:
        // it would open the room's file again for it, and keep it open.
        drop(log);
        self.close_if_empty(state, &membership.seat);
    }

    /// Closes the room that somebody has left, unless somebody else is there.
    fn close_if_empty(&self, state: &mut State, left: &Seat) {
        if state.room(left).is_empty() && left.log.room != RoomName::main() {
            state.rooms.remove(&left.log.room);
            if let Some(recorder) = &self.recorder {
                recorder.retire(left.log.room.clone());
            }
        }
    }
}

/// Makes a user a member of a room. The item lets the user start to read there.
fn enter(room: &mut Room, client: &Client, name: UserName) -> (Membership, Item) {
    let (member, entered, switch) = room.enter(name.clone(), client.inbox.courier);
    let seat = Seat { log: Arc::clone(&room.log), entered };
    (Membership { name, seat, member }, switch)
}
