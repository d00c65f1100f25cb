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
    let text = String::from_utf8_lossy(bytes);
    let is_a_request = |text: &str| REQUESTS.iter().any(|request| text.starts_with(request));
    if bytes.strip_suffix(b"\r") == Some(expected) {
        Some("a carriage return stands before the newline: lines end with \\n alone")
    } else if text.starts_with("b'") || text.contains(": b'") {
        Some("bytes were written as Python shows them: decode them first")
    } else if is_a_request(&text) && !is_a_request(&String::from_utf8_lossy(expected)) {
        Some("two lines came as one: TCP has no messages; what one recv gives is not a line")
    } else if !expected.is_empty() && bytes.len() > expected.len() && bytes.starts_with(expected) {
        Some(
            "more stands in the line than should: is a newline missing, or did two lines come as one?",
        )
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
        check("ann: a", bytes("ann: asay b"), Some("did two lines come as one"));
        check("ann: a", bytes("ann: a\r"), Some("carriage return"));
        check("ann: a", bytes("ann: b'a'"), Some("decode"));
        check("ann: a", bytes("ann: c"), None);
        check("ann: a", Got::Silence(b"ann: a".to_vec()), Some("without its newline"));
        check("ann: a", Got::Silence(Vec::new()), None);
    }
}
