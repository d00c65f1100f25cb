//! The location: the user's name and room, and the changes of both that the server has not answered yet.
//!
//! Pure: no socket, no terminal, no clock.

use std::collections::VecDeque;

use protocol::name::composed;
use protocol::{Request, RoomName};

use crate::args::secret::Secret;

/// The user's name and room.
#[derive(Debug)]
pub struct Location {
    name: String,
    room: String,
    /// Rooms and names that were asked for. The server answers in order.
    joins: VecDeque<Join>,
    renames: VecDeque<(String, Option<Secret>)>,
    /// What proves that the name is the user's own, where that was asked for.
    secret: Option<Secret>,
}

#[derive(Debug)]
struct Join {
    room: String,
    by_user: bool,
}

/// How the user got into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// By asking for it.
    ByUser,
    /// By this program, on the way back after a login.
    OnTheWayBack,
}

impl Location {
    /// The location of a user who has just logged in, and shall go on to `room`.
    #[must_use]
    pub fn new(name: &str, room: Option<&str>) -> Self {
        let room = room.unwrap_or(RoomName::main().as_str()).to_owned();
        let (joins, renames) = (VecDeque::new(), VecDeque::new());
        Self { name: composed(name), room, joins, renames, secret: None }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The room.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The secret of the user's name, where there is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// This is the secret of the user's name.
    pub fn know_secret(&mut self, secret: Option<Secret>) {
        self.secret = secret;
    }

    /// Whether both are certain: no change of them is still unanswered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.joins.is_empty() && self.renames.is_empty()
    }

    /// Takes note of a request that is being sent.
    pub fn sent(&mut self, request: &Request<'_>) {
        match *request {
            Request::Join(room) => {
                self.joins.push_back(Join { room: room.to_owned(), by_user: true });
            }
            Request::Rename(claim) => {
                let secret = claim.secret().and_then(Secret::new);
                self.renames.push_back((composed(claim.name()), secret));
            }
            Request::Login(_)
            | Request::Watch(_)
            | Request::Say(_)
            | Request::Look
            | Request::Logout
            | Request::Rooms
            | Request::Message { .. }
            | Request::Me(_)
            | Request::Topic(_)
            | Request::History(_)
            | Request::Since(_)
            | Request::Operator(_)
            | Request::Kick { .. }
            | Request::Mute { .. }
            | Request::Ban { .. }
            | Request::Who
            | Request::Ignore(_)
            | Request::Unignore(_)
            | Request::Bans
            | Request::Announce(_)
            | Request::Ping(_)
            | Request::Help(_)
            | Request::Malformed(_)
            | Request::Unknown(_) => {}
        }
    }

    /// The connection is gone, and with it every answer that was to come.
    pub fn lost(&mut self) {
        self.joins.clear();
        self.renames.clear();
    }

    /// The request to send after a login, if a login does not lead to the room by itself.
    pub fn way_back(&mut self) -> Option<String> {
        if self.room == RoomName::main().as_str() {
            return None;
        }
        self.joins.push_back(Join { room: self.room.clone(), by_user: false });
        Some(format!("join {}\n", self.room))
    }

    /// The server let the user into a room. `None` when nobody asked.
    pub fn joined(&mut self) -> Option<Joined> {
        let join = self.joins.pop_front()?;
        self.room = join.room;
        Some(if join.by_user { Joined::ByUser } else { Joined::OnTheWayBack })
    }

    /// The server did not let the user into a room.
    pub fn not_joined(&mut self) {
        if self.joins.pop_front().is_some_and(|join| !join.by_user) {
            // The way back to the room failed, so it is where every login leads to.
            RoomName::main().as_str().clone_into(&mut self.room);
        }
    }

    /// The server gave the user the name that was asked for.
    pub fn renamed(&mut self) {
        if let Some((name, secret)) = self.renames.pop_front() {
            self.take_name(&name, secret);
        }
    }

    /// The user takes another name by itself: nobody has to be asked while there is no connection.
    pub fn take_name(&mut self, name: &str, secret: Option<Secret>) {
        self.name = composed(name);
        if secret.is_some() {
            self.secret = secret;
        }
    }

    /// The server did not give the user the name that was asked for. `false` when nobody asked.
    pub fn not_renamed(&mut self) -> bool {
        self.renames.pop_front().is_some()
    }

    /// The room saw somebody take another name.
    pub fn saw_renamed(&mut self, old: &str, new: &str) {
        if old == self.name {
            new.clone_into(&mut self.name);
        }
    }
}
