//! Drives a whole courier turn by turn on one thread, in a random order with what sessions and
//! clients do, and looks for a wake-up that is lost. Now and then a speaker does the courier's work.
//!
//! The sockets are real ones with small buffers. When the courier would sleep and every client has
//! read what there was, nobody may be owed anything, and no writer may wait.

mod peer;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use fastrand::Rng;
use jiff::Timestamp;
use parking_lot::MutexGuard;
use protocol::RoomName;
use socket2::SockRef;

use self::peer::Peer;
use super::rounds::Rounds;
use super::{CourierThread, Duration, LIVE_TIME};
use crate::config::Endpoint;
use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;
use crate::delivery::item::Item;
use crate::delivery::seeds::run_all;
use crate::delivery::socket::Socket;
use crate::log::position::Position;
use crate::log::room_log::{RoomLog, Subscriber, Subscribers};

const RUNS: u64 = 8;
const STEPS: usize = 400;
/// Bytes that a log keeps, and that a socket's buffers are asked to hold: a room's lines must be
/// too many for them.
const CAPACITY: usize = 60_000;
const BUFFER: usize = 4096;

struct World {
    random: Rng,
    listener: TcpListener,
    thread: CourierThread,
    logs: [Arc<RoomLog>; 2],
    peers: HashMap<ClientId, Peer>,
    /// By log, the lengths of the texts that writers wait to append.
    waiting: [Vec<usize>; 2],
    count: usize,
    waits: u64,
}

impl World {
    fn new(random: Rng) -> Self {
        let thread = CourierThread::new(0, Duration::from_secs(3600)).unwrap();
        let log = |id| {
            let courier: Arc<dyn Subscriber> = thread.courier();
            let subscribers = Arc::new(Subscribers { couriers: vec![courier], recorder: None });
            Arc::new(RoomLog::new(id, RoomName::main(), CAPACITY, subscribers))
        };
        let logs = [log(0), log(1)];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        SockRef::from(&listener).set_recv_buffer_size(BUFFER).unwrap();
        Self {
            random,
            listener,
            thread,
            logs,
            peers: HashMap::new(),
            waiting: [Vec::new(), Vec::new()],
            count: 0,
            waits: 0,
        }
    }

    /// The server connects here: then the client's receive buffer is the listener's, small from
    /// the beginning.
    fn connect(&mut self) {
        let near = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (far, _) = self.listener.accept().unwrap();
        SockRef::from(&near).set_send_buffer_size(BUFFER).unwrap();
        SockRef::from(&near).set_tcp_notsent_lowat(BUFFER as u32).unwrap();
        near.set_nodelay(true).unwrap();
        far.set_nonblocking(true).unwrap();
        let address = far.local_addr().unwrap();
        let inbox = self.thread.inbox();
        let socket = Socket::new(near, address, None);
        self.count += 1;
        let client = Arc::new(Client::new(
            self.count,
            socket,
            Endpoint::line(address),
            inbox.clone(),
            Arc::default(),
        ));
        // What is posted for such a one comes from its own session, which looks afterwards.
        if self.random.bool() {
            client.serve();
        }
        inbox.register(Arc::clone(&client));
        let is_deaf = self.random.u8(..6) == 0;
        let peer = Peer { client, far, tail: vec![], room: None, next: None, fences: 0, is_deaf };
        self.peers.insert(self.count, peer);
        self.move_on(self.count);
    }

    fn move_on(&mut self, id: ClientId) {
        let peer = self.peers.get_mut(&id).unwrap();
        let to = self.random.usize(..2);
        let at = peer.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        let mut log = self.logs[to].lock();
        let (reader, from) = (log.add_reader(0), log.end());
        drop(log);
        // Nobody else acts in between, so this is as good as under the lock.
        assert!(peer.client.post(at, Item::Switch(reader, from)).is_none());
        peer.room = Some(to);
        let text = format!("room {to} from {}\n", from.line);
        peer.client.post_text(from, text.into_bytes(), false);
    }

    fn reply(&mut self, id: ClientId) {
        let peer = self.peers.get_mut(&id).unwrap();
        let at = peer.room.map_or(Position::default(), |room| self.logs[room].lock().end());
        peer.client.post_text(at, b"fence\n".to_vec(), false);
        peer.fences += 1;
    }

    /// A writer appends, or waits as its session would.
    fn write(&mut self) {
        let log = self.random.usize(..2);
        let long = *self.random.choice(&[10, 100, 3000, 20_000, 40_000]).unwrap();
        let length = self.random.usize(..long);
        if self.logs[log].begin_waiting(length) {
            self.append(log, length);
        } else {
            self.waits += 1;
            self.waiting[log].push(length);
        }
    }

