//! Differences whose cause is known, whatever the check.

use crate::failure::{Difference, Got};

/// The usual cause of a difference like this one.
#[must_use]
pub fn hint(difference: &Difference) -> Option<&'static str> {
    let expected = difference.expected.as_bytes();
    match &difference.got {
        Got::Silence(bytes) if !bytes.is_empty() && bytes == expected => {
            Some("the line came without its newline: end every line with \\n")
        }
        Got::Bytes(bytes) => of_bytes(bytes, expected),
        _ => None,
    }
}

fn of_bytes(bytes: &[u8], expected: &[u8]) -> Option<&'static str> {
    const REQUESTS: [&str; 4] = ["say ", "login ", "look", "logout"];
    const ANSWERS: [&str; 4] = ["Login Success", "UserName ", "Online Users:", "Unknown command:"];
    const AS_ONE: &str =
        "two lines came as one: TCP has no messages; what one recv gives is not a line";
    let text = String::from_utf8_lossy(bytes);
    let starts = |text: &str, words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let surplus = bytes.strip_prefix(expected).filter(|_| !expected.is_empty());
    let surplus = String::from_utf8_lossy(surplus.unwrap_or_default());
    if bytes.is_empty() {
        Some("an empty line came: is a newline sent twice, or one where classic framing has none?")
    } else if bytes.strip_suffix(b"\r") == Some(expected) {
        Some("a carriage return stands before the newline: lines end with \\n alone")
    } else if text.starts_with("b'") || text.contains(": b'") {
        Some("bytes were written as Python shows them: decode them first")
    } else if starts(&text, &REQUESTS) || starts(&surplus, &REQUESTS) {
        Some(AS_ONE)
    } else if starts(&surplus, &ANSWERS) {
        Some("a newline is missing between two answers: end every line with \\n")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, got: Got, cause: Option<&str>) {
        let expected = expected.to_owned();
        let (client, line, before) = (String::new(), None, Vec::new());
        let hint = hint(&Difference { client, line, expected, got, before });
        assert_eq!(hint.is_some(), cause.is_some(), "{hint:?}");
        assert!(hint.unwrap_or_default().contains(cause.unwrap_or_default()), "{hint:?}");
    }

    #[test]
    fn known_causes_are_named() {
        let bytes = |text: &str| Got::Bytes(text.as_bytes().to_vec());
        check("ann: a", bytes("say b"), Some("two lines came as one"));
        check("ann: a", bytes("ann: asay b"), Some("two lines came as one"));
        check(
            "Connect Success",
            bytes("Connect SuccessLogin Success"),
            Some("a newline is missing"),
        );
        check("Unknown command: dance", bytes("Unknown command: dance for me"), None);
        check("ann: a", bytes("ann: a\r"), Some("carriage return"));
        check("ann: a", bytes("ann: b'a'"), Some("decode"));
        check("ann: a", bytes(""), Some("an empty line"));
        check("ann: a", bytes("ann: c"), None);
        check("ann: a", Got::Silence(b"ann: a".to_vec()), Some("without its newline"));
        check("ann: a", Got::Silence(Vec::new()), None);
    }
}
