//! The shared state: users and rooms, behind one lock.
//!
//! Every session calls in here; whatever two of them could do at once is decided by that lock.
//! What is said goes past it: a session that talks needs only its room's log.
//!
//! Lock order, outermost first: the chat, a room's log, an outbox, a courier's desk; and the
//! moderation's, inside the chat's or a log's or alone. Nobody waits for a socket or for flow control while
//! holding any of them.

mod conversation;
mod moderators;
mod opening;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use protocol::{Framing, Reply, RoomName, UserName};

use crate::bans::Target;
use crate::client::{Client, ClientId};
use crate::config::Config;
use crate::desk::Desk;
use crate::moderation::Moderation;
use crate::outbox::Mail;
use crate::recorder::Recorder;
use crate::ring::Position;
use crate::room::Room;
use crate::room_log::{News, RoomLog};

/// Bytes that an announcement of the server about a user takes at most, such as `has entered`.
const ANNOUNCEMENT_BYTES: usize = 512;

/// How long a client of a stopping server that goes on sending may take to read what it was sent.
const SENDS_ON: Duration = Duration::from_secs(3);

/// Where a user is. Its session holds it, and gives it back when the user leaves.
#[derive(Debug)]
pub struct Seat {
    /// The user's name.
    pub name: UserName,
    /// The room that the user is in.
    pub room: RoomName,
    log: Arc<RoomLog>,
    number: u64,
}

/// See the module's page.
#[derive(Debug)]
pub struct Chat {
    state: Mutex<State>,
    /// Signalled when a client is gone.
    gone: Condvar,
    /// Signalled when a room was opened.
    opened: Condvar,
    /// The log of the room that always exists.
    main: Arc<RoomLog>,
    desks: Vec<Arc<Desk>>,
    recorder: Option<Arc<Recorder>>,
    /// What newcomers are told first, in finished lines.
    motd: Vec<u8>,
    /// `None` when there are no operators.
    moderation: Option<Arc<Moderation>>,
    backlog: usize,
    max_clients: usize,
    max_per_address: usize,
    max_rooms: usize,
}

#[derive(Debug)]
struct State {
    clients: HashMap<ClientId, Arc<Client>>,
    /// How many clients an address has.
    addresses: HashMap<IpAddr, usize>,
    /// Everybody whose name is taken: from login to the last byte after logout.
    users: HashMap<UserName, User>,
    rooms: HashMap<RoomName, Room>,
    /// The number of the next log.
    logs_made: u64,
    /// Rooms that a session is about to open.
    opening: HashSet<RoomName>,
    is_stopping: bool,
    /// When the last client went.
    idle_since: Instant,
}

#[derive(Debug)]
struct User {
    client: Arc<Client>,
    /// `None` when the user has left and only its last bytes are under way.
    log: Option<Arc<RoomLog>>,
}

impl State {
    /// The user of this name, and the log of the room that the user is in.
    fn present(&self, name: &str) -> Option<(&UserName, &Arc<Client>, &Arc<RoomLog>)> {
        let (name, user) = self.users.get_key_value(&UserName::parse(name).ok()?)?;
        Some((name, &user.client, user.log.as_ref()?))
    }
}

impl Chat {
    /// A chat with one empty room, whose clients are served by the couriers behind `desks`, and
    /// whose rooms are recorded where there is a recorder. `motd` is told to newcomers.
    /// Where there is a moderation there are operators.
    #[must_use]
    pub fn new(
        desks: Vec<Arc<Desk>>,
        recorder: Option<Arc<Recorder>>,
        motd: Vec<u8>,
        moderation: Option<Arc<Moderation>>,
        config: &Config,
    ) -> Self {
        let name = RoomName::main();
        let main = RoomLog::new(0, name.clone(), config.backlog, desks.len());
        let main = match &recorder {
            Some(recorder) => {
                let earlier = recorder.earlier(&name, config.backlog);
                Room::new(main.recorded(&earlier.lines), earlier.topic)
            }
            None => Room::new(main, String::new()),
        };
        let log = Arc::clone(&main.log);
        let state = State {
            clients: HashMap::new(),
            addresses: HashMap::new(),
            users: HashMap::new(),
            rooms: HashMap::from([(name, main)]),
            logs_made: 1,
            opening: HashSet::new(),
            is_stopping: false,
            idle_since: Instant::now(),
        };
        Self {
            state: Mutex::new(state),
            gone: Condvar::new(),
            opened: Condvar::new(),
            main: log,
            desks,
            recorder,
            motd,
            moderation,
            backlog: config.backlog,
            max_clients: config.max_clients,
            max_per_address: config.max_per_address,
            max_rooms: config.max_rooms,
        }
    }

