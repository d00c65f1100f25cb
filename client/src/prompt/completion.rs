//! Tab: what the word before the cursor may become.
//!
//! One press, one candidate, the most likely first: another press goes on to the next, and the word
//! as it was typed comes after the last. No list is paged, so the chat goes on above the prompt.
//! Pure: it knows the commands and the names seen, and no editor.

use protocol::Command;

use crate::model::names::Names;
use crate::model::vocabulary::Vocabulary;

/// Columns that the other candidates may take behind the cursor.
const HINT_COLUMNS: usize = 40;

/// The candidates for one word, and which of them stands in the line.
#[derive(Debug, Default)]
pub struct Completion {
    /// Where the word begins, in bytes.
    start: usize,
    /// The word as it was typed is the last.
    candidates: Vec<Candidate>,
    at: usize,
    /// The line up to the cursor, as the last press left it.
    line: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    /// As it is listed.
    shown: String,
    /// As it is inserted.
    inserted: String,
}

impl Candidate {
    fn new(shown: impl Into<String>, inserted: impl Into<String>) -> Self {
        Self { shown: shown.into(), inserted: inserted.into() }
    }
}

/// Which way to go through the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To less likely ones.
    Forward,
    /// Back to what was there before.
    Back,
}

impl Completion {
    /// A press of Tab behind `line`: where the word to replace begins, and by what. `None` when
    /// nothing fits.
    pub fn press(
        &mut self,
        line: &str,
        vocabulary: Vocabulary,
        names: &Names,
        direction: Direction,
    ) -> Option<(usize, &str)> {
        if !self.is_open(line) {
            let (start, mut candidates) = candidates(line, vocabulary, names);
            if candidates.is_empty() {
                return None;
            }
            candidates.push(Candidate::new("", &line[start..]));
            // Before the first is what was typed.
            let at = candidates.len() - 1;
            *self = Self { start, candidates, at, line: String::new() };
        }
        let count = self.candidates.len();
        self.at = match direction {
            Direction::Forward => (self.at + 1) % count,
            Direction::Back => (self.at + count - 1) % count,
        };
        let inserted = &self.candidates[self.at].inserted;
        self.line = format!("{}{inserted}", &line[..self.start]);
        Some((self.start, inserted))
    }

    /// What further presses behind `line` lead to. `None` when there is no choice.
    #[must_use]
    pub fn others(&self, line: &str) -> Option<String> {
        if !self.is_open(line) {
            return None;
        }
        let (before, after) = self.candidates.split_at(self.at);
        let mut text = String::from(if line.ends_with(' ') { "[" } else { " [" });
        let others = after.iter().skip(1).chain(before).filter(|other| !other.shown.is_empty());
        for other in others {
            if !text.ends_with('[') {
                text.push(' ');
            }
            if text.chars().count() + other.shown.chars().count() > HINT_COLUMNS {
                text.push('…');
                break;
            }
            text.push_str(&other.shown);
        }
        text.push(']');
        Some(text)
    }

    /// Whether there is a choice and nothing was typed since the last press.
    fn is_open(&self, line: &str) -> bool {
        // One candidate and the typed word are no choice: a second press begins anew.
        self.candidates.len() > 2 && self.line == line
    }
}

/// Where the word to complete starts, and what it may become.
fn candidates(line: &str, vocabulary: Vocabulary, names: &Names) -> (usize, Vec<Candidate>) {
    let start = line.rfind(' ').map_or(0, |space| space + 1);
    let word = &line[start..];
    if start == 0 && word.starts_with('/') && !word.starts_with("//") {
        let words = vocabulary.words().filter(|known| known.starts_with(&word[1..]));
        let candidate = |word| Candidate::new(format!("/{word}"), format!("/{word} "));
        return (0, words.map(candidate).collect());
    }
    if let ("/r ", Some(name)) = (line, names.correspondent()) {
        // So the user sees who will read it.
        let msg = format!("/msg {name} ");
        return (0, vec![Candidate::new(msg.clone(), msg)]);
    }
    let word_of_command = line.strip_prefix('/').and_then(|command| command.split(' ').next());
    let command = word_of_command
        .filter(|word| vocabulary.words().any(|known| known == *word))
        .and_then(Command::find);
    let is_first_argument = line[..start].trim_end().find(' ').is_none();
    let end = match command {
        Some(Command::Join) if is_first_argument => {
            let rooms = names.rooms(word).into_iter();
            return (start, rooms.map(|name| Candidate::new(name.clone(), name)).collect());
        }
        // At the start of a line a name is an address.
        _ if start == 0 && word_of_command.is_none() => ": ",
        _ => " ",
    };
    let takes_name = is_first_argument
        && (command.is_some_and(names_a_user) || word_of_command == Some("ignore"));
    if word.is_empty() && !takes_name {
        return (start, Vec::new());
    }
    let mut users = names.users(word.trim_start_matches('@'));
    if command == Some(Command::Message) && takes_name {
        // The sort is stable: the user who wrote last comes first, and the others stay as they were.
        let last = names.correspondent();
        users.sort_by_key(|name| Some(name) != last.as_ref());
    }
    let users = users.into_iter();
    (start, users.map(|name| Candidate::new(name.clone(), format!("{name}{end}"))).collect())
}

