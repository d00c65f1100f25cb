//! What the client knows about its place in the chat, learned from the lines in both directions.
//!
//! Pure: no socket, no terminal, no clock. Everything it takes in is already safe to show.

use protocol::rows::RoomRow;
use protocol::{Event, Reply, Request, RoomName, ServerLine};

use crate::model::entry::Entry;
use crate::model::fence::{self, Fences};
use crate::model::location::{Joined, Location};
use crate::model::names::Names;
use crate::model::replay::{Answered, Replay, Wanted, text_of};
use crate::model::unconfirmed::Unconfirmed;
use crate::sanitize::Sanitized;

/// What the client knows.
#[derive(Debug)]
pub struct State {
    location: Location,
    unconfirmed: Unconfirmed,
    replay: Replay,
    list: Option<Heading>,
    fences: Fences,
    names: Names,
    is_put_out: bool,
}

/// Which list the lines without a form of their own are rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    Users,
    Rooms,
}

/// What a line from the server leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Lines to show, in this order.
    pub show: Vec<String>,
    /// History that is to be asked for now: the client is in another room, or missed much.
    pub ask: Option<Wanted>,
    /// The replay of what was said before is complete.
    pub replayed: bool,
    /// Before what is to be shown there may be more that nobody can show.
    pub has_gap: bool,
}

