//! Text from the network, made safe to show: the one gate between a server and a terminal or file.
//!
//! The other side may be anybody's program. A control character could move the cursor, rename the
//! window or answer in the user's place; a bidirectional override could turn a sentence round; a
//! character without width could hide in a name. Each becomes a mark that one can see.
//!
//! A few characters without width have a visible effect at certain places: emoji and several scripts
//! are written with them. They stay at these places, and nowhere else (`stands`).

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::{Deref, RangeInclusive};

use unicode_normalization::char::canonical_combining_class;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Characters that are neither controls nor visible: they change how their neighbours look.
///
/// All of `Default_Ignorable_Code_Point` in `DerivedCoreProperties.txt` of Unicode 16, and besides
/// them the separators of lines and paragraphs and the marks of annotations.
const HIDDEN: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Where the letters of cursive scripts are, which join their neighbours (Unicode 16, chapters 9, 10,
/// 13, 14 and 19).
const CURSIVE: &[RangeInclusive<char>] = &[
    '\u{600}'..='\u{77f}',
    '\u{7c0}'..='\u{7ff}',
    '\u{840}'..='\u{8ff}',
    '\u{1800}'..='\u{18af}',
    '\u{a840}'..='\u{a87f}',
    '\u{10ac0}'..='\u{10aff}',
    '\u{10b80}'..='\u{10baf}',
    '\u{10d00}'..='\u{10d3f}',
    '\u{10f30}'..='\u{10f6f}',
    '\u{10f70}'..='\u{10fdf}',
    '\u{1e900}'..='\u{1e95f}',
];

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// The canonical combining class of the signs that take the vowel from a consonant.
const VIRAMA: u8 = 9;

/// Characters of a text that are looked at before a joiner. Longer sequences are not in use.
const CONTEXT: usize = 6;

/// Tabs reach to the next stop of the terminal, which no log and no other terminal shares.
const TAB: &str = "    ";

/// A text that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitized<'a>(Cow<'a, str>);

impl<'a> Sanitized<'a> {
    /// Replaces what must not be shown as it is: `␛` for a control of ASCII, `<U+202E>` for others.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        if !text.chars().any(|character| character.is_control() || is_hidden(character)) {
            return Self(text.into());
        }
        let mut safe = String::with_capacity(text.len() + 16);
        for (at, character) in text.char_indices() {
            match character {
                '\t' => safe.push_str(TAB),
                '\0'..='\x1f' => safe.extend(char::from_u32(0x2400 + u32::from(character))),
                '\x7f' => safe.push('\u{2421}'),
                _ if character.is_control()
                    || (is_hidden(character)
                        && !stands(character, &safe, &text[at + character.len_utf8()..])) =>
                {
                    // Writing into a string does not fail.
                    let _ = write!(safe, "<U+{:04X}>", u32::from(character));
                }
                visible => safe.push(visible),
            }
        }
        Self(safe.into())
    }
}

impl Deref for Sanitized<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn is_hidden(character: char) -> bool {
    is_in(HIDDEN, character)
}

fn is_in(ranges: &[RangeInclusive<char>], character: char) -> bool {
    // They are sorted, and nearly all text stands before the first.
    character >= *ranges[0].start() && ranges.iter().any(|range| range.contains(&character))
}

/// Whether a hidden character has an effect that one sees, between what is shown `before` it and what
/// comes `after` it.
///
/// What is asked about `before` is asked about the text as it is shown, so a mark in it parts a
/// sequence, and a text that was made safe once stays as it is.
fn stands(character: char, before: &str, after: &str) -> bool {
    match character {
        JOINER => joins_letters(before, after) || joins_emoji(before, after),
        NON_JOINER => joins_letters(before, after),
        TEXT_STYLE | EMOJI_STYLE => styles_emoji(before, after),
        _ => false,
    }
}

/// The rules for joiners in RFC 5892, appendix A, wider in one point: any two letters of cursive
/// scripts may stand on both sides, because many people write the non-joiner behind every stem.
fn joins_letters(before: &str, after: &str) -> bool {
    let is_mark = |character: &char| canonical_combining_class(*character) != 0;
    if before.chars().next_back().is_some_and(|last| canonical_combining_class(last) == VIRAMA) {
        return true;
    }
    let is_letter = |character: char| is_in(CURSIVE, character) && character.is_alphabetic();
    let last = before.chars().rev().take(CONTEXT).find(|character| !is_mark(character));
    let next = after.chars().take(CONTEXT).find(|character| !is_mark(character));
    last.is_some_and(is_letter) && next.is_some_and(is_letter)
}

