//! What the client knows about its place in the chat, learned from the lines in both directions.
//!
//! Pure: no socket, no terminal, no clock. Everything it takes in is already safe to show.

use protocol::rows::RoomRow;
use protocol::{Event, Reply, Request, RoomName, ServerLine};

use crate::names::Names;
use crate::outbox::Outbox;
use crate::render::Entry;
use crate::replay::{Answered, Replay, Wanted, text_of};
use crate::safe::Safe;
use crate::whereabouts::{Joined, Whereabouts};

/// Tokens of this program's own pings. Nobody is shown their answers.
const FENCE: &str = "chat-client-";

/// What the client knows.
#[derive(Debug)]
pub struct State {
    whereabouts: Whereabouts,
    outbox: Outbox,
    replay: Replay,
    list: Option<Heading>,
    fences: u64,
    /// How many answers to own pings are still to come.
    fences_owed: usize,
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
pub struct Outcome {
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
            whereabouts: Whereabouts::new(name, room),
            outbox: Outbox::default(),
            replay: Replay::default(),
            list: None,
            fences: 0,
            fences_owed: 0,
            names,
            is_put_out: false,
        }
    }

    /// Who and where the user is.
    #[must_use]
    pub fn whereabouts(&self) -> &Whereabouts {
        &self.whereabouts
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.whereabouts.name()
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
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The same, to keep a text in it or to take one out.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Takes note of a request that is being sent.
    pub fn sent(&mut self, line: &str) {
        self.outbox.sent(line);
        if let Ok(Some(request)) = Request::parse(line) {
            self.whereabouts.sent(&request);
        }
    }

    /// The connection is gone, and with it every answer that was to come.
    pub fn lost(&mut self) {
        self.outbox.lost();
        self.replay.lost();
        self.whereabouts.lost();
        self.list = None;
        self.fences_owed = 0;
    }

    /// The requests to send after a login: back to the room, if it is not the one a login leads to.
    #[must_use]
    pub fn requests_after_login(&mut self, wanted: Wanted) -> String {
        let requests = self.whereabouts.way_back().unwrap_or_default();
        requests + &self.requests_for_history(wanted)
    }

    /// The requests for what was said before, up to a fence.
    #[must_use]
    pub fn requests_for_history(&mut self, wanted: Wanted) -> String {
        let fence = self.fence();
        self.replay.ask(wanted, &fence);
        format!("history {}\nping {fence}\n", wanted.lines())
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
            outcome.show.push(line.to_string());
        }
        outcome
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Said { name, .. } | Event::Did { name, .. } | Event::TopicSet { name, .. } => {
                if name == self.name() {
                    self.outbox.delivered(&event.to_string(), self.whereabouts.name());
                } else {
                    self.names.spoke(name);
                }
            }
            Event::Entered { name } => self.names.saw_user(name),
            Event::Left { name } => self.names.left(name),
            Event::Renamed { old, new } => {
                self.names.left(old);
                self.whereabouts.saw_renamed(old, new);
                if new != self.name() {
                    self.names.spoke(new);
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
            Reply::RoomNameEmpty | Reply::RoomNameInvalid(_) => self.whereabouts.not_joined(),
            Reply::RenameSuccess => self.whereabouts.renamed(),
            Reply::UserNameEmpty | Reply::UserNameExist | Reply::UserNameInvalid(_) => {
                self.whereabouts.not_renamed();
            }
            // It refuses a text or a name, or is only a warning, and does not say which.
            Reply::Muted(_) if self.outbox.unechoed() > 0 => self.outbox.unreadable(),
            Reply::Muted(_) => {
                self.whereabouts.not_renamed();
            }
            // To a user who asked for another name it only refuses that name.
            Reply::Banned(_) => self.is_put_out = !self.whereabouts.not_renamed(),
            Reply::Kicked(_) => self.is_put_out = true,
            Reply::MessageTo { .. } => {
                self.outbox.delivered(&reply.to_string(), self.whereabouts.name());
            }
            Reply::MessageFrom { name, .. } => self.names.spoke(name),
            Reply::NoSuchUser(to) | Reply::MailboxFull(to) => self.outbox.refused(
                |request| matches!(request, Request::Message { to: asked, .. } if *asked == to),
            ),
            Reply::LineTooLong(_) | Reply::InvalidUtf8 | Reply::ControlCharacter => {
                self.outbox.unreadable();
            }
            Reply::UnknownCommand(command) => return self.unknown(command, outcome),
            Reply::History => return !self.replay.heading(),
            Reply::Pong(token) if token.starts_with(FENCE) => {
                self.fences_owed = self.fences_owed.saturating_sub(1);
                self.end_replay(Some(token), outcome);
                return false;
            }
            _ => {}
        }
        true
    }

    fn joined(&mut self, outcome: &mut Outcome) -> bool {
        let joined = self.whereabouts.joined();
        self.names.saw_room(&Safe::new(self.whereabouts.room()));
        if joined == Some(Joined::ByUser) {
            self.replay.forget();
            outcome.ask = Some(Wanted::Latest);
        }
        joined != Some(Joined::OnTheWayBack)
    }

    /// A server may be older than this client. What it does not know then was no mistake.
    fn unknown(&mut self, command: &str, outcome: &mut Outcome) -> bool {
        match command {
            "ping" if self.fences_owed > 0 => {
                self.fences_owed -= 1;
                self.end_replay(None, outcome);
                return false;
            }
            "history" if self.replay.is_open() => return false,
            "join" => self.whereabouts.not_joined(),
            "rename" => {
                self.whereabouts.not_renamed();
            }
            command => self.outbox.refused(|request| request.word() == command),
        }
        true
    }

    fn end_replay(&mut self, fence: Option<&str>, outcome: &mut Outcome) {
        let new = match self.replay.end(fence, self.whereabouts.name()) {
            Some(Answered::New(new)) => new,
            Some(Answered::TooShort) => {
                outcome.ask = Some(Wanted::AllMissed);
                return;
            }
            None => return,
        };
        for event in new.rows.iter().filter_map(|row| Event::parse(text_of(row))) {
            self.event(&event);
        }
        outcome.replayed = true;
        outcome.has_gap = new.has_gap;
        outcome.show.extend(new.rows);
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

    fn receive(state: &mut State, line: &str) -> Outcome {
        state.receive(&Safe::new(line))
    }

    #[track_caller]
    fn check(state: &mut State, line: &str, shown: bool, unechoed: usize) {
        let outcome = receive(state, line);
        assert_eq!(outcome.show, if shown { vec![line.to_owned()] } else { vec![] }, "{line}");
        assert_eq!(state.outbox().unechoed(), unechoed, "{line}");
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
        assert!(!state.whereabouts().is_settled());
        check(&mut state, "Rename Success", true, 1);
        assert_eq!(state.name(), "alf");
        check(&mut state, "al is now known as alf.", true, 1);
        check(&mut state, "alf: hi", true, 0);
        assert!(state.whereabouts().is_settled());
    }

    #[test]
    fn a_join_counts_when_it_is_answered() {
        let mut state = State::new("al", None);
        state.sent("join lobby");
        state.sent("join x y");
        assert_eq!((state.whereabouts().room(), state.whereabouts().is_settled()), ("main", false));
        assert_eq!(receive(&mut state, "Join Success").ask, Some(Wanted::Latest));
        check(&mut state, "RoomName Invalid: a space is not allowed", true, 0);
        assert_eq!((state.whereabouts().room(), state.whereabouts().is_settled()), ("lobby", true));
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
        assert_eq!(receive(&mut state, "Join Success"), Outcome::default());
        assert_eq!(state.whereabouts().room(), "lobby");
        state.lost();
        assert_eq!(
            state.requests_after_login(Wanted::Missed),
            "join lobby\nhistory 500\nping chat-client-3\n"
        );
        check(&mut state, "RoomName Invalid: reserved", true, 0);
        assert_eq!(state.whereabouts().room(), "main");
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
        assert!(state.outbox_mut().keep("say offline"));
        assert!(!state.outbox_mut().keep("look"));
        assert_eq!(state.outbox().unsent(), ["say delivered", "say lost", "say offline"]);
        let _ = state.requests_after_login(Wanted::Missed);
        let row = |line: &str| format!("[2026-11-22T10:04:05Z] {line}");
        for line in ["History:"]
            .map(str::to_owned)
            .into_iter()
            .chain(["bo: a", "cy has left the room.", "bo: b", "al: delivered"].map(row))
        {
            check(&mut state, &line, false, 0);
        }
        let outcome = receive(&mut state, "pong chat-client-1");
        assert!(outcome.replayed);
        assert_eq!(outcome.show, [row("al: delivered")]);
        assert_eq!(state.outbox_mut().take_unsent(), ["say lost", "say offline"]);
    }

    #[test]
    fn operators_refuse_and_put_out() {
        let mut state = State::new("al", None);
        state.sent("say hi");
        check(&mut state, "Muted for 5 minutes", true, 0);
        state.sent("rename alf");
        check(&mut state, "Muted for 5 minutes", true, 0);
        assert!(state.whereabouts().is_settled());
        state.sent("rename alf");
        check(&mut state, "Banned for 5 minutes", true, 0);
        assert!(state.whereabouts().is_settled() && !state.is_put_out());
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
