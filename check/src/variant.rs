//! A variant of the protocol: the same rules in other words and with another limit.
//!
//! A seed decides it. The checks are written in the words of the protocol; a client that a check
//! plays says and expects those of the variant instead. So a solution of last year fails at its
//! greeting, and one that follows the page of the variant passes. It knows nothing of sockets.

mod requests;

pub use requests::Requests;

use std::fmt::Write as _;

use protocol::limits::LINE_BYTES;

/// The page, in which `{login}` and the like stand for what a variant says.
const PAGE: &str = include_str!("variant/page.md");

/// The highest level that a variant has. Above it are requests that it does not have.
pub const LAST_LEVEL: u8 = 5;

/// Requests, and what a variant may call them.
const COMMANDS: [(&str, [&str; 4]); 4] = [
    ("login", ["enter", "hello", "register", "signin"]),
    ("say", ["tell", "speak", "shout", "utter"]),
    ("look", ["who", "list", "present", "people"]),
    ("logout", ["leave", "bye", "quit", "part"]),
];

/// What a server says, and what it may say in a variant.
const TEXTS: [(&str, [&str; 3]); 10] = [
    ("Connect Success", ["Welcome", "Come In", "Who Is There"]),
    ("Login Success", ["Entry Granted", "Name Accepted", "You Are In"]),
    ("UserName Empty", ["Name Missing", "No Name Given", "Give A Name"]),
    ("UserName Exist", ["Name Taken", "Name In Use", "Somebody Has It"]),
    ("UserName Invalid", ["Bad Name", "Name Refused", "Name Not Allowed"]),
    ("Online Users:", ["In The Room:", "Present:", "Here Now:"]),
    ("Unknown command", ["No Such Request", "Not Understood", "What Is"]),
    ("Line Too Long", ["Too Many Bytes", "Line Over Limit", "Shorten To"]),
    ("Invalid UTF-8", ["Not UTF-8", "Bad Encoding", "Unreadable Bytes"]),
    ("Control Character", ["Control Byte", "Unprintable", "Forbidden Character"]),
];

/// What the room sees of who comes and goes, behind the name.
const EVENTS: [(&str, [&str; 3]); 2] = [
    (" has entered the room.", [" is here now.", " came in.", " has joined us."]),
    (" has left the room.", [" is gone.", " went away.", " has quit us."]),
];

