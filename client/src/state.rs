//! What the client knows about its place in the chat, learned from the lines in both directions.
//!
//! Pure: no socket, no terminal, no clock. Everything it takes in is already safe to show.

use std::collections::VecDeque;

use protocol::reply::RoomRow;
use protocol::{Event, Reply, Request, RoomName, ServerLine, UserName};

use crate::names::Names;
use crate::render::Entry;
use crate::safe::Safe;
use crate::typed::carries_text;

/// Lines of the room that are remembered, to find in its history where a connection was lost.
const REMEMBERED: usize = 50;

/// Tokens of this program's own pings. Nobody is shown their answers.
const FENCE: &str = "chat-client-";

/// What the client knows.
#[derive(Debug)]
pub struct State {
    name: String,
    room: String,
    /// Requests with a text whose echo has not come.
    unechoed: VecDeque<String>,
    /// Such requests of a connection that is lost.
    unsent: Vec<String>,
    /// Names that were asked for and not yet answered.
    joins: VecDeque<Join>,
    renames: VecDeque<String>,
    recent: VecDeque<String>,
    list: Option<Heading>,
    replay: Option<Replay>,
    fences: u64,
    /// How many answers to own pings are still to come.
    fences_owed: usize,
    names: Names,
}

#[derive(Debug)]
struct Join {
    room: String,
    /// Whether the user asked for it.
    by_user: bool,
}

/// Which list the lines without a form of their own are rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    Users,
    Rooms,
}

/// An answer to `history` that the user did not ask for.
#[derive(Debug)]
struct Replay {
    fence: String,
    heading_came: bool,
    rows: Vec<String>,
}

/// What a line from the server leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lines to show, in this order.
    pub show: Vec<String>,
    /// The client is in another room, so its history is to be asked for.
    pub entered: bool,
    /// The replay of what was said before is complete.
    pub replayed: bool,
}

impl State {
    /// Of a client that has just logged in.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let room = RoomName::main().as_str().to_owned();
        let names = Names::default();
        names.saw_room(&room);
        Self {
            name: name.to_owned(),
            room,
            unechoed: VecDeque::new(),
            unsent: Vec::new(),
            joins: VecDeque::new(),
            renames: VecDeque::new(),
            recent: VecDeque::new(),
            list: None,
            replay: None,
            fences: 0,
            fences_owed: 0,
            names,
        }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The room the client is in.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The names seen so far. A handle: it sees later ones too.
    #[must_use]
    pub fn names(&self) -> Names {
        self.names.clone()
    }