    /// Appends lines, each of which says its number in its log, up to so many bytes and one line.
    fn append(&mut self, log: usize, length: usize) {
        let mut guard = self.logs[log].lock();
        let mut number = guard.end().line;
        let mut lines = String::new();
        while lines.len() <= length {
            lines += &format!("line {number} {}\n", "x".repeat(number as usize % 90));
            number += 1;
        }
        guard.append(lines.as_bytes(), Timestamp::UNIX_EPOCH);
        if self.random.bool() {
            guard.unlock_and_work(self.random.usize(..2));
        }
    }

    /// Those who waited and were told look again, in some order.
    fn wake_writers(&mut self) {
        for log in 0..2 {
            if self.logs[log].has_waiting() {
                continue;
            }
            let mut writers = std::mem::take(&mut self.waiting[log]);
            self.random.shuffle(&mut writers);
            for length in writers {
                if self.logs[log].begin_waiting(length) {
                    self.append(log, length);
                } else {
                    self.waiting[log].push(length);
                }
            }
        }
    }

    /// One turn of the courier, which does not sleep. `false` when it would have slept, and there
    /// was nothing that would have woken it.
    fn turn(&mut self) -> bool {
        let timeout = self.rounds().work();
        self.thread.wait(Some(Duration::ZERO));
        timeout == Some(Duration::ZERO) || !self.thread.events.is_empty()
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.thread.courier.rounds.lock()
    }

    fn peer(&mut self, id: ClientId) -> &mut Peer {
        self.peers.get_mut(&id).unwrap()
    }

    fn step(&mut self) {
        self.wake_writers();
        let ids: Vec<_> = self.peers.keys().copied().collect();
        let id = self.random.choice(&ids).copied();
        match (self.random.u8(..20), id) {
            (0, _) if ids.len() < 8 => self.connect(),
            (1, Some(id)) => self.move_on(id),
            (2, Some(id)) if self.random.u8(..4) == 0 => drop(self.peers.remove(&id)),
            (3, Some(id)) => self.reply(id),
            (4..=9, _) => self.write(),
            (10..=14, Some(id)) => {
                let most = *self.random.choice(&[1, 500, 5000, 100_000]).unwrap();
                if !self.peers[&id].is_deaf {
                    self.peer(id).read(most);
                }
            }
            _ => drop(self.turn()),
        }
        if self.random.bool() {
            self.thread.courier.work_deferred();
        }
    }

    /// Lets all who read catch up, and the writers go on, until nothing happens any more.
    fn settle(&mut self) {
        let mut idle = 0;
        // The system may need a moment to carry bytes from one end to the other, and says
        // nothing about how long; after so many idle rounds with naps nothing is under way.
        while idle < 20 {
            self.wake_writers();
            // A session does so before it waits.
            self.thread.courier.work_deferred();
            let mut is_moving = self.turn();
            let ids: Vec<_> = self.peers.keys().copied().collect();
            for id in ids {
                if !self.peers[&id].is_deaf {
                    is_moving |= self.peer(id).read(100_000) > 0;
                }
            }
            if is_moving {
                idle = 0;
            } else {
                idle += 1;
                std::thread::sleep(Duration::from_millis(u64::from(idle > 2)));
            }
        }
    }

    /// Whether everybody got all that it is owed.
    fn is_complete(&self) -> bool {
        self.peers.values().all(|peer| {
            let end = peer.room.map(|room| self.logs[room].lock().end().line);
            peer.fences == 0 && peer.next == end
        })
    }

    fn finish(&mut self) {
        self.settle();
        while self.waiting.iter().any(|writers| !writers.is_empty()) {
            // Some client is deaf, and counts as live for a while yet.
            let before = self.waiting.clone();
            self.rounds().polled_at += 2 * LIVE_TIME;
            self.turn();
            self.wake_writers();
            assert_ne!(self.waiting, before, "they wait, and nobody will ever wake them");
            self.settle();
        }
        for peer in self.peers.values_mut() {
            peer.is_deaf = false;
        }
        // The system may take its time, for a lost segment is sent again after 200 ms or more. Only a
        // failure waits for all of this.
        let patience = Instant::now() + Duration::from_secs(20);
        self.settle();
        while !self.is_complete() && Instant::now() < patience {
            self.settle();
        }
        for (id, peer) in &self.peers {
            assert_eq!(peer.fences, 0, "client {id}: replies never came");
            let end = peer.room.map(|room| self.logs[room].lock().end().line);
            assert_eq!(peer.next, end, "client {id}: lines never came");
            assert!(peer.tail.is_empty());
        }
    }
}

/// Gives how often a writer had to wait.
fn run(seed: u64) -> u64 {
    let mut world = World::new(Rng::with_seed(seed));
    for _ in 0..4 {
        world.connect();
    }
    for _ in 0..STEPS {
        world.step();
    }
    world.finish();
    world.waits
}

#[test]
fn whoever_waits_is_woken_and_whatever_is_owed_comes() {
    let waits = run_all(RUNS, run);
    assert!(waits > 0, "no writer has ever waited");
}