/// One variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// What decided it.
    pub seed: u64,
    commands: [&'static str; COMMANDS.len()],
    texts: [&'static str; TEXTS.len()],
    events: [&'static str; EVENTS.len()],
    /// The longest line, in bytes without its newline. It is more than the protocol's.
    line: usize,
}

impl Variant {
    /// The variant of this seed, the same each time.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let commands = COMMANDS.map(|(_, words)| words[random.usize(..words.len())]);
        let texts = TEXTS.map(|(_, words)| words[random.usize(..words.len())]);
        let events = EVENTS.map(|(_, words)| words[random.usize(..words.len())]);
        // A text of two-byte characters must be able to fill a line behind `say `, so what is
        // left for a text is an even number of bytes.
        let text = 2 * random.usize(2200..3800);
        Self { seed, commands, texts, events, line: text + commands[1].len() + 1 }
    }

    /// The page of this variant's protocol, in Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = PAGE.to_owned();
        for (word, own) in self.pairs() {
            page = page.replace(&format!("{{{word}}}"), own);
        }
        page.replace("{line}", &self.line.to_string()).replace("{seed}", &self.seed.to_string())
    }

    /// Each word of the protocol, and what stands for it in this variant.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let commands = COMMANDS.map(|(word, _)| word).into_iter().zip(self.commands);
        let texts = TEXTS.map(|(word, _)| word).into_iter().zip(self.texts);
        let events = EVENTS.map(|(word, _)| word).into_iter().zip(self.events);
        commands.chain(texts).chain(events)
    }

    /// A command, or what it becomes here. In capitals it stays one in capitals, which no server
    /// knows.
    #[must_use]
    pub fn command(&self, word: &str) -> String {
        for ((command, _), own) in COMMANDS.iter().zip(self.commands) {
            if word == *command {
                return own.to_owned();
            }
            if word == command.to_uppercase() {
                return own.to_uppercase();
            }
        }
        word.to_owned()
    }

    /// A line of the server, or what it becomes here. What users said stays as it is.
    #[must_use]
    pub fn reply(&self, line: &str) -> String {
        for ((text, _), own) in TEXTS.iter().zip(self.texts) {
            match line.strip_prefix(text) {
                Some("") => return own.to_owned(),
                Some(rest) if rest.starts_with(": ") => return self.with_argument(text, own, rest),
                _ => {}
            }
        }
        for ((event, _), own) in EVENTS.iter().zip(self.events) {
            if let Some(name) = line.strip_suffix(event)
                && !name.contains(": ")
            {
                return format!("{name}{own}");
            }
        }
        line.to_owned()
    }

    /// A sentence in which lines and requests stand between backticks.
    #[must_use]
    pub fn sentence(&self, sentence: &str) -> String {
        let mut text = String::new();
        for (number, part) in sentence.split('`').enumerate() {
            if number > 0 {
                text.push('`');
            }
            if number % 2 == 0 {
                text.push_str(&part.replace(&LINE_BYTES.to_string(), &self.line.to_string()));
                continue;
            }
            match part.split_once(' ') {
                Some((word, rest)) if self.command(word) != word => {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{} {rest}", self.command(word));
                }
                None if self.command(part) != part => text.push_str(&self.command(part)),
                _ => text.push_str(&self.reply(part)),
            }
        }
        text
    }

    /// A transcript with the lengths that follow from the limit. Its words stay; the client that
    /// is played changes them.
    #[must_use]
    pub fn transcript(&self, text: &str) -> String {
        let left = self.line - self.commands[1].len() - 1;
        let of_a_text = LINE_BYTES - "say ".len();
        // The longest text, one byte more, the same in characters of two bytes, and a long line.
        [
            (of_a_text, left),
            (of_a_text + 1, left + 1),
            (of_a_text / 2, left / 2),
            (of_a_text / 2 + 1, left / 2 + 1),
            (LINE_BYTES + 1, self.line + 1),
        ]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| {
            text.replace(&format!("*{from}}}"), &format!("*{to}}}"))
        })
    }

    fn with_argument(&self, text: &str, own: &str, rest: &str) -> String {
        match (text, rest.strip_prefix(": ")) {
            ("Unknown command", Some(word)) => format!("{own}: {}", self.command(word)),
            ("Line Too Long", Some(_)) => format!("{own}: {}", self.line),
            _ => format!("{own}{rest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_word_is_left_and_none_stands_for_two() {
        for seed in 0..200 {
            let variant = Variant::new(seed);
            let own: HashSet<_> = variant.pairs().map(|(_, own)| own).collect();
            assert_eq!(own.len(), variant.pairs().count(), "{seed}");
            assert!(variant.pairs().all(|(word, own)| word != own), "{seed}");
            assert!(variant.line > LINE_BYTES, "{seed}");
            assert_eq!(variant, Variant::new(seed));
        }
        assert_ne!(Variant::new(1).page(), Variant::new(2).page());
    }

    #[test]
    fn the_page_says_every_word_and_no_other() {
        for seed in 0..20 {
            let variant = Variant::new(seed);
            let page = variant.page();
            assert!(!page.contains(['{', '}']), "{page}");
            for (word, own) in variant.pairs() {
                assert!(page.contains(own), "{own}");
                assert!(!page.contains(&format!("`{word}")), "{word}");
            }
            assert!(page.contains(&variant.line.to_string()));
        }
    }

    #[test]
    fn lines_of_the_server_change_and_what_users_say_does_not() {
        let variant = Variant::new(7);
        let own = |word: &str| variant.pairs().find(|(other, _)| *other == word).unwrap().1;
        assert_eq!(variant.reply("Login Success"), own("Login Success"));
        let unknown = format!("{}: {}", own("Unknown command"), own("say"));
        assert_eq!(variant.reply("Unknown command: say"), unknown);
        let unknown = format!("{}: dance", own("Unknown command"));
        assert_eq!(variant.reply("Unknown command: dance"), unknown);
        let left = format!("ann{}", own(" has left the room."));
        assert_eq!(variant.reply("ann has left the room."), left);
        let too_long = format!("{}: {}", own("Line Too Long"), variant.line);
        assert_eq!(variant.reply("Line Too Long: 4096"), too_long);
        for said in ["ann: Login Success", "ann: bob has left the room.", "Login Successful"] {
            assert_eq!(variant.reply(said), said);
        }
        let sentence = variant.sentence("The answer to `say TEXT` is not `Login Success`, Login.");
        let expected = format!(
            "The answer to `{} TEXT` is not `{}`, Login.",
            own("say"),
            own("Login Success")
        );
        assert_eq!(sentence, expected);
    }
}
