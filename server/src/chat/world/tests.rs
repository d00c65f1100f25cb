//! The same changes make the same world, whichever of the users are clients of this server.

use std::fmt::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::Endpoint;
use crate::delivery::courier::CourierThread;
use crate::delivery::item::Item;
use crate::delivery::outbox::Next;
use crate::delivery::socket::Socket;
use crate::log::batch::Batch;
use crate::log::position::Position;
use crate::log::state::Reading;
use crate::moderation::bans::Target;
use crate::moderation::door::Claimant;

const MEMBERS: usize = 5;
const NAMES: [&str; 4] = ["al", "bob", "Bob", "zoë"];
const ROOMS: [&str; 3] = ["main", "den", "attic"];

/// A server that is given changes.
struct Side {
    world: World,
    /// The clients that are connected to it.
    clients: HashMap<Member, Arc<Client>>,
    /// What each of them was told so far.
    told: HashMap<Member, String>,
    _courier: CourierThread,
}

fn member(client: usize) -> Member {
    Member { server: client as u64 % 2, client }
}

fn client(id: usize, courier: &CourierThread) -> Arc<Client> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = near.local_addr().unwrap();
    let socket = Socket::new(near, address, None);
    let owed = Arc::default();
    Arc::new(Client::new(id, socket, Endpoint::line(address), courier.inbox(), owed))
}

impl Side {
    /// The members for which `is_here` says so are its own.
    fn new(is_here: fn(Member) -> bool) -> Self {
        let courier = CourierThread::new(0, Duration::from_secs(3600)).unwrap();
        let subscribers = Subscribers { couriers: vec![courier.courier()], recorder: None };
        let local = Local {
            subscribers: Arc::new(subscribers),
            recorder: None,
            moderation: None,
            motd: b"* hello\n".to_vec(),
            backlog: 256 * 1024,
        };
        let (world, _) = World::new(Arc::new(local), Earlier::default());
        let clients: HashMap<_, _> = (0..MEMBERS)
            .map(|id| (member(id), client(id, &courier)))
            .filter(|(who, _)| is_here(*who))
            .collect();
        Self { world, clients, told: HashMap::new(), _courier: courier }
    }

    fn apply(&mut self, change: &Change<'_>, now: Timestamp) {
        let newcomer = match change {
            Change::Enter { who, .. } | Change::Watch { who, .. } => self.clients.get(who),
            _ => None,
        };
        drop(self.world.apply(change, now, newcomer));
        for (who, client) in &self.clients {
            let told = self.told.entry(*who).or_default();
            loop {
                match client.outbox.next(Position::MAX) {
                    Next::Texts(text) => *told += str::from_utf8(&text).unwrap(),
                    Next::Item(Item::Switch(reader, from)) => {
                        let _ = writeln!(told, "-> {} {from:?}", reader.log.room);
                    }
                    Next::Nothing => break,
                    other => writeln!(told, "{other:?}").unwrap(),
                }
            }
        }
    }

    /// Takes the world of another server, as bytes.
    fn restore(&mut self, world: &World) {
        let saved = Saved::from_bytes(&world.saved().to_bytes()).unwrap();
        let clients = &self.clients;
        let here = |id| clients.values().find(|client| client.id == id).cloned();
        drop(self.world.restore(saved, 0, here).unwrap());
    }
}

/// What a session in this state may ask for: a user's own changes only while it is in a room, and so on.
fn is_possible(world: &World, change: &Change<'_>) -> bool {
    let is_new = |who| !world.users.contains_key(who) && !world.watchers.contains_key(who);
    match change {
        Change::Enter { who, .. } => is_new(who),
        Change::Watch { who, .. } => !world.users.contains_key(who),
        Change::Free { who } => world.name_and_seat(*who).is_none(),
        _ => true,
    }
}

