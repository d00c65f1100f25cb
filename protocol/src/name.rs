//! Names of users and rooms: which are allowed, and which are equal.
//!
//! Anybody may pick a name, so a name must not be able to pass for another one or to break the
//! lines it stands in. The rules are those of Unicode's security report, UTS #39
//! (<https://www.unicode.org/reports/tr39/>); its tables come from the crate `unicode-security`.

use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::restriction_level::RestrictionLevel;
use unicode_security::{GeneralSecurityProfile, RestrictionLevelDetection, confusable_detection};

use crate::limits::NAME_CHARACTERS;

/// UTS #39, 5.4: more nonspacing marks than this on one letter are a sign of a forgery.
const MARKS_ON_A_LETTER: usize = 4;

/// Names that would make a line of a user look like a line of the server: `server` itself, and
/// the words before the colon of the server's lists and answers (`Kicked: ...`), and what would make
/// a row of `look` read as the fence that ends it (`pong`).
const RESERVED_FOR_USERS: [&str; 8] =
    ["server", "topic", "rooms", "history", "commands", "usage", "kicked", "pong"];

/// The same for a row of `rooms` (`pong 1`).
const RESERVED_FOR_ROOMS: [&str; 2] = ["server", "pong"];

/// Why a text is no name. Its text is what follows `UserName Invalid: ` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of it after trimming. The protocol has a reply of its own for this.
    #[error("it is empty")]
    Empty,
    /// More than [`NAME_CHARACTERS`].
    #[error("longer than {NAME_CHARACTERS} characters")]
    TooLong,
    /// A character that names do not have.
    #[error("{} is not allowed", Shown(*.0))]
    Character(char),
    /// A character that names have, but do not start with.
    #[error("it must not start with {}", Shown(*.0))]
    Start(char),
    /// One mark twice, or very many marks, on a letter.
    #[error("too many marks on one letter")]
    Marks,
    /// More scripts than Latin together with one of Chinese, Japanese or Korean.
    #[error("it mixes scripts")]
    MixedScripts,
    /// A word that the protocol itself uses.
    #[error("reserved")]
    Reserved,
}

/// A character in an error text: itself where that is harmless, its number otherwise.
struct Shown(char);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ' ' => f.write_str("a space"),
            visible if visible.is_ascii_graphic() => write!(f, "{visible}"),
            other => write!(f, "U+{:04X}", u32::from(other)),
        }
    }
}

/// What two names are compared by: names with equal keys look the same.
fn key(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    confusable_detection::skeleton(&folded).collect()
}

fn check(text: &str, reserved: &[&str]) -> Result<String, NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if text.chars().count() > NAME_CHARACTERS {
        return Err(NameError::TooLong);
    }
    if let Some(character) = text.chars().find(|&character| !is_allowed(character)) {
        return Err(NameError::Character(character));
    }
    if matches!(first, '_' | '.' | '-') || is_combining_mark(first) {
        return Err(NameError::Start(first));
    }
    if has_too_many_marks(text) {
        return Err(NameError::Marks);
    }
    if !text.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(NameError::MixedScripts);
    }
    let key = key(text);
    if reserved.iter().any(|word| self::key(word) == key) {
        return Err(NameError::Reserved);
    }
    Ok(key)
}

/// The letters, digits and marks that UTS #39 recommends for identifiers. The punctuation it
/// merely permits (type Inclusion, among it `:` and `'`) would blur where a name ends.
fn is_allowed(character: char) -> bool {
    matches!(character, '_' | '.' | '-')
        || character.identifier_type() == Some(IdentifierType::Recommended)
}

fn has_too_many_marks(text: &str) -> bool {
    let (mut marks, mut previous) = (0, None);
    for character in text.nfd() {
        let is_mark = is_combining_mark(character);
        marks = if is_mark { marks + 1 } else { 0 };
        if marks > MARKS_ON_A_LETTER || (is_mark && previous == Some(character)) {
            return true;
        }
        previous = Some(character);
    }
    false
}

