//! [`UserName`] and [`RoomName`]: which texts are names, and which names are one.
//!
//! Anybody may pick a name, so no name may pass for another one, and none may break the lines in
//! which it stands. The rules are those of Unicode's security report, UTS #39
//! (<https://www.unicode.org/reports/tr39/>); its tables come from the crate `unicode-security`.

mod likeness;
mod reserved;

use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::restriction_level::RestrictionLevel;
use unicode_security::{GeneralSecurityProfile, RestrictionLevelDetection};

use self::likeness::key;
use crate::limits::NAME_CHARACTERS;

/// So many marks may stand on one letter. UTS #39, section 5.4, takes more for a sign of a forgery.
const MARKS_ON_A_LETTER: usize = 4;

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
    /// In the case it is written in, it looks like a name in Latin letters, and is not equal to it.
    #[error("it looks like a name in other letters")]
    LooksLatin,
    /// An IP address, or part of one, or what looks like one: nobody could ban such a name.
    #[error("it reads as an address")]
    Address,
    /// A word that the protocol itself uses, or the name of a role.
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

/// A text as names are shown: in Unicode's composed form, NFC. Letters that come in parts, as Hangul
/// and accents do on some systems, are put together.
#[must_use]
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

fn check(text: &str, reserved: &[String]) -> Result<String, NameError> {
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
    if likeness::passes_for_another(text) {
        return Err(NameError::LooksLatin);
    }
    let key = key(text);
    if reserved.contains(&key) {
        return Err(NameError::Reserved);
    }
    Ok(key)
}

/// Whether a name of this key reads as an IPv4 address, or as a mistyped one: `10.0.0.1`, `10.0.0.300`,
/// `10.1`, `lO.0.0.l`, and what inet_aton(3) takes, such as `0x7f000001` and `0x7f.1`; but not a number
/// alone, for people have those. No name reads as an IPv6 address, since none has a colon.
fn is_address(text: &str, key: &str) -> bool {
    let is_hex = |part: &str| {
        let digits = part.strip_prefix("0x").or(part.strip_prefix("0X"));
        digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let is_decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !text.contains('.') {
        return is_hex(text);
    }
    let digits = self::key("0123456789");
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|it| digits.contains(it));
    let parts: Vec<_> = key.split('.').collect();
    text.split('.').all(|part| is_hex(part) || is_decimal(part))
        || (parts.len() == 4 && parts.into_iter().all(is_number))
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

fn check_user(text: &str) -> Result<String, NameError> {
    let key = check(text, &reserved::FOR_USERS)?;
    if is_address(text, &key) { Err(NameError::Address) } else { Ok(key) }
}

macro_rules! name_type {
    ($(#[$documentation:meta])* $name:ident, $check:expr) => {
        $(#[$documentation])*
        ///
        /// It is shown as it was written (in Unicode's composed form, NFC), and compared by how it
        /// looks: `Cop`, `cop` and the Cyrillic `сор` are one name, so only one of them can exist.
        #[derive(Clone)]
        pub struct $name {
            shown: Box<str>,
            key: Box<str>,
        }

        impl $name {
            /// Reads a name. Letters that come in parts, as Hangul and accents from some systems
            /// do, are put together first.
            ///
            /// # Errors
            ///
            /// Says why `text` is no such name.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let shown = composed(text);
                let key = ($check)(&shown)?;
                Ok(Self { shown: shown.into(), key: key.into() })
            }

            /// The name as it is shown.
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
    check_user
);
name_type!(
    /// The name of a room.
    RoomName,
    |text| check(text, &reserved::FOR_ROOMS)
);

impl RoomName {
    /// The room that everybody enters first, and that always exists.
    #[must_use]
    pub fn main() -> Self {
        Self { shown: "main".into(), key: key("main").into() }
    }
}

#[cfg(test)]
mod tests;
