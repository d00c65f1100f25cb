//! Names of users and rooms that were seen, for completion: the most recent speaker first.
//!
//! What could be no name is not taken for one, whatever a server sends.
//!
//! The thread that reads the server's lines adds to it, the one that reads keys asks it.

use std::sync::Arc;

use parking_lot::Mutex;
use protocol::{RoomName, UserName};

/// More than anybody completes among. A flood of made-up names costs no more than this.
const MOST: usize = 1000;

/// Names of users and rooms that were seen. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Names {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    users: Vec<String>,
    rooms: Vec<String>,
    /// The user who sent this one the last private message.
    wrote: Option<String>,
}

fn put(names: &mut Vec<String>, at: usize, name: &str) {
    names.insert(at.min(names.len()), name.to_owned());
    names.truncate(MOST);
}

impl Names {
    /// A user said or did something, and is the most likely to be named next.
    pub fn spoke(&self, name: &str) {
        let users = &mut self.seen.lock().users;
        match users.iter().position(|known| known == name) {
            Some(at) => users[..=at].rotate_right(1),
            None if UserName::parse(name).is_ok() => put(users, 0, name),
            None => {}
        }
    }

    /// A user wrote to this one alone.
    pub fn wrote(&self, name: &str) {
        self.spoke(name);
        if UserName::parse(name).is_ok() {
            self.seen.lock().wrote = Some(name.to_owned());
        }
    }

    /// The user who sent this one the last private message.
    #[must_use]
    pub fn correspondent(&self) -> Option<String> {
        self.seen.lock().wrote.clone()
    }

    /// A user is there.
    pub fn saw_user(&self, name: &str) {
        let users = &mut self.seen.lock().users;
        if !users.iter().any(|known| known == name) && UserName::parse(name).is_ok() {
            put(users, MOST, name);
        }
    }

    /// Whether this user is there.
    #[must_use]
    pub fn has_user(&self, name: &str) -> bool {
        self.seen.lock().users.iter().any(|known| known == name)
    }

    /// A user is gone.
    pub fn left(&self, name: &str) {
        self.seen.lock().users.retain(|known| known != name);
    }

    /// A room exists.
    pub fn saw_room(&self, name: &str) {
        let rooms = &mut self.seen.lock().rooms;
        if !rooms.iter().any(|known| known == name) && RoomName::parse(name).is_ok() {
            put(rooms, MOST, name);
        }
    }

    /// The users whose name starts so, in any case, the most recent speaker first.
    #[must_use]
    pub fn users(&self, start: &str) -> Vec<String> {
        starting_with(&self.seen.lock().users, start)
    }

    /// The rooms whose name starts so, in any case.
    #[must_use]
    pub fn rooms(&self, start: &str) -> Vec<String> {
        starting_with(&self.seen.lock().rooms, start)
    }
}

fn starting_with(names: &[String], start: &str) -> Vec<String> {
    let start = start.to_lowercase();
    names.iter().filter(|name| name.to_lowercase().starts_with(&start)).cloned().collect()
}
