//! Bytes from a stranger, as they may be shown on a terminal.

use std::fmt::Write as _;

/// Characters that are shown of one line.
const SHOWN_CHARACTERS: usize = 100;

/// Characters that are shown of a line of a program's own output: the end of an error counts.
pub(crate) const OUTPUT: usize = 400;

/// `bytes` with everything escaped that could act on a terminal, and shortened where it is long.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    shown_up_to(SHOWN_CHARACTERS, bytes)
}

/// The same, shortened to so many characters.
pub(crate) fn shown_up_to(characters: usize, bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut count = 0;
    // A character is one to four bytes, so no more than these can be shown.
    let start = &bytes[..bytes.len().min(4 * characters + 4)];
    for chunk in start.utf8_chunks() {
        for character in chunk.valid().chars() {
            if count == characters {
                let _ = write!(text, "... ({} bytes)", bytes.len());
                return text;
            }
            count += 1;
            if character.is_control() {
                // Writing to a string cannot fail.
                let _ = match character {
                    '\n' | '\r' | '\t' => write!(text, "{}", character.escape_default()),
                    _ if character.is_ascii() => write!(text, "\\x{:02x}", u32::from(character)),
                    _ => write!(text, "{}", character.escape_unicode()),
                };
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        assert_eq!(shown("a\x1b[2Jé\u{9b}\n".as_bytes()), r"a\x1b[2Jé\u{9b}\n");
        assert_eq!(shown(b"\xff\xc3x"), r"\xff\xc3x");
        assert_eq!(shown(&[b'x'; 4096]), format!("{}... (4096 bytes)", "x".repeat(100)));
    }
}