/// Whether a joiner makes one emoji of two (UAX #29, rule GB11; UTS #51, ED-16).
fn joins_emoji(before: &str, after: &str) -> bool {
    let Some(next) = after.chars().next() else { return false };
    // Whatever continues a cluster without any joiner is not joined by this one.
    let continues = format!("a{next}").graphemes(true).nth(1).is_none();
    let start = before.char_indices().rev().take(CONTEXT).last().map_or(0, |(at, _)| at);
    let joined = format!("{}{JOINER}{next}", &before[start..]);
    let last = joined.graphemes(true).next_back().unwrap_or_default();
    !continues && last.contains(JOINER)
}

/// Whether what comes before has a look as a text and another as an emoji (UTS #51, ED-8a and ED-9a).
fn styles_emoji(before: &str, after: &str) -> bool {
    let Some(base) = before.chars().next_back() else { return false };
    let has_both = [TEXT_STYLE, EMOJI_STYLE].iter().any(|style| {
        let styled = format!("{base}{style}");
        styled.width() != base.to_string().width()
    });
    // Digits are emoji only as keycaps.
    has_both && (!base.is_ascii() || after.starts_with(KEYCAP))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

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
            ("a\u{34f}\u{fe0f}b\u{e0100}", "a<U+034F><U+FE0F>b<U+E0100>"),
            ("1\u{fe0f} 👩\u{200d} \u{200d}👩", "1<U+FE0F> 👩<U+200D> <U+200D>👩"),
            ("👩\u{200d}\u{200d}👩", "👩<U+200D><U+200D>👩"),
            ("👩\u{200b}\u{200d}👩", "👩<U+200B><U+200D>👩"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}<U+FE0F>"),
            ("a\u{200c}b а\u{200d}б א\u{200d}\u{301}", "a<U+200C>b а<U+200D>б א<U+200D>\u{301}"),
            ("\u{645}\u{200c} \u{200c}\u{645}", "\u{645}<U+200C> <U+200C>\u{645}"),
        ] {
            assert_eq!(&*Sanitized::new(text), expected);
        }
    }

    #[test]
    fn joiners_and_styles_stay_where_one_sees_what_they_do() {
        for text in [
            "👩\u{200d}👩\u{200d}👧 👩🏽\u{200d}🚀 🏳\u{fe0f}\u{200d}🌈 👁\u{fe0f}\u{200d}🗨\u{fe0f}",
            "❤\u{fe0f} ❤\u{fe0e} ⌚\u{fe0f} ⌚\u{fe0e} 1\u{fe0f}\u{20e3}",
            // Persian, with and without a vowel sign at the joiner.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{628}\u{64e}\u{200c}\u{628} \u{6a9}\u{627}\u{631}\u{200c}\u{647}\u{627}",
            // Hindi and Malayalam: behind a virama.
            "\u{915}\u{94d}\u{200d}\u{937} \u{915}\u{94d}\u{200c}\u{937} \u{d23}\u{d4d}\u{200d}",
        ] {
            assert_eq!(&*Sanitized::new(text), text);
        }
    }

    #[test]
    fn every_character_that_may_be_ignored_is_hidden() {
        let ignorable = Regex::new(r"^\p{Default_Ignorable_Code_Point}$").unwrap();
        // The standard library may know newer letters than the regular expressions do.
        let cursive = Regex::new(concat!(
            r"^[\p{scx=Arabic}\p{scx=Syriac}\p{scx=Nko}\p{scx=Mandaic}\p{scx=Mongolian}\p{scx=Phags_Pa}",
            r"\p{scx=Manichaean}\p{scx=Psalter_Pahlavi}\p{scx=Hanifi_Rohingya}\p{scx=Sogdian}",
            r"\p{scx=Old_Uyghur}\p{scx=Chorasmian}\p{scx=Adlam}\p{Cn}]$"
        ))
        .unwrap();
        let text = &mut [0; 4];
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = character.encode_utf8(text);
            if ignorable.is_match(text) {
                assert!(is_hidden(character), "{character:?}");
            }
            if is_in(CURSIVE, character) && character.is_alphabetic() {
                assert!(cursive.is_match(text), "{character:?}");
            }
        }
    }

    #[test]
    fn no_control_character_is_ever_left() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = character.to_string();
            let safe = Sanitized::new(&text);
            assert!(!safe.chars().any(char::is_control), "{character:?}");
            assert_eq!(*Sanitized::new(&safe), *safe, "safe text stays as it is");
        }
    }

    #[test]
    fn what_is_safe_stays_as_it_is() {
        const PARTS: [&str; 12] = [
            "\u{200c}", "\u{200d}", "\u{fe0f}", "\u{fe00}", "👩", "❤", "🏽", "\u{645}", "\u{64e}",
            "\u{915}", "\u{94d}", "a",
        ];
        for number in 0..PARTS.len().pow(5) {
            let part = |place: u32| PARTS[number / PARTS.len().pow(place) % PARTS.len()];
            let text: String = (0..5).map(part).collect();
            let safe = Sanitized::new(&text);
            assert_eq!(*Sanitized::new(&safe), *safe, "{text:?}");
        }
    }
}