fn change() -> impl Strategy<Value = Change<'static>> {
    let claimants = [Claimant::Anybody, Claimant::Owner];
    let picks = (0..20, 0..MEMBERS, 0..NAMES.len(), 0..ROOMS.len(), 0..2_usize);
    picks.prop_map(move |(kind, who, name, room, flag)| {
        let (who, claimant, text) = (member(who), claimants[flag], ["tea", "hi: all"][flag]);
        let room = RoomName::parse(ROOMS[room]).unwrap();
        let (name, asked) = (UserName::parse(NAMES[name]).unwrap(), NAMES[name]);
        match kind {
            0..3 => Change::Enter { who, name, claimant },
            3 => Change::Leave { who },
            4 => Change::Free { who },
            5 | 6 => Change::Move { who, room },
            7 => Change::Watch { who, room },
            8 => Change::Unwatch { who },
            9 => Change::Rename { who, name, claimant },
            10 => Change::SetTopic { who, text },
            11 => Change::Announce { text },
            12 => Change::Message { who, to: asked, text },
            13 => Change::Ignore { who, name, is_ignored: flag == 0 },
            14 | 15 => Change::Say { who, lines: ["al: a\nal: b\n", "bob: c\n"][flag] },
            16 => Change::Mute { who, name: asked, minutes: flag as u32 },
            17 => Change::Ban { who, target: Target::Name(name), minutes: flag as u32 },
            18 if flag == 0 => Change::Kick { who, name: asked, reason: "" },
            18 => Change::TakeBack { holder: who },
            _ => Change::Gone { server: who.server },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_same_changes_make_the_same_world(
        changes in prop::collection::vec(change(), 0..60),
        (left, back) in (0..60_usize, 0..60_usize),
    ) {
        let mut all = Side::new(|_| true);
        let mut even = Side::new(|who| who.server == 0);
        let mut odd = Side::new(|who| who.server == 1);
        let mut nobody = Side::new(|_| false);
        // It misses the changes from one on, and begins again from what another one has saved.
        let mut behind = Side::new(|who| who.server == 0);
        for (change, number) in changes.iter().zip(0..) {
            if number == back {
                behind.restore(&all.world);
            }
            if !is_possible(&all.world, change) {
                continue;
            }
            let now = Timestamp::from_second(number as i64 * 20).unwrap();
            for side in [&mut all, &mut even, &mut odd, &mut nobody] {
                side.apply(change, now);
            }
            if number < left.min(back) || number >= back {
                behind.apply(change, now);
            }
            let saved = all.world.saved();
            for side in [&even, &odd, &nobody] {
                prop_assert_eq!(&side.world.saved(), &saved, "after {:?}", change);
            }
            if number >= back {
                prop_assert_eq!(&behind.world.saved(), &saved, "after {:?}, restored", change);
            }
        }
        // A client is told the same, whoever else is connected to its server.
        for (who, told) in &all.told {
            let side = if who.server == 0 { &even } else { &odd };
            prop_assert_eq!(side.told.get(who), Some(told), "{:?}", who);
        }
    }
}

/// The places in the logs are the same everywhere, so what a reader has missed is a subtraction.
#[test]
fn who_reads_on_after_a_restored_state_finds_how_many_lines_are_missing() {
    let (mut ahead, mut behind) = (Side::new(|_| false), Side::new(|_| true));
    let who = member(0);
    let name = UserName::parse("al").unwrap();
    let now = Timestamp::from_second(1).unwrap();
    let enter = Change::Enter { who, name, claimant: Claimant::Anybody };
    for side in [&mut ahead, &mut behind] {
        side.apply(&enter, now);
    }
    let (_, seat) = behind.world.name_and_seat(who).unwrap();
    let log = Arc::clone(&seat.log);
    let read = log.lock().end();
    let line = format!("al: {}\n", "x".repeat(95));
    // Each in a millisecond of its own, since the state has whole ones only.
    for milliseconds in 1..=1000 {
        let time = Timestamp::from_millisecond(1000 + milliseconds).unwrap();
        ahead.apply(&Change::Say { who, lines: &line }, time);
    }
    behind.restore(&ahead.world);
    let (_, seat) = ahead.world.name_and_seat(who).unwrap();
    let (guard, other) = (log.lock(), seat.log.lock());
    assert_eq!(guard.end(), other.end());
    assert_eq!(guard.end().line - read.line, 1000);
    let Reading::Gone { start, .. } = guard.read(read, guard.end(), &mut Batch::default()) else {
        panic!("nothing is missing")
    };
    // It has what the state has of the room, and no more.
    assert_eq!(guard.end().line - start.line, 64 * 1024 / 100);
    let (mut ours, mut theirs) = (Batch::default(), Batch::default());
    assert_eq!(guard.read(start, guard.end(), &mut ours), Reading::Lines);
    assert_eq!(other.read(start, other.end(), &mut theirs), Reading::Lines);
    assert!(ours.bytes == theirs.bytes);
}

/// Two users, of whom the second one is at another server.
fn two_users() -> (Side, [Member; 2], Timestamp) {
    let (mut side, now) = (Side::new(|who| who == member(0)), Timestamp::from_second(1).unwrap());
    let all = [member(0), member(1)];
    for (who, name) in all.into_iter().zip(["al", "bob"]) {
        let name = UserName::parse(name).unwrap();
        side.apply(&Change::Enter { who, name, claimant: Claimant::Anybody }, now);
    }
    (side, all, now)
}

/// What was on its way when an operator was before it in the order.
#[test]
fn nothing_that_a_silenced_user_wants_is_seen() {
    let (mut side, [al, bob], now) = two_users();
    let name = || UserName::parse("carl").unwrap();
    let speaks = |who| {
        [
            Change::Message { who, to: "bob", text: "psst" },
            Change::SetTopic { who, text: "psst" },
            Change::Rename { who, name: name(), claimant: Claimant::Owner },
        ]
    };
    let moves = |who| Change::Move { who, room: RoomName::parse("den").unwrap() };
    let says = |who| Change::Say { who, lines: "al: psst\n" };
    for change in [&speaks(al)[..], &[moves(al), says(al)]].concat() {
        assert!(!side.world.silences(&change, now), "{change:?}");
    }
    side.apply(&Change::Mute { who: bob, name: "al", minutes: 5 }, now);
    for change in speaks(al) {
        assert!(side.world.silences(&change, now), "{change:?}");
    }
    // Who is muted may go about, and is refused each line when it is applied.
    for change in [moves(al), says(al), Change::Leave { who: al }] {
        assert!(!side.world.silences(&change, now), "{change:?}");
    }
    let later = Timestamp::from_second(1 + 5 * 60).unwrap();
    assert!(!side.world.silences(&speaks(al)[0], later));
    side.apply(&Change::Kick { who: al, name: "bob", reason: "" }, now);
    for change in [&speaks(bob)[..], &[moves(bob), says(bob)]].concat() {
        assert!(side.world.silences(&change, now), "{change:?}");
    }
    for change in [Change::Leave { who: bob }, Change::Free { who: bob }] {
        assert!(!side.world.silences(&change, now), "{change:?}");
    }
    let told = &side.told[&al];
    assert_eq!(told.matches("Muted for 5 minutes\n").count(), 4, "{told}");
}

/// At one place of the order the older connection is out and the other one in.
#[test]
fn an_owner_puts_an_older_connection_out() {
    let (mut side, [al, bob], now) = two_users();
    let name = || UserName::parse("al").unwrap();
    side.apply(&Change::Rename { who: bob, name: name(), claimant: Claimant::Anybody }, now);
    assert_eq!(side.world.holder(&name()), Some((al, true)));
    side.apply(&Change::Rename { who: bob, name: name(), claimant: Claimant::Owner }, now);
    assert_eq!(side.world.holder(&name()), Some((bob, true)));
    assert!(side.world.name_and_seat(al).is_none());
    let told = &side.told[&al];
    assert!(told.ends_with("Kicked: you came from elsewhere\nItem(Close)\n"), "{told}");
    // Its session ends, and takes nothing from the other one.
    for change in [Change::Leave { who: al }, Change::Free { who: al }] {
        side.apply(&change, now);
    }
    assert_eq!(side.world.holder(&name()), Some((bob, true)));
    let (_, seat) = side.world.name_and_seat(bob).unwrap();
    let (log, mut batch) = (seat.log.lock(), Batch::default());
    let end = log.end();
    let _ = log.read(Position::default(), end, &mut batch);
    let seen = String::from_utf8(batch.bytes).unwrap();
    let lines = ["al has left the room.", "bob is now known as al."];
    assert!(seen.ends_with(&(lines.join("\n") + "\n")), "{seen}");
}
