//! What a line of the server teaches, and what it leads to.

use protocol::{Event, Reply, Request, ServerLine};

use super::{Effect, State};
use crate::model::columns::in_columns;
use crate::model::entry::Entry;
use crate::model::location::Joined;
use crate::model::replay::{Wanted, text_of};
use crate::model::search::Search;
use crate::sanitize::Sanitized;

impl State {
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
            self.fence(mark, effect);
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
            // `/who` of a user that is no operator asks who is in the room.
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
                self.replay.position_gone();
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

    /// A fence is answered: what was asked for before it is complete.
    fn fence(&mut self, mark: &str, effect: &mut Effect) {
        effect.told = self.search.as_mut().and_then(|search| search.fence(mark));
        self.search.take_if(|_| effect.told.is_some());
        if self.looks.pop_front_if(|fence| mark.is_empty() || mark == fence).is_some() {
            effect.held = in_columns(&std::mem::take(&mut self.names));
        }
        self.end_replay(mark, effect);
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
                self.replay.position_gone();
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