    /// Whether name and room are certain: no change of them is still unanswered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.joins.is_empty() && self.renames.is_empty()
    }

    /// Takes note of a request that is being sent.
    pub fn sent(&mut self, line: &str) {
        let Ok(Some(request)) = Request::parse(line) else { return };
        match request {
            Request::Join(room) => {
                self.joins.push_back(Join { room: room.to_owned(), by_user: true });
            }
            Request::Rename(name) => self.renames.push_back(name.to_owned()),
            request if carries_text(&request) => self.unechoed.push_back(line.to_owned()),
            _ => {}
        }
    }

    /// Keeps a request that cannot be sent now. False when it has no text that is worth it.
    pub fn keep(&mut self, line: &str) -> bool {
        let has_text = Request::parse(line).ok().flatten().is_some_and(|it| carries_text(&it));
        if has_text {
            self.unsent.push(line.to_owned());
        }
        has_text
    }

    /// The connection is gone, and with it every answer that was to come.
    pub fn lost(&mut self) {
        self.unsent.extend(self.unechoed.drain(..));
        self.joins.clear();
        self.renames.clear();
        self.list = None;
        self.replay = None;
        self.fences_owed = 0;
    }

    /// Requests of which nobody knows whether the server ever had them.
    #[must_use]
    pub fn unsent(&self) -> &[String] {
        &self.unsent
    }

    /// Takes them out, to send them again.
    pub fn take_unsent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unsent)
    }

    /// How many requests wait for their echo.
    #[must_use]
    pub fn unechoed(&self) -> usize {
        self.unechoed.len()
    }

    /// The requests to send after a login: back to the room, if it is not the one a login leads to.
    #[must_use]
    pub fn requests_after_login(&mut self, history: usize) -> String {
        let main = RoomName::main();
        let mut requests = String::new();
        if self.room != main.as_str() {
            requests = format!("join {}\n", self.room);
            self.joins.push_back(Join { room: self.room.clone(), by_user: false });
            main.as_str().clone_into(&mut self.room);
        }
        requests + &self.requests_after_entry(history)
    }

    /// The requests to send on entry to a room: what was said there before, up to a fence.
    #[must_use]
    pub fn requests_after_entry(&mut self, history: usize) -> String {
        let fence = self.fence();
        let requests = format!("history {history}\nping {fence}\n");
        self.replay = Some(Replay { fence, heading_came: false, rows: Vec::new() });
        requests
    }

    /// A request whose answer shows that the server is alive, and that nobody gets to see.
    #[must_use]
    pub fn request_for_life(&mut self) -> String {
        format!("ping {}\n", self.fence())
    }

    fn fence(&mut self) -> String {
        self.fences += 1;
        self.fences_owed += 1;
        format!("{FENCE}{}", self.fences)
    }

    /// Learns from a line of the server, and says what it leads to.
    pub fn receive(&mut self, line: &Safe<'_>) -> Outcome {
        let entry = Entry::of_line(line);
        let mut outcome = Outcome::default();
        let is_shown = match entry {
            Entry::Line(ServerLine::Reply(reply)) => self.reply(&reply, &mut outcome),
            Entry::Line(ServerLine::Event(event)) => {
                self.list = None;
                self.event(&event);
                self.remember(line);
                true
            }
            Entry::Line(ServerLine::Other(row)) => {
                self.row(row);
                true
            }
            Entry::Earlier(_) => self.earlier(line),
            Entry::Notice(_) => true,
        };
        if is_shown {
            outcome.show.push(line.to_string());
        }
        outcome
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Said { name, .. } | Event::Did { name, .. } | Event::TopicSet { name, .. } => {
                self.names.spoke(name);
                if name == self.name {
                    self.delivered(&event.to_string());
                }
            }
            Event::Entered { name } => self.names.saw_user(name),
            Event::Left { name } => self.names.left(name),
            Event::Renamed { old, new } => {
                self.names.left(old);
                self.names.spoke(new);
                if old == self.name {
                    new.clone_into(&mut self.name);
                }
            }
            Event::Announced { .. } => {}
        }
    }

    /// Whether the user is shown it.
    fn reply(&mut self, reply: &Reply<'_>, outcome: &mut Outcome) -> bool {
        self.list = match reply {
            Reply::OnlineUsers => Some(Heading::Users),
            Reply::Rooms => Some(Heading::Rooms),
            _ => None,
        };
        match *reply {
            Reply::JoinSuccess => return self.joined(outcome),
            Reply::RoomNameEmpty | Reply::RoomNameInvalid(_) => drop(self.joins.pop_front()),
            Reply::RenameSuccess => {
                if let Some(name) = self.renames.pop_front() {
                    self.name = name;
                }
            }
            Reply::UserNameEmpty | Reply::UserNameExist | Reply::UserNameInvalid(_) => {
                self.renames.pop_front();
            }
            Reply::MessageTo { .. } => self.delivered(&reply.to_string()),
            Reply::MessageFrom { name, .. } => self.names.spoke(name),
            Reply::NoSuchUser(to) | Reply::MailboxFull(to) => self.refused(
                |request| matches!(request, Request::Message { to: asked, .. } if *asked == to),
            ),
            Reply::LineTooLong(_) | Reply::InvalidUtf8 | Reply::ControlCharacter => {
                self.unechoed.pop_front();
            }
            Reply::UnknownCommand(command) => return self.unknown(command, outcome),
            Reply::History => return !self.replay_begins(),
            Reply::Pong(token) if token.starts_with(FENCE) => {
                self.fences_owed = self.fences_owed.saturating_sub(1);
                self.end_replay(|replay| replay.fence == token, outcome);
                return false;
            }
            _ => {}
        }
        true
    }

    fn joined(&mut self, outcome: &mut Outcome) -> bool {
        let Some(join) = self.joins.pop_front() else { return true };
        self.names.saw_room(&join.room);
        self.room = join.room;
        if join.by_user {
            self.recent.clear();
            outcome.entered = true;
        }
        join.by_user
    }

    /// A server may be older than this client. What it does not know then was no mistake.
    fn unknown(&mut self, command: &str, outcome: &mut Outcome) -> bool {
        match command {
            "ping" if self.fences_owed > 0 => {
                self.fences_owed -= 1;
                self.end_replay(|_| true, outcome);
                return false;
            }
            "history" if self.replay.is_some() => return false,
            "join" => return self.joins.pop_front().is_none_or(|join| join.by_user),
            "rename" => drop(self.renames.pop_front()),
            command => self.refused(|request| request.command() == command),
        }
        true
    }

    fn replay_begins(&mut self) -> bool {
        match &mut self.replay {
            Some(replay) if !replay.heading_came => {
                replay.heading_came = true;
                true
            }
            _ => false,
        }
    }

    fn earlier(&mut self, line: &str) -> bool {
        match &mut self.replay {
            Some(replay) if replay.heading_came => {
                replay.rows.push(line.to_owned());
                false
            }
            _ => true,
        }
    }

    fn end_replay(&mut self, is_it: impl Fn(&Replay) -> bool, outcome: &mut Outcome) {
        let Some(replay) = self.replay.take_if(|replay| is_it(replay)) else { return };
        outcome.replayed = true;
        let mut rows = replay.rows;
        // Nobody sees himself come and go, so he is not told about it later either.
        let own = [Event::Entered { name: &self.name }, Event::Left { name: &self.name }];
        let own = own.map(|event| event.to_string());
        rows.retain(|row| !own.iter().any(|own| own == text_of_row(row)));
        let missed = self.first_missed(&rows);
        for row in rows.drain(missed..) {
            let line = text_of_row(&row);
            if let Some(event) = Event::parse(line) {
                self.event(&event);
            }
            self.remember(line);
            outcome.show.push(row);
        }
    }

    /// Where in the room's history begin the rows that came after what was seen of the room.
    fn first_missed(&self, rows: &[String]) -> usize {
        let said: Vec<_> =
            rows.iter().enumerate().filter(|(_, row)| is_said(text_of_row(row))).collect();
        let is_seen_up_to = |end: &usize| {
            let seen = self.recent.iter().rev();
            said[..*end].iter().rev().zip(seen).all(|((_, row), seen)| text_of_row(row) == seen)
        };
        if self.recent.is_empty() {
            return 0;
        }
        (1..=said.len()).rev().find(is_seen_up_to).map_or(0, |end| said[end - 1].0 + 1)
    }

    /// Comings and goings repeat themselves too often to tell one place in a history from another.
    fn remember(&mut self, line: &str) {
        if !is_said(line) {
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(line.to_owned());
    }

    fn row(&mut self, row: &str) {
        match self.list {
            Some(Heading::Users) if UserName::parse(row).is_ok() => self.names.saw_user(row),
            Some(Heading::Rooms) => {
                if let Some(row) = RoomRow::parse(row) {
                    self.names.saw_room(row.name);
                }
            }
            _ => {}
        }
    }

    /// The server has it: this is its echo. It answers in order, so all before it is answered too.
    fn delivered(&mut self, echo: &str) {
        let name = &self.name;
        let is_it = |line: &String| echo_of(line, name).is_some_and(|expected| expected == echo);
        if let Some(at) = self.unechoed.iter().position(is_it) {
            self.unechoed.drain(..=at);
        } else if let Some(at) = self.unsent.iter().position(is_it) {
            self.unsent.remove(at);
        }
    }

    fn refused(&mut self, is_it: impl Fn(&Request<'_>) -> bool) {
        let is_it =
            |line: &String| matches!(Request::parse(line), Ok(Some(request)) if is_it(&request));
        if let Some(at) = self.unechoed.iter().position(is_it) {
            self.unechoed.drain(..=at);
        }
    }
}

fn is_said(line: &str) -> bool {
    matches!(Event::parse(line), Some(Event::Said { .. } | Event::Did { .. }))
}

fn text_of_row(row: &str) -> &str {
    protocol::reply::HistoryRow::parse(row).map_or(row, |row| row.line)
}

/// What the server answers to a request with a text, once it has it.
fn echo_of(line: &str, name: &str) -> Option<String> {
    let echo = match Request::parse(line).ok()?? {
        Request::Say(text) => Event::Said { name, text }.to_string(),
        Request::Me(text) => Event::Did { name, text }.to_string(),
        Request::Topic(text) => Event::TopicSet { name, text }.to_string(),
        Request::Message { to, text } => Reply::MessageTo { name: to, text }.to_string(),
        _ => return None,
    };
    Some(Safe::new(&echo).to_string())
}