impl State {
    /// Of a client that has just logged in, and is to go on to `room`.
    #[must_use]
    pub fn new(name: &str, room: Option<&str>) -> Self {
        let names = Names::default();
        names.saw_room(RoomName::main().as_str());
        Self {
            location: Location::new(name, room),
            unconfirmed: Unconfirmed::default(),
            replay: Replay::default(),
            list: None,
            fences: Fences::default(),
            names,
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
        self.names.clone()
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
    pub fn sent(&mut self, line: &str) {
        self.unconfirmed.sent(line);
        if let Ok(Some(request)) = Request::parse(line) {
            self.location.sent(&request);
        }
    }

    /// The connection is gone, and with it every answer that was to come.
    pub fn lost(&mut self) {
        self.unconfirmed.lost();
        self.replay.lost();
        self.location.lost();
        self.list = None;
        self.fences.lost();
    }

    /// The requests to send after a login: back to the room, if it is not the one a login leads to.
    #[must_use]
    pub fn requests_after_login(&mut self, wanted: Wanted) -> String {
        let requests = self.location.way_back().unwrap_or_default();
        requests + &self.requests_for_history(wanted)
    }

    /// The requests for what was said before, up to a fence.
    #[must_use]
    pub fn requests_for_history(&mut self, wanted: Wanted) -> String {
        let mark = self.fences.set();
        self.replay.ask(wanted, &mark);
        format!("history {}\n{}", wanted.lines(), fence::request(mark))
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
                self.list = None;
                self.event(&event);
                self.replay.saw(line);
                true
            }
            Entry::Line(ServerLine::Other(row)) => {
                self.row(row);
                true
            }
            Entry::Earlier(_) => !self.replay.row(line),
            Entry::Notice(_) => true,
        };
        if is_shown {
            effect.show.push(line.to_string());
        }
        effect
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Said { name, .. } | Event::Did { name, .. } | Event::TopicSet { name, .. } => {
                if name == self.name() {
                    self.unconfirmed.delivered(&event.to_string(), self.location.name());
                } else {
                    self.names.spoke(name);
                }
            }
            Event::Entered { name } => self.names.saw_user(name),
            Event::Left { name } => self.names.left(name),
            Event::Renamed { old, new } => {
                self.names.left(old);
                self.location.saw_renamed(old, new);
                if new != self.name() {
                    self.names.spoke(new);
                }
            }
            Event::Announced { .. } => {}
        }
    }

    /// Whether the user is shown it.
    fn reply(&mut self, reply: &Reply<'_>, effect: &mut Effect) -> bool {
        self.list = match reply {
            Reply::OnlineUsers => Some(Heading::Users),
            Reply::Rooms => Some(Heading::Rooms),
            _ => None,
        };
        if let Some(mark) = self.fences.answered(reply) {
            self.end_replay(mark, effect);
            return false;
        }
        match *reply {
            Reply::JoinSuccess => return self.joined(effect),
            Reply::RoomNameEmpty | Reply::RoomNameInvalid(_) => self.location.not_joined(),
            Reply::RenameSuccess => self.location.renamed(),
            Reply::UserNameEmpty | Reply::UserNameExist | Reply::UserNameInvalid(_) => {
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
                self.unconfirmed.delivered(&reply.to_string(), self.location.name());
            }
            Reply::MessageFrom { name, .. } => self.names.spoke(name),
            Reply::NoSuchUser(to) | Reply::MailboxFull(to) => self.unconfirmed.refused(
                |request| matches!(request, Request::Message { to: asked, .. } if *asked == to),
            ),
            Reply::LineTooLong(_) | Reply::InvalidUtf8 | Reply::ControlCharacter => {
                self.unconfirmed.unreadable();
            }
            Reply::UnknownCommand(command) => return self.unknown(command),
            Reply::History => return !self.replay.heading(),
            _ => {}
        }
        true
    }

    fn joined(&mut self, effect: &mut Effect) -> bool {
        let joined = self.location.joined();
        self.names.saw_room(&Sanitized::new(self.location.room()));
        if joined == Some(Joined::ByUser) {
            self.replay.forget();
            effect.ask = Some(Wanted::Latest);
        }
        joined != Some(Joined::OnTheWayBack)
    }

    /// A server may be older than this client. What it does not know then was no mistake.
    fn unknown(&mut self, command: &str) -> bool {
        match command {
            "history" if self.replay.is_open() => return false,
            "join" => self.location.not_joined(),
            "rename" => {
                self.location.not_renamed();
            }
            command => self.unconfirmed.refused(|request| request.command() == command),
        }
        true
    }

    fn end_replay(&mut self, fence: &str, effect: &mut Effect) {
        let new = match self.replay.end(fence, self.location.name()) {
            Some(Answered::New(new)) => new,
            Some(Answered::TooShort) => {
                effect.ask = Some(Wanted::AllMissed);
                return;
            }
            None => return,
        };
        for event in new.rows.iter().filter_map(|row| Event::parse(text_of(row))) {
            self.event(&event);
        }
        effect.replayed = true;
        effect.has_gap = new.has_gap;
        effect.show.extend(new.rows);
    }

    fn row(&mut self, row: &str) {
        match self.list {
            Some(Heading::Users) if row != self.name() => self.names.saw_user(row),
            Some(Heading::Rooms) => {
                if let Some(row) = RoomRow::parse(row) {
                    self.names.saw_room(row.name);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(state: &mut State, line: &str) -> Effect {
        state.receive(&Sanitized::new(line))
    }

    #[track_caller]
    fn check(state: &mut State, line: &str, shown: bool, unechoed: usize) {
        let effect = receive(state, line);
        assert_eq!(effect.show, if shown { vec![line.to_owned()] } else { vec![] }, "{line}");
        assert_eq!(state.unconfirmed().unechoed(), unechoed, "{line}");
    }

    #[test]
    fn a_request_waits_for_its_echo() {
        let mut state = State::new("al", None);
        for request in
            ["say one", "say two\u{202e}", "me waves", "msg bo hi", "topic x", "look", "topic"]
        {
            state.sent(request);
        }
        check(&mut state, "bo: one", true, 5);
        check(&mut state, "al: one", true, 4);
        check(&mut state, "* al waves", true, 2);
        check(&mut state, "No Such User: cy", true, 2);
        check(&mut state, "No Such User: bo", true, 1);
        check(&mut state, "al set the topic: x", true, 0);
        state.sent("say \u{1b}");
        check(&mut state, "Control Character", true, 0);
        state.sent("me too");
        check(&mut state, "Unknown command: me", true, 0);
    }

    #[test]
    fn an_echo_is_known_by_the_name_of_its_time() {
        let mut state = State::new("al", None);
        state.sent("rename alf");
        state.sent("say hi");
        assert!(!state.location().is_settled());
        check(&mut state, "Rename Success", true, 1);
        assert_eq!(state.name(), "alf");
        check(&mut state, "al is now known as alf.", true, 1);
        check(&mut state, "alf: hi", true, 0);
        assert!(state.location().is_settled());
    }

    #[test]
    fn a_join_counts_when_it_is_answered() {
        let mut state = State::new("al", None);
        state.sent("join lobby");
        state.sent("join x y");
        assert_eq!((state.location().room(), state.location().is_settled()), ("main", false));
        assert_eq!(receive(&mut state, "Join Success").ask, Some(Wanted::Latest));
        check(&mut state, "RoomName Invalid: a space is not allowed", true, 0);
        assert_eq!((state.location().room(), state.location().is_settled()), ("lobby", true));
        state.lost();
        assert_eq!(
            state.requests_after_login(Wanted::Missed),
            "join lobby\nhistory 500\nping chat-client-1\n"
        );
        state.lost();
        assert_eq!(
            state.requests_after_login(Wanted::Missed),
            "join lobby\nhistory 500\nping chat-client-2\n"
        );
        assert_eq!(receive(&mut state, "Join Success"), Effect::default());
        assert_eq!(state.location().room(), "lobby");
        state.lost();
        assert_eq!(
            state.requests_after_login(Wanted::Missed),
            "join lobby\nhistory 500\nping chat-client-3\n"
        );
        check(&mut state, "RoomName Invalid: reserved", true, 0);
        assert_eq!(state.location().room(), "main");
    }

    #[test]
    fn what_this_program_asks_by_itself_is_not_shown() {
        let mut state = State::new("al", None);
        assert_eq!(state.requests_after_login(Wanted::Missed), "history 500\nping chat-client-1\n");
        assert_eq!(state.request_for_life(), "ping chat-client-2\n");
        for line in ["Unknown command: history", "Unknown command: ping", "Unknown command: ping"] {
            check(&mut state, line, false, 0);
        }
        // What the user asks is answered.
        for line in ["Unknown command: ping", "Unknown command: history", "pong x", "History:"] {
            check(&mut state, line, true, 0);
        }
        check(&mut state, "[2026-11-22T10:04:05Z] bo: hi", true, 0);
    }

    #[test]
    fn a_lost_request_is_kept_until_history_shows_it() {
        let mut state = State::new("al", None);
        check(&mut state, "bo: a", true, 0);
        check(&mut state, "bo: b", true, 0);
        state.sent("say delivered");
        state.sent("say lost");
        state.lost();
        assert!(state.unconfirmed_mut().keep("say offline"));
        assert!(!state.unconfirmed_mut().keep("look"));
        assert_eq!(state.unconfirmed().unsent(), ["say delivered", "say lost", "say offline"]);
        let _ = state.requests_after_login(Wanted::Missed);
        let row = |line: &str| format!("[2026-11-22T10:04:05Z] {line}");
        for line in ["History:"]
            .map(str::to_owned)
            .into_iter()
            .chain(["bo: a", "cy has left the room.", "bo: b", "al: delivered"].map(row))
        {
            check(&mut state, &line, false, 0);
        }
        let effect = receive(&mut state, "pong chat-client-1");
        assert!(effect.replayed);
        assert_eq!(effect.show, [row("al: delivered")]);
        assert_eq!(state.unconfirmed_mut().take_unsent(), ["say lost", "say offline"]);
    }

    #[test]
    fn operators_refuse_and_put_out() {
        let mut state = State::new("al", None);
        state.sent("say hi");
        check(&mut state, "Muted for 5 minutes", true, 0);
        state.sent("rename alf");
        check(&mut state, "Muted for 5 minutes", true, 0);
        assert!(state.location().is_settled());
        state.sent("rename alf");
        check(&mut state, "Banned for 5 minutes", true, 0);
        assert!(state.location().is_settled() && !state.is_put_out());
        check(&mut state, "Banned for 5 minutes", true, 0);
        assert!(state.is_put_out());
    }

    #[test]
    fn names_are_learned_from_lines_and_lists() {
        let mut state = State::new("al", None);
        for line in [
            "bo has entered the room.",
            "cy: hi",
            "dee has entered the room.",
            "dee has left the room.",
            "Online Users:",
            "eve",
            "al",
            "not a name",
            "Rooms:",
            "lobby 3",
            "nonsense",
        ] {
            receive(&mut state, line);
        }
        assert_eq!(state.names().users(""), ["cy", "bo", "eve"]);
        assert_eq!(state.names().rooms(""), ["main", "lobby"]);
    }
}