    /// Since when there is no client at all. `None` when there is one.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        state.clients.is_empty().then_some(state.idle_since)
    }

    /// Takes in a new connection.
    ///
    /// # Errors
    ///
    /// Gives the refusal when there is no place for it.
    pub fn connect(&self, client: &Arc<Client>) -> Result<(), Reply<'static>> {
        let mut state = self.state.lock();
        let address = client.address.ip();
        let from_address = state.addresses.get(&address).copied().unwrap_or(0);
        let is_full = state.clients.len() >= self.max_clients;
        if is_full || from_address >= self.max_per_address || state.is_stopping {
            return Err(Reply::ServerFull);
        }
        self.admit(&Target::address(address))?;
        state.addresses.insert(address, from_address + 1);
        state.clients.insert(client.id, Arc::clone(client));
        client.desk.adopt(Arc::clone(client));
        Ok(())
    }

    /// Forgets a connection, and its user's name with it.
    pub fn disconnect(&self, client: &Client, name: Option<&UserName>) {
        let mut state = self.state.lock();
        state.clients.remove(&client.id);
        state.idle_since = Instant::now();
        let address = client.address.ip();
        if let Some(count) = state.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                state.addresses.remove(&address);
            }
        }
        if let Some(name) = name {
            state.users.remove(name);
        }
        self.gone.notify_all();
    }

    /// Logs a client in.
    ///
    /// # Errors
    ///
    /// Gives the refusal when it cannot have this name.
    pub fn login(&self, client: &Arc<Client>, name: UserName) -> Result<Seat, Reply<'static>> {
        wait_for_readers(&self.main);
        let mut state = self.state.lock();
        self.admit(&Target::Name(name.clone()))?;
        if state.users.contains_key(&name) || state.is_stopping {
            return Err(Reply::UserNameExist);
        }
        // The others are told first: whoever reads `Login Success` is in the room.
        let (seat, enter) = self
            .seat(&mut state, client, name.clone(), &RoomName::main())
            .ok_or(Reply::UserNameExist)?;
        client.reply(Position::default(), Reply::LoginSuccess);
        if client.framing == Framing::Line && !self.motd.is_empty() {
            let message = Mail::Reply { bytes: self.motd.clone(), alone: false };
            drop(client.post(Position::default(), message));
        }
        client.post(Position::default(), enter);
        let user = User { client: Arc::clone(client), log: Some(Arc::clone(&seat.log)) };
        state.users.insert(name, user);
        Ok(seat)
    }

    /// Takes a user out of its room, and closes the connection once all it was owed is sent, and
    /// the last word where there is one. The name stays taken until then.
    pub fn leave(&self, client: &Client, seat: &Seat, last_word: Option<Reply<'_>>) {
        wait_for_readers(&seat.log);
        let mut state = self.state.lock();
        if let Some(user) = state.users.get_mut(&seat.name) {
            user.log = None;
        }
        self.unseat(&mut state, seat, |at| {
            if let Some(reply) = last_word {
                client.reply(at, reply);
            }
            drop(client.post(at, Mail::Close));
        });
    }

    /// Moves a user to another room.
    pub fn join(&self, client: &Arc<Client>, seat: &mut Seat, room: &RoomName) {
        if seat.room == *room {
            return self.reply(client, seat, Reply::JoinSuccess);
        }
        wait_for_readers(&seat.log);
        let mut state = match self.state_with_room(room) {
            Ok(state) => state,
            Err(refusal) => return self.reply(client, seat, refusal),
        };
        let Some((new, enter)) = self.seat(&mut state, client, seat.name.clone(), room) else {
            return;
        };
        let old = std::mem::replace(seat, new);
        if let Some(user) = state.users.get_mut(&seat.name) {
            user.log = Some(Arc::clone(&seat.log));
        }
        // Lives longer than the hold on the old log, for it locks the new one when it goes.
        let mut given_back = None;
        self.unseat(&mut state, &old, |at| {
            client.reply(at, Reply::JoinSuccess);
            given_back = client.post(at, enter);
        });
        drop(given_back);
    }

    /// Ends all conversations: everybody is told, and nothing is said any more.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        if let Some(recorder) = &self.recorder {
            // Who opens a room now is gone before it could see anything of its past.
            recorder.stop_reading();
        }
        for room in state.rooms.values() {
            room.log.close();
        }
        let goodbye = |client: &Client, at| {
            client.reply(at, Reply::ServerShutdown);
            drop(client.post(at, Mail::Close));
        };
        for user in state.users.values() {
            if let Some(log) = &user.log {
                let log = log.write();
                goodbye(&user.client, log.end());
            }
        }
        // Those who have had their farewell take no second one.
        for client in state.clients.values() {
            goodbye(client, Position::default());
        }
    }

    /// Waits until all clients are gone, but not past `deadline`. A client that has got all it was
    /// owed is closed at the end of the first `tick` in which it is silent; one that sends on has
    /// [`SENDS_ON`] to close its side, see [`Client::was_silent`].
    pub fn wait_until_empty(&self, deadline: Instant, tick: Duration) {
        let end_of_patience = deadline.min(Instant::now() + SENDS_ON);
        let mut state = self.state.lock();
        while !state.clients.is_empty() && Instant::now() < deadline {
            let next_tick = deadline.min(Instant::now() + tick);
            while !state.clients.is_empty() {
                if self.gone.wait_until(&mut state, next_tick).timed_out() {
                    break;
                }
            }
            let clients: Vec<_> = state.clients.values().cloned().collect();
            MutexGuard::unlocked(&mut state, || {
                for client in clients.iter().filter(|client| client.outbox.has_ended()) {
                    if client.was_silent() {
                        client.stop_reading();
                    } else if Instant::now() >= end_of_patience {
                        log::warn!("{} sends on; the last bytes may not reach it", client.address);
                        client.stop_reading();
                    }
                }
            });
        }
    }

    fn tell(&self, log: &Arc<RoomLog>, news: News) {
        if let Some(recorder) = self.recorder.as_ref().filter(|_| news.recorder) {
            recorder.news_in(Arc::clone(log));
        }
        for courier in news.couriers() {
            self.desks[courier].news_in(Arc::clone(log));
        }
    }

    /// Seats a user in a room. The mail lets the user start to read there.
    fn seat(
        &self,
        state: &mut State,
        client: &Client,
        name: UserName,
        room: &RoomName,
    ) -> Option<(Seat, Mail)> {
        let room = state.rooms.get_mut(room)?;
        let (number, enter, news) = room.enter(name.clone(), client.desk.number);
        let log = Arc::clone(&room.log);
        self.tell(&log, news);
        Some((Seat { name, room: log.room.clone(), log, number }, enter))
    }

    fn unseat(&self, state: &mut State, seat: &Seat, farewell: impl FnOnce(Position)) {
        let Some(room) = state.rooms.get_mut(&seat.room) else { return };
        let news = room.leave(seat.number, farewell);
        self.tell(&seat.log, news);
        if room.names().len() == 0 && *room.name() != RoomName::main() {
            state.rooms.remove(&seat.room);
            if let Some(recorder) = &self.recorder {
                recorder.retire(seat.log.room.clone());
            }
        }
    }
}

/// Waits until the room's readers are not too far behind for another announcement. It is not done
/// under the chat's lock, so that a flood in one room holds up nobody in another; the few
/// announcements that pass at the same time fit into the log's other half.
fn wait_for_readers(log: &Arc<RoomLog>) {
    drop(log.write_when_read(ANNOUNCEMENT_BYTES));
}