macro_rules! name_type {
    ($(#[$documentation:meta])* $name:ident, $reserved:expr) => {
        $(#[$documentation])*
        ///
        /// It is shown as it was written, and compared by how it looks: `Cop`, `cop` and the
        /// Cyrillic `сор` are one name, so only one of them can exist.
        #[derive(Clone)]
        pub struct $name {
            shown: Box<str>,
            key: Box<str>,
        }

        impl $name {
            /// # Errors
            ///
            /// Says why `text` is no such name.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let key = check(text, &$reserved)?;
                Ok(Self { shown: text.into(), key: key.into() })
            }

            /// The name as its user wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.shown
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.key == other.key
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key.hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.shown)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.shown)
            }
        }
    };
}

name_type!(
    /// The name of a user.
    UserName,
    RESERVED_FOR_USERS
);
name_type!(
    /// The name of a room.
    RoomName,
    RESERVED_FOR_ROOMS
);

impl RoomName {
    /// The room that everybody enters first, and that always exists.
    #[must_use]
    pub fn main() -> Self {
        Self { shown: "main".into(), key: key("main").into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_user(text: &str, expected: Result<(), &str>) {
        let answer = UserName::parse(text).map(drop).map_err(|error| error.to_string());
        assert_eq!(answer, expected.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn names_from_everywhere_are_allowed() {
        for name in [
            "alice",
            "Bob_2",
            "7of9",
            "a",
            "jean-luc.p",
            "Zoé",
            "Ærø",
            "Çelik",
            "Nguyễn",
            "王小明",
            "李雷Tom",
            "さくら",
            "김철수",
            "محمد",
            "אברהם",
            "अनिता",
            "हिन्दी",
            "Ольга",
            "Γιώργος",
            "สมชาย",
            "தமிழ்",
            "Łukasz",
            "ñandú",
        ] {
            check_user(name, Ok(()));
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (name, why) in [
            ("", "it is empty"),
            ("al ice", "a space is not allowed"),
            ("a:b", ": is not allowed"),
            ("o'neil", "' is not allowed"),
            ("a/b", "/ is not allowed"),
            ("tab\there", "U+0009 is not allowed"),
            ("bell\u{7}", "U+0007 is not allowed"),
            ("-rf", "it must not start with -"),
            (".hidden", "it must not start with ."),
            ("..", "it must not start with ."),
            ("_x", "it must not start with _"),
            ("\u{301}a", "it must not start with U+0301"),
            ("Server", "reserved"),
            ("TOPIC", "reserved"),
        ] {
            check_user(name, Err(why));
        }
        check_user(&"x".repeat(NAME_CHARACTERS), Ok(()));
        check_user(&"王".repeat(NAME_CHARACTERS), Ok(()));
        check_user(&"x".repeat(NAME_CHARACTERS + 1), Err("longer than 32 characters"));
    }

    #[test]
    fn forgeries_are_refused() {
        for (name, why) in [
            ("b\u{43e}b", "it mixes scripts"),
            ("p\u{430}ypal", "it mixes scripts"),
            ("αdmin", "it mixes scripts"),
            ("a\u{200b}b", "U+200B is not allowed"),
            ("a\u{200d}b", "U+200D is not allowed"),
            ("a\u{feff}", "U+FEFF is not allowed"),
            ("\u{202e}ecila", "U+202E is not allowed"),
            ("\u{2066}a", "U+2066 is not allowed"),
            ("ａlice", "U+FF41 is not allowed"),
            ("ﬁsh", "U+FB01 is not allowed"),
            ("a\u{3164}", "U+3164 is not allowed"),
            ("a\u{301}\u{301}", "too many marks on one letter"),
            ("a\u{300}\u{301}\u{302}\u{303}\u{304}", "too many marks on one letter"),
            ("🙂", "U+1F642 is not allowed"),
        ] {
            check_user(name, Err(why));
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("Zoé", "Zoe\u{301}"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}\u{4cf}"),
            ("cc", "\u{441}\u{441}"),
            ("userl", "user1"),
            ("rnain", "main"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("alice"), key("alicia"));
        assert_eq!(RoomName::main(), RoomName::parse("MAIN").unwrap());
    }
}