/// Whether the first word of the command's argument is the name of a user who is there.
fn names_a_user(command: Command) -> bool {
    match command {
        Command::Message
        | Command::Ignore
        | Command::Unignore
        | Command::Kick
        | Command::Mute
        | Command::Ban => true,
        Command::Login
        | Command::Watch
        | Command::Say
        | Command::Look
        | Command::Logout
        | Command::Join
        | Command::Rooms
        | Command::Me
        | Command::Rename
        | Command::Topic
        | Command::History
        | Command::Since
        | Command::Operator
        | Command::Who
        | Command::Bans
        | Command::Announce
        | Command::Ping
        | Command::Help => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let names = Names::default();
        for name in ["bob", "Bobby", "al"] {
            names.saw_user(name);
        }
        names.wrote("al");
        names.spoke("bob");
        names.saw_room("main");
        names.saw_room("lobby");
        names
    }

    #[test]
    fn tab_completes_what_belongs_there() {
        for (line, start, expected) in [
            ("/lo", 0, &["/look "][..]),
            ("/re", 0, &["/rename ", "/resend ", "/reconnect "]),
            ("/r ", 0, &["/msg al "]),
            ("/log", 0, &[]),
            ("bo", 0, &["bob: ", "Bobby: "]),
            ("hi bo", 3, &["bob ", "Bobby "]),
            ("hi @bo", 3, &["bob ", "Bobby "]),
            ("/msg bo", 5, &["bob ", "Bobby "]),
            ("/msg ", 5, &["al ", "bob ", "Bobby "]),
            ("/ignore b", 8, &["bob ", "Bobby "]),
            ("/kick ", 6, &["bob ", "al ", "Bobby "]),
            ("/msg al ", 8, &[]),
            ("/join l", 6, &["lobby"]),
            ("/join ", 6, &["main", "lobby"]),
            ("//bo", 0, &[]),
            ("hi ", 3, &[]),
            ("", 0, &[]),
        ] {
            let (at, found) = candidates(line, Vocabulary::default(), &names());
            let found: Vec<_> = found.iter().map(|found| found.inserted.as_str()).collect();
            assert_eq!((at, found.as_slice()), (start, expected), "{line:?}");
        }
    }

    #[test]
    fn tab_offers_no_command_that_is_not_there() {
        let few = Vocabulary::of(&[Command::Say, Command::Look]);
        let offered = |line| candidates(line, few, &names()).1.len();
        for (line, count) in [("/l", 1), ("/jo", 0), ("/r", 2), ("/msg ", 0), ("/join ", 0)] {
            assert_eq!(offered(line), count, "{line}");
        }
    }

    #[track_caller]
    fn press(completion: &mut Completion, line: &str, direction: Direction) -> (String, String) {
        let names = names();
        let (start, inserted) =
            completion.press(line, Vocabulary::default(), &names, direction).unwrap();
        let line = line[..start].to_owned() + inserted;
        let others = completion.others(&line).unwrap_or_default();
        (line, others)
    }

    #[test]
    fn every_press_goes_on_to_the_next_candidate() {
        use Direction::{Back, Forward};
        let mut completion = Completion::default();
        let mut line = "hi b".to_owned();
        for (direction, expected, others) in [
            (Forward, "hi bob ", "[Bobby]"),
            (Forward, "hi Bobby ", "[bob]"),
            (Forward, "hi b", " [bob Bobby]"),
            (Forward, "hi bob ", "[Bobby]"),
            (Back, "hi b", " [bob Bobby]"),
            (Back, "hi Bobby ", "[bob]"),
        ] {
            let (next, shown) = press(&mut completion, &line, direction);
            assert_eq!((next.as_str(), shown.as_str()), (expected, others));
            line = next;
        }
        // What is typed in between begins another word.
        assert_eq!(completion.others("hi Bobby, a"), None);
        assert_eq!(press(&mut completion, "hi Bobby, a", Forward).0, "hi Bobby, al ");
        // There is no choice, so there is nothing more to press for.
        assert_eq!(completion.others("hi Bobby, al "), None);
        assert_eq!(
            completion.press("hi Bobby, al ", Vocabulary::default(), &names(), Forward),
            None
        );
    }

    #[test]
    fn the_other_candidates_take_no_more_than_their_columns() {
        let names = Names::default();
        for number in 0..100 {
            names.saw_user(&format!("user{number}"));
        }
        let mut completion = Completion::default();
        completion.press("u", Vocabulary::default(), &names, Direction::Forward).unwrap();
        let others = completion.others("user0: ").unwrap();
        assert_eq!(others, "[user1 user2 user3 user4 user5 user6 …]");
    }
}
