//! What a session knows of the chat, learned from the lines in both directions.
//!
//! Pure: no socket, no terminal; the time is told. Everything it takes in is already safe to show.

use std::collections::VecDeque;
use std::time::Instant;

use protocol::{Event, NameError, Reply, Request, RoomName, ServerLine, UserName};

use crate::args::secret::Secret;
use crate::model::columns::in_columns;
use crate::model::entry::Entry;
use crate::model::fence::{self, Fences};
use crate::model::location::{Joined, Location};
use crate::model::names::Names;
use crate::model::replay::{Earlier, Replay, Wanted, text_of};
use crate::model::roster::Roster;
use crate::model::search::Search;
use crate::model::unconfirmed::Unconfirmed;
use crate::sanitize::Sanitized;

/// What a session knows: who and where the user is, which texts have no echo yet, which history is
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
    /// Of a client that has just logged in, and is to go on to `room`.
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

    /// Who and where the user is.
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

    /// Learns from a line of the server, and says what it leads to.
    pub fn receive(&mut self, line: &Sanitized<'_>) -> Effect {
        let entry = Entry::of_line(line);
        let mut effect = Effect::default();
        let is_shown = match entry {
            Entry::Line(ServerLine::Reply(reply)) => self.reply(&reply, &mut effect),
            Entry::Line(ServerLine::Event(event)) => {
                self.roster.list_ended();
                self.event(&event);
                effect.requests += self.replay.saw(line);
                true
            }
            Entry::Line(ServerLine::Other(row)) => {
                self.roster.row(row, self.location.name());
                let is_held = self.roster.lists_users() && !self.looks.is_empty();
                self.names.extend(is_held.then(|| row.to_owned()));
                !is_held
            }
            Entry::Earlier(_) => match self.search.as_mut().filter(|search| search.has_begun()) {
                Some(search) => search.row(&entry),
                None => !self.replay.row(line),
            },
            Entry::Notice(_) => true,
        };
        effect.show = is_shown.then(|| line.to_string());
        effect
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Said { name, .. } | Event::Did { name, .. } | Event::TopicSet { name, .. } => {
                if name == self.name() {
                    self.unconfirmed.echoed(&event.to_string(), self.location.name());
                }
            }
            Event::Renamed { old, new } => self.location.saw_renamed(old, new),
            Event::Entered { .. } | Event::Left { .. } | Event::Announced { .. } => {}
        }
        self.roster.event(event, self.location.name());
    }

    /// Whether the user is shown it.
    fn reply(&mut self, reply: &Reply<'_>, effect: &mut Effect) -> bool {
        self.roster.reply(reply);
        if let Some(mark) = self.fences.answered(reply) {
            effect.told = self.search.as_mut().and_then(|search| search.fence(mark));
            self.search.take_if(|_| effect.told.is_some());
            if self.looks.pop_front_if(|fence| mark.is_empty() || mark == fence).is_some() {
                effect.held = in_columns(&std::mem::take(&mut self.names));
            }
            self.end_replay(mark, effect);
            return false;
        }
        match *reply {
            Reply::JoinSuccess => return self.joined(effect),
            Reply::RoomNameEmpty | Reply::RoomNameInvalid(_) | Reply::TooManyRooms => {
                self.location.not_joined();
            }
            Reply::RenameSuccess => self.location.renamed(),
            Reply::UserNameEmpty
            | Reply::UserNameExist
            | Reply::UserNameInvalid(_)
            | Reply::PasswordRequired
            | Reply::PasswordWrong
            | Reply::PasswordQueueFull => {
                self.location.not_renamed();
            }
            // It refuses a text or a name, or is only a warning, and does not say which.
            Reply::Muted(_) if self.unconfirmed.unechoed() > 0 => self.unconfirmed.unreadable(),
            Reply::Muted(_) => {
                self.location.not_renamed();
            }
            // To a user who asked for another name it only refuses that name.
            Reply::Banned(_) => self.is_put_out = !self.location.not_renamed(),
            Reply::Kicked(_) => self.is_put_out = true,
            Reply::MessageTo { .. } => {
                self.unconfirmed.echoed(&reply.to_string(), self.location.name());
            }
            Reply::NoSuchUser(to) | Reply::MailboxFull(to) | Reply::MessageRefused(to) => {
                self.unconfirmed.refused(
                    |request| matches!(request, Request::Message { to: asked, .. } if *asked == to),
                );
            }
            Reply::LineTooLong(_) | Reply::InvalidUtf8 | Reply::ControlCharacter => {
                self.unconfirmed.unreadable();
            }
            // Who is no operator means who is in the room.
            Reply::OperatorsOnly("who") | Reply::UnknownCommand("who") => {
                effect.requests += "look\n";
                return false;
            }
            Reply::UnknownCommand(command) => return self.unknown(command),
            Reply::History if self.search.as_ref().is_some_and(Search::has_begun) => return false,
            Reply::History => return !self.replay.heading(),
            Reply::Position(position) => {
                self.replay.told(position);
                return false;
            }
            Reply::PositionGone(_) => {
                self.replay.place_gone();
                return false;
            }
            // Nobody has to be told that there is none.
            Reply::Topic(text) => {
                return !(std::mem::take(&mut self.asked_topic) && text.is_empty());
            }
            Reply::Missed(_) => effect.requests += self.replay.skipped(),
            _ => {}
        }
        true
    }

    fn joined(&mut self, effect: &mut Effect) -> bool {
        let joined = self.location.joined();
        self.roster.names().saw_room(&Sanitized::new(self.location.room()));
        if joined == Some(Joined::ByUser) {
            self.replay.forget();
            effect.requests += &self.requests_for_history(Wanted::Latest);
        }
        joined != Some(Joined::OnTheWayBack)
    }

    /// A server may be older than this client. What it does not know then was no mistake.
    fn unknown(&mut self, command: &str) -> bool {
        match command {
            "history" if self.replay.is_open() => return false,
            "since" => {
                self.replay.place_gone();
                return false;
            }
            "topic" if std::mem::take(&mut self.asked_topic) => return false,
            "join" => self.location.not_joined(),
            "rename" => {
                self.location.not_renamed();
            }
            command => self.unconfirmed.refused(|request| request.word() == command),
        }
        true
    }

    fn end_replay(&mut self, fence: &str, effect: &mut Effect) {
        let Some(earlier) = self.replay.end(fence, self.location.name()) else { return };
        // What may be older than the lost connection says nothing about a text that was lost with it.
        let confirms = earlier.is_missed && !earlier.has_gap;
        for event in earlier.rows.iter().filter_map(|row| Event::parse(text_of(row))) {
            if confirms {
                self.unconfirmed.found(&event.to_string(), self.location.name());
            }
            self.roster.event(&event, self.location.name());
        }
        effect.earlier = Some(earlier);
    }
}
