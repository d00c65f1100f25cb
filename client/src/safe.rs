//! Text from the network, made safe to show: the one gate between a server and a terminal or file.
//!
//! The other side may be anybody's program. A control character could move the cursor, rename the
//! window or answer in the user's place; a bidirectional override could turn a sentence round; a
//! character without width could hide in a name. Each becomes a mark that one can see.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::{Deref, RangeInclusive};

/// Characters that are neither controls nor visible: they change how their neighbours look.
const HIDDEN: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e007f}',
];

/// Tabs reach to the next stop of the terminal, which no log and no other terminal shares.
const TAB: &str = "    ";

/// A text that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safe<'a>(Cow<'a, str>);

impl<'a> Safe<'a> {
    /// Replaces what must not be shown as it is: `␛` for a control of ASCII, `<U+202E>` for others.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        if !text.chars().any(|character| character.is_control() || is_hidden(character)) {
            return Self(text.into());
        }
        let mut safe = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            match character {
                '\t' => safe.push_str(TAB),
                '\0'..='\x1f' => safe.extend(char::from_u32(0x2400 + u32::from(character))),
                '\x7f' => safe.push('\u{2421}'),
                _ if character.is_control() || is_hidden(character) => {
                    // Writing into a string does not fail.
                    let _ = write!(safe, "<U+{:04X}>", u32::from(character));
                }
                visible => safe.push(visible),
            }
        }
        Self(safe.into())
    }
}

impl Deref for Safe<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn is_hidden(character: char) -> bool {
    HIDDEN.iter().any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_becomes_visible() {
        for (text, expected) in [
            ("plain, é 漢字 🙂 \u{a0}x", "plain, é 漢字 🙂 \u{a0}x"),
            ("\u{1b}[2Jx", "␛[2Jx"),
            ("\u{0}\u{7}\u{8}\r\n\u{7f}", "␀␇␈␍␊␡"),
            ("a\tb", "a    b"),
            ("\u{9b}31m\u{85}", "<U+009B>31m<U+0085>"),
            ("\u{202e}txet\u{202c}", "<U+202E>txet<U+202C>"),
            ("\u{2066}a\u{2069}\u{200e}", "<U+2066>a<U+2069><U+200E>"),
            ("a\u{200b}b\u{200d}c\u{feff}", "a<U+200B>b<U+200D>c<U+FEFF>"),
            ("a\u{2028}b\u{2029}", "a<U+2028>b<U+2029>"),
            ("\u{e0041}\u{ad}", "<U+E0041><U+00AD>"),
        ] {
            assert_eq!(&*Safe::new(text), expected);
        }
    }

    #[test]
    fn no_control_character_is_ever_left() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = character.to_string();
            let safe = Safe::new(&text);
            assert!(!safe.chars().any(char::is_control), "{character:?}");
            assert_eq!(*Safe::new(&safe), *safe, "safe text stays as it is");
        }
    }
}
