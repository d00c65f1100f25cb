//! From what programs print to what can be said: no colours, indentation that stays, no line too long.
//!
//! Pure.

use protocol::limits::LINE_BYTES;
use unicode_segmentation::UnicodeSegmentation;

use crate::model::commands::columns;

/// Lines that are taken at most, in bytes. A longer one is refused as it is elsewhere.
pub const LONGEST: usize = 1024 * 1024;

/// What fits into a request beside so many bytes of it, of which a server takes [`LINE_BYTES`].
#[must_use]
pub fn space_beside(bytes: usize) -> usize {
    LINE_BYTES.saturating_sub(bytes).max(1)
}

/// The lines that say `line`, of `most` bytes each.
///
/// - Sequences of controls that begin with ESC are left out (ECMA-48, 5.4 and 5.6), and all other controls but
///   tabs. Of a line that a program has written over and over, as a progress bar, the last state is left.
/// - White space at the beginning, which servers trim, becomes no-break spaces.
/// - What is too long is divided at white space, or within a word that alone is too long.
#[must_use]
pub fn lines(line: &str, most: usize) -> Vec<String> {
    let line = without_controls(last_state(line));
    let text = line.trim_start_matches(|it: char| it.is_ascii_whitespace());
    let mut rest = match text {
        "" => String::new(),
        text => "\u{a0}".repeat(columns(&line[..line.len() - text.len()])) + text,
    };
    let mut lines = Vec::new();
    while rest.len() > most {
        let end = end_of_line(&rest, most);
        lines.push(rest[..end].trim_ascii_end().to_owned());
        rest.drain(..end);
        let blank = rest.len() - rest.trim_ascii_start().len();
        rest.drain(..blank);
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest);
    }
    lines
}

/// What stands behind the last carriage return that has something behind it.
fn last_state(line: &str) -> &str {
    line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default()
}

/// Where to divide a text that is longer than `most` bytes.
fn end_of_line(text: &str, most: usize) -> usize {
    let mut whole = most;
    while !text.is_char_boundary(whole) {
        whole -= 1;
    }
    // Not in the indentation, of which nothing would be left.
    let start = text.len() - text.trim_start_matches('\u{a0}').len();
    let fits = &text[..whole];
    if let Some(space) = fits.rfind([' ', '\t']).filter(|space| *space > start) {
        return space + 1;
    }
    // A word that alone is too long is divided between characters as readers see them, where one fits.
    let ends = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
    let fitting = ends.take_while(|end| *end <= most).last();
    fitting.unwrap_or(whole).max(text.chars().next().map_or(1, char::len_utf8))
}

fn without_controls(text: &str) -> String {
    let mut rest = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => match rest.next() {
                Some('[') => skip_parameters(&mut rest),
                // Strings, up to BEL or ST.
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut rest),
                // Others end with the first character that is no intermediate one.
                Some(' '..='/') => {
                    rest.find(|it| !matches!(it, ' '..='/'));
                }
                Some(_) | None => {}
            },
            '\u{9b}' => skip_parameters(&mut rest),
            '\t' => plain.push('\t'),
            control if control.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Behind CSI: up to the final character.
fn skip_parameters(rest: &mut std::str::Chars<'_>) {
    rest.find(|it| matches!(it, '@'..='~'));
}

fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(character) = rest.next() {
        match character {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_indentation_stays() {
        for (line, expected) in [
            ("\u{1b}[1;31merror\u{1b}[0m: x", "error: x"),
            ("\u{1b}]8;;http://h\u{1b}\\link\u{1b}]8;;\u{7} end", "link end"),
            ("\u{1b}(B\u{1b}=a\u{8}b\u{0}", "ab"),
            ("\u{9b}32mok", "ok"),
            ("10%\r50%\r100%\r", "100%"),
            ("  let x\t= 1;", "\u{a0}\u{a0}let x\t= 1;"),
            ("\tx", "\u{a0}\u{a0}\u{a0}\u{a0}x"),
            ("  ", ""),
            ("\u{1b}[0m", ""),
            ("\u{1b}[31", ""),
        ] {
            assert_eq!(lines(line, 100), [expected], "{line:?}");
        }
    }

    #[test]
    fn long_lines_are_divided_at_words() {
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(lines("  one two", 8), ["\u{a0}\u{a0}one", "two"]);
        assert_eq!(lines("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(lines("e\u{301}e\u{301}e\u{301}", 7), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(lines("\u{1f600}", 1), ["\u{1f600}"]);
        let long = format!("{}{}", " ".repeat(90), "word ".repeat(3000));
        let divided = lines(&long, 4092);
        assert!(divided.iter().all(|line| line.len() <= 4092), "{divided:?}");
        assert_eq!(divided.join(" ").split_whitespace().count(), 3000);
    }
}
