//! What a session knows of the chat, learned from the lines in both directions.
//!
//! Pure: no socket, no terminal; the time is told. Everything it takes in is already safe to show. This file
//! has what the state is and what is asked; `learning` what the lines of the server teach.

mod learning;

use std::collections::VecDeque;
use std::time::Instant;

use protocol::{NameError, Request, RoomName, UserName};

use crate::args::secret::Secret;
use crate::model::fence::{self, Fences};
use crate::model::location::Location;
use crate::model::names::Names;
use crate::model::replay::{Earlier, Replay, Wanted};
use crate::model::roster::Roster;
use crate::model::search::Search;
use crate::model::unconfirmed::Unconfirmed;

/// What a session knows: the user's name and room, which texts have no echo yet, which history is
/// still to come, and the names seen.
#[derive(Debug)]
pub struct State {
    location: Location,
    unconfirmed: Unconfirmed,
    replay: Replay,
    fences: Fences,
    roster: Roster,
    search: Option<Search>,
    /// The marks of the fences behind each `look` of the user, and the names that answer the first of them.
    looks: VecDeque<String>,
    names: Vec<String>,
    /// Whether this program has asked for the topic.
    asked_topic: bool,
    is_put_out: bool,
}

/// What a line from the server leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The line, when it is to be shown.
    pub show: Option<String>,
    /// Requests of this program's own that are to be sent now.
    pub requests: String,
    /// Lines that were held back for it, to be shown behind it.
    pub held: Vec<String>,
    /// What to tell the user behind it.
    pub told: Option<String>,
    /// What was said before, when it is complete.
    pub earlier: Option<Earlier>,
}

impl State {
    /// The state of a client that has just logged in, and shall go on to `room`.
    #[must_use]
    pub fn new(name: &str, room: Option<&str>) -> Self {
        let roster = Roster::default();
        roster.names().saw_room(RoomName::main().as_str());
        Self {
            location: Location::new(name, room),
            unconfirmed: Unconfirmed::default(),
            replay: Replay::default(),
            fences: Fences::default(),
            roster,
            search: None,
            looks: VecDeque::new(),
            names: Vec::new(),
            asked_topic: false,
            is_put_out: false,
        }
    }

    /// The user's name and room.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.location.name()
    }

    /// The names seen so far. A handle: it sees later ones too.
    #[must_use]
    pub fn names(&self) -> Names {
        self.roster.names().clone()
    }

    /// The secret of the user's name, for when the connection is lost.
    pub fn know_secret(&mut self, secret: Option<Secret>) {
        self.location.know_secret(secret);
    }

    /// Whether somebody ended the connection on purpose.
    #[must_use]
    pub fn is_put_out(&self) -> bool {
        self.is_put_out
    }

    /// The texts that are on their way.
    #[must_use]
    pub fn unconfirmed(&self) -> &Unconfirmed {
        &self.unconfirmed
    }

    /// The same, to keep a text in it or to take one out.
    pub fn unconfirmed_mut(&mut self) -> &mut Unconfirmed {
        &mut self.unconfirmed
    }

    /// Takes note of a request that is being sent.
    pub fn sent(&mut self, line: &str, now: Instant) {
        self.unconfirmed.sent(line, now);
        if let Ok(Some(request)) = Request::parse(line) {
            self.location.sent(&request);
        }
    }

    /// The user takes another name while there is no connection.
    ///
    /// # Errors
    ///
    /// Says why no server would take it.
    pub fn rename(&mut self, name: &str, secret: Option<Secret>) -> Result<(), NameError> {
        UserName::parse(name)?;
        self.location.take_name(name, secret);
        Ok(())
    }

    /// The connection is gone, and with it every answer that was to come.
    pub fn lost(&mut self) {
        self.unconfirmed.lost();
        self.replay.lost();
        self.location.lost();
        self.roster.list_ended();
        self.fences.lost();
        self.search = None;
        self.looks.clear();
        self.names.clear();
        self.asked_topic = false;
    }

    /// The requests to send after a login: back to the room, if it is not the one a login leads to.
    #[must_use]
    pub fn requests_after_login(&mut self, wanted: Wanted) -> String {
        let requests = self.location.way_back().unwrap_or_default();
        requests + &self.requests_for_history(wanted)
    }

    /// The requests for what was said before, up to a fence, and for the topic of a room that is new.
    #[must_use]
    pub fn requests_for_history(&mut self, wanted: Wanted) -> String {
        let mark = self.fences.set();
        self.asked_topic = wanted == Wanted::Latest;
        let topic = if self.asked_topic { "topic\n" } else { "" };
        self.replay.ask(wanted, &mark) + &fence::request(mark) + topic
    }

    /// The requests that search what the room said. A search that is not over is given up for it.
    #[must_use]
    pub fn search(&mut self, text: &str) -> String {
        let (begin, end) = (self.fences.set(), self.fences.set());
        self.search.insert(Search::new(text, begin, end)).requests()
    }

    /// The request to send behind a `look`, which marks its end.
    #[must_use]
    pub fn looked(&mut self) -> String {
        let fence = self.fences.set();
        let request = fence::request(&fence);
        self.looks.push_back(fence);
        request
    }

    /// A request whose answer shows that the server is alive, and that nobody gets to see.
    #[must_use]
    pub fn request_for_life(&mut self) -> String {
        fence::request(self.fences.set())
    }
}
