//! Differences whose cause is known, whatever the check.

use protocol::Command;

use crate::failure::{Difference, Got};
use crate::peer::CLIENT;
use crate::variant::Variant;

/// Lines of a server that a newline must end.
const ANSWERS: [&str; 4] = ["Login Success", "UserName ", "Online Users:", "Unknown command:"];

/// Requests that every server must know.
const REQUESTS: [&str; 4] = ["say", "login", "look", "logout"];

/// The usual cause of a difference like this one, in the words of `variant` where the server
/// speaks one.
#[must_use]
pub fn hint(difference: &Difference, variant: Option<Variant>) -> Option<String> {
    let expected = difference.expected.as_bytes();
    match &difference.got {
        Got::Silence(bytes) if !bytes.is_empty() && bytes == expected => {
            Some("The line came without its newline: end every line with \\n.".to_owned())
        }
        Got::End(_) if difference.client == CLIENT => Some(
            "The client ended or closed the connection: read its errors, and wait for the server \
             in a loop."
                .to_owned(),
        ),
        Got::Bytes(bytes) => of_bytes(bytes, difference, Words { variant }),
        _ => None,
    }
}

/// The words of the protocol, or those that stand for them.
#[derive(Clone, Copy)]
struct Words {
    variant: Option<Variant>,
}

impl Words {
    fn request(self, word: &str) -> String {
        self.variant.map_or_else(|| word.to_owned(), |variant| variant.command(word))
    }

    fn line(self, line: &str) -> String {
        self.variant.map_or_else(|| line.to_owned(), |variant| variant.reply(line))
    }

    /// Words of the protocol stand between backticks.
    fn sentence(self, sentence: &str) -> String {
        self.variant.map_or_else(|| sentence.to_owned(), |variant| variant.sentence(sentence))
    }
}

fn of_bytes(bytes: &[u8], difference: &Difference, words: Words) -> Option<String> {
    let expected = difference.expected.as_bytes();
    let text = String::from_utf8_lossy(bytes);
    let is_request = |text: &str| {
        REQUESTS.iter().any(|word| {
            let word = words.request(word);
            text.strip_prefix(&word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    let surplus = bytes.strip_prefix(expected).filter(|_| !expected.is_empty());
    let surplus = String::from_utf8_lossy(surplus.unwrap_or_default());
    let is_answer = |text: &str| ANSWERS.iter().any(|line| text.starts_with(&words.line(line)));
    let unknown = words.line("Unknown command: ");
    let unknown =
        text.strip_prefix(&unknown).filter(|_| !difference.expected.starts_with(&unknown));
    let entered = words.line(" has entered the room.");
    let is_entry = |text: &str| text.ends_with(&entered) && !text.contains(": ");
    let hint = if bytes.is_empty() {
        "An empty line came: is a newline sent twice, or one where classic framing has none?"
    } else if bytes.strip_suffix(b"\r") == Some(expected) {
        "A carriage return stands before the newline: lines end with \\n alone."
    } else if text.starts_with("b'") || text.contains(": b'") {
        "Bytes were written as Python shows them: decode them first."
    } else if Command::ALL.iter().any(|it| difference.expected.starts_with(it.spec().usage)) {
        // A row of `help` begins as a request does, and so does another row in its place.
        return None;
    } else if is_request(&text) || !surplus.is_empty() && is_request(&surplus) {
        "Two lines came as one: TCP has no messages; what one recv gives is not a line."
    } else if is_answer(&surplus) {
        "A newline is missing between two answers: end every line with \\n."
    } else if unknown.is_some_and(is_request) {
        "The server does not know this request yet, or not in this room."
    } else if is_entry(&text)
        && !is_entry(&difference.expected)
        && !text.starts_with(&difference.client)
    {
        "Somebody is told of one who came before. `Login Success`, the entry into the list and \
         what the others are told belong together under one lock."
    } else if is_nearly(&text, &difference.expected) {
        "The texts differ only in small things: compare them with the page, sign by sign."
    } else {
        return None;
    };
    Some(words.sentence(hint))
}

/// Whether two texts differ, but not in their letters and digits.
fn is_nearly(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let is_clear = |text: &str| text.contains(": ");
    // What a user said is compared by the checks themselves, which know better.
    one != other && !is_clear(one) && !is_clear(other) && letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, got: Got, cause: Option<&str>) {
        let expected = expected.to_owned();
        let (client, line, before) = ("bob".to_owned(), None, Vec::new());
        let hint = hint(&Difference { client, line, expected, got, before }, None);
        assert_eq!(hint.is_some(), cause.is_some(), "{hint:?}");
        let hint = hint.unwrap_or_default();
        assert!(hint.contains(cause.unwrap_or_default()), "{hint}");
    }

    #[test]
    fn known_causes_are_named() {
        let bytes = |text: &str| Got::Bytes(text.as_bytes().to_vec());
        check("ann: a", bytes("say b"), Some("Two lines came as one"));
        check("watch [ROOM]{any}", bytes("logout         leave the chat"), None);
        check("ann: a", bytes("ann: asay b"), Some("Two lines came as one"));
        check(
            "Connect Success",
            bytes("Connect SuccessLogin Success"),
            Some("A newline is missing"),
        );
        check("Unknown command: dance", bytes("Unknown command: dance for me"), None);
        check("ann: a", bytes("ann: a\r"), Some("carriage return"));
        check("ann: a", bytes("ann: b'a'"), Some("decode"));
        check("ann: a", bytes(""), Some("An empty line"));
        check("ann: a", bytes("ann: c"), None);
        check("ann: a", bytes("Unknown command: say"), Some("does not know"));
        check("ann: a", bytes("Unknown command: dance"), None);
        check("ann: a", bytes("ann has entered the room."), Some("under one lock"));
        check("ann: a", bytes("bob1 has entered the room."), None);
        check("ann has left the room.", bytes("ann has left the room"), Some("sign by sign"));
        check("Connect Success", bytes("connect success!"), Some("sign by sign"));
        check("ann: a", bytes("ann: A"), None);
        check("ann: a", Got::Silence(b"ann: a".to_vec()), Some("without its newline"));
        check("ann: a", Got::Silence(Vec::new()), None);
    }

    #[test]
    fn a_cause_is_told_in_the_words_of_the_variant() {
        let variant = Variant::new(7);
        let expected = variant.reply("Login Success");
        let (client, line, before) = ("ann".to_owned(), None, Vec::new());
        let entered = format!("bob{}", variant.reply(" has entered the room."));
        let got = Got::Bytes(entered.into_bytes());
        let hint =
            hint(&Difference { client, line, expected, got, before }, Some(variant)).unwrap();
        assert!(hint.contains(&format!("`{}`", variant.reply("Login Success"))), "{hint}");
    }
}
