//! Which names look the same. Each text has a key, and two texts with equal keys are one name.
//!
//! The key must serve two wishes. Names are compared without case: `Вера` is `вера`. And they are
//! compared by how they look (the skeletons of UTS #39, section 4): Cyrillic `сор` is `cop`. But how
//! a letter looks depends on its case: `I` looks like `l` and `i` does not, Cyrillic `В` looks like `B`
//! and `в` like nothing in Latin. So the key is made of whichever case of the *whole* name looks like
//! ASCII, and of the lower case when none does.

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// What names are compared by.
pub fn key(text: &str) -> String {
    let composed: String = text.nfkc().collect();
    // To and fro, so that the two small sigmas of Greek are one, and so are `ẞ`, `ß` and `SS`.
    let upper: String = lowered(&composed).chars().flat_map(char::to_uppercase).collect();
    let lower = lowered(&upper);
    let [lower, upper] = [fold(&lower), fold(&upper)];
    if upper.is_ascii() && !lower.is_ascii() { upper } else { lower }
}

/// Whether the text, in the case it is written in, looks like ASCII and is not equal to the name
/// that it looks like. Such a name cannot be allowed: `ΝΥ` in Greek is `NY` to everybody who
/// reads it, and in lower case, where it is `νυ`, it looks like `vu`.
pub fn passes_for_another(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let composed: String = text.nfkc().collect();
    let look = fold(&composed);
    look.is_ascii() && look != key(text)
}

/// The skeleton of the text, and what of it is still one to the eye: the skeleton of `0` is `O`,
/// so it needs to be lowered once more, and `i` goes with `l` because `I` does.
fn fold(text: &str) -> String {
    let look: String = skeleton(text).collect();
    let lower = lowered(&look);
    let folded = skeleton(&lower).map(|letter| if letter == 'i' { 'l' } else { letter });
    folded.collect()
}

fn lowered(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_has_one_key() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "aIice"),
            ("alice", "a1ice"),
            ("Ian", "lan"),
            ("BOB", "B0B"),
            ("bob", "B0b"),
            ("paypal", "paypaI"),
            ("main", "maln"),
            ("main", "rnain"),
            ("MAIN", "rnain"),
            ("userl", "user1"),
            ("Zoé", "Zoe\u{301}"),
            ("김", "\u{1100}\u{1175}\u{11b7}"),
            // Cyrillic, in either case.
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}\u{4cf}"),
            ("cc", "\u{441}\u{441}"),
            ("BOBA", "ВОВА"),
            ("boba", "вова"),
            ("Bepa", "Вера"),
            ("вера", "ВЕРА"),
            // Greek.
            ("TOM", "ΤΟΜ"),
            ("Νίκος", "ΝΊΚΟΣ"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in [("alice", "alicia"), ("nun", "vuv"), ("run", "yuy"), ("bar", "6ar")] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn letters_of_ascii_that_look_the_same_are_the_same_everywhere() {
        let ascii = || ('0'..='9').chain('A'..='Z').chain('a'..='z').map(String::from);
        let look = |text: &str| skeleton(text).collect::<String>();
        let mut pairs = 0;
        for one in ascii().chain([String::from("rn")]) {
            for other in ascii().filter(|other| *other != one) {
                let is_same = look(&one) == look(&other)
                    || look(&one.to_lowercase()) == look(&other.to_lowercase());
                if !is_same {
                    continue;
                }
                pairs += 1;
                for (before, after) in [("", ""), ("a", "Z"), ("Bo", "0"), ("x.", "-l")] {
                    let [one, other] =
                        [&one, &other].map(|middle| format!("{before}{middle}{after}"));
                    assert_eq!(key(&one), key(&other), "{one} {other}");
                }
            }
        }
        // Each letter in two cases, I l 1, O 0 and rn m among them.
        assert!(pairs > 52, "only {pairs} pairs");
    }

    #[test]
    fn every_letter_is_the_same_in_both_cases() {
        let mut letters = 0;
        for letter in '\0'..=char::MAX {
            let [upper, lower]: [String; 2] =
                [letter.to_uppercase().collect(), letter.to_lowercase().collect()];
            if upper == lower {
                continue;
            }
            letters += 1;
            for text in [letter.to_string(), format!("a{letter}"), format!("и{letter}")] {
                assert_eq!(key(&text), key(&text.to_uppercase()), "{text}");
                assert_eq!(key(&text), key(&text.to_lowercase()), "{text}");
            }
        }
        assert!(letters > 2000, "only {letters} letters");
    }

    #[test]
    fn what_passes_for_another_name_is_found() {
        for (text, expected) in
            [("ΝΥ", true), ("νυ", false), ("NY", false), ("Вера", false), ("Νίκος", false)]
        {
            assert_eq!(passes_for_another(text), expected, "{text}");
        }
    }
}
