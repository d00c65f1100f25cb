//! The transcripts of this project, compiled in.

use std::borrow::Cow;

use super::{ParseError, Transcript};

/// The page about the format.
pub const FORMAT: &str = include_str!("../../transcripts/FORMAT.md");

macro_rules! texts {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../transcripts/", $name, ".txt")))),*]
    };
}

/// A test holds this list and the folder together.
const TEXTS: &[(&str, &str)] = &texts![
    "announce"
    "ban"
    "bans"
    "blank-lines"
    "control-characters"
    "crlf"
    "end-of-input"
    "end-of-input-classic"
    "end-of-input-in-a-bad-line"
    "end-of-input-is-seen"
    "greeting"
    "greeting-classic"
    "help-for-one"
    "help-in-login-room"
    "help-with-operators"
    "history"
    "http"
    "ignore"
    "join"
    "join-and-say-in-one-packet"
    "join-refused"
    "join-the-same-room"
    "kick"
    "line-at-the-limit"
    "line-too-long-classic"
    "line-without-end"
    "login"
    "login-classic"
    "login-empty"
    "login-invalid"
    "login-invalid-classic"
    "login-look-alike"
    "login-names-of-the-world"
    "login-refused-classic"
    "login-taken"
    "login-taken-across-framings"
    "login-taken-in-another-case"
    "login-twice"
    "login-with-a-secret"
    "logout"
    "logout-classic"
    "logout-ends-the-packet"
    "logout-in-login-room"
    "logout-takes-no-argument"
    "look"
    "look-after-coming-back"
    "look-classic"
    "look-ignores-an-argument"
    "look-in-order-of-entry"
    "me"
    "moderation-without-operators"
    "msg"
    "msg-in-order"
    "msg-odd-spacing"
    "mute"
    "name-is-free-after-logout"
    "name-taken-back"
    "not-utf8"
    "numbers"
    "op"
    "packet"
    "packet-classic"
    "pieces"
    "ping"
    "refusals-in-order"
    "rename"
    "rename-refused-classic"
    "rename-to-oneself"
    "reset"
    "rooms"
    "rooms-by-name"
    "say"
    "say-at-the-same-time"
    "say-classic"
    "say-in-login-room"
    "say-keeps-inner-space"
    "say-nothing"
    "say-trims-ascii-space-only"
    "tls"
    "topic"
    "topic-of-a-room"
    "unknown"
    "unknown-classic"
    "watch"
    "watch-and-ask"
    "who"
    "words-of-the-server"
];

/// All of them, in the order of their levels and then of their names.
///
/// # Errors
///
/// Never, as long as the test below passes.
pub fn all() -> Result<Vec<Transcript>, ParseError> {
    all_with(Cow::Borrowed)
}

/// The same, with each text changed before it is read.
///
/// # Errors
///
/// When a text cannot be read after the change.
pub fn all_with(
    change: impl Fn(&'static str) -> Cow<'static, str>,
) -> Result<Vec<Transcript>, ParseError> {
    let mut all = TEXTS
        .iter()
        .map(|(name, text)| Transcript::parse(name, &change(text)))
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| (a.headers.level, &a.name).cmp(&(b.headers.level, &b.name)));
    Ok(all)
}

/// The text of the transcript of this name.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_list_and_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|file| file.strip_suffix(".txt").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(files, TEXTS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for transcript in all().unwrap() {
            let headers = &transcript.headers;
            assert!(headers.level <= 7 && !headers.why.is_empty(), "{}", transcript.name);
        }
    }

    #[test]
    fn every_rule_names_a_heading_of_the_page() {
        let page = include_str!("../../../docs/protocol.md");
        let anchor = |heading: &str| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            words.replace(' ', "-")
        };
        let anchors: Vec<_> =
            page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
        for transcript in all().unwrap() {
            let rule = &transcript.headers.rule;
            let place = rule.strip_prefix("docs/protocol.md#").unwrap();
            assert!(anchors.iter().any(|anchor| anchor == place), "{}: {rule}", transcript.name);
        }
    }
}
