//! The checks, by level. Each is a rule of the protocol and a way to see whether a server keeps it.

mod connecting;
mod endings;
mod lines;
mod login;
mod room;
mod together;

use std::borrow::Cow;

use protocol::Framing;

use crate::failure::Failure;
use crate::resources::are_known;
use crate::stage::{Addresses, Stage};
use crate::transcript::{ParseError, Texts, Transcript, all, all_with, replay};
use crate::variant::{self, Variant};

/// The highest level.
pub const LAST_LEVEL: u8 = 7;

/// What the levels are about, from 0 on.
pub const LEVELS: [&str; 8] = [
    "connects",
    "login",
    "lines",
    "the room",
    "endings",
    "together",
    "names",
    "rooms and the rest",
];

/// Bytes that the buffers of a connection that nobody reads may take before a send waits: Linux lets
/// those of a send grow to 4 MiB. (tcp_wmem, tcp(7))
const BUFFERS: usize = 5 * 1024 * 1024;

/// What a check is about.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What the check is called, as for `--only`.
    pub name: String,
    /// Its level, 0 to 7.
    pub level: u8,
    /// Where the rule stands, as `docs/protocol.md#order`.
    pub rule: String,
    /// The rule in one sentence.
    pub why: String,
    /// A usual cause when it fails. May be empty.
    pub hint: String,
    /// The variant of the protocol in whose words all this is said, when it is one.
    pub variant: Option<Variant>,
}

/// One check of a server.
#[derive(Debug, Clone)]
pub struct Check {
    /// What it is about.
    pub about: Rule,
    /// How it is done.
    pub kind: Kind,
}

/// How a check is done.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A conversation is played.
    Transcript(Box<Transcript>),
    /// A function plays the clients.
    Live {
        /// It.
        run: fn(&mut Stage) -> Result<(), Failure>,
        /// It looks at the server's process, which is known when this program started it.
        needs_process: bool,
    },
}

/// A live check as the modules below list theirs.
struct Live {
    name: &'static str,
    /// The heading of `docs/protocol.md`.
    rule: &'static str,
    why: &'static str,
    hint: &'static str,
    run: fn(&mut Stage) -> Result<(), Failure>,
}

/// Checks that look at the server's process.
const OF_THE_PROCESS: [&str; 2] = ["no-spin-when-idle", "memory-is-bounded"];

impl Check {
    /// All checks, in the order of their levels. Within one the transcripts come first.
    ///
    /// # Errors
    ///
    /// Never, as long as the tests of the transcripts pass.
    pub fn all() -> Result<Vec<Self>, ParseError> {
        Ok(Self::with_live(all()?))
    }

    /// The checks of a variant of the protocol. They speak of it in its words.
    ///
    /// # Errors
    ///
    /// Never, as long as the tests of the transcripts pass.
    pub fn all_of(variant: Variant) -> Result<Vec<Self>, ParseError> {
        let transcripts = all_with(|text| Cow::Owned(variant.transcript(text)))?;
        let mut checks = Self::with_live(transcripts);
        checks.retain(|check| check.about.level <= variant::LAST_LEVEL);
        for about in checks.iter_mut().map(|check| &mut check.about) {
            about.why = variant.sentence(&about.why);
            about.hint = variant.sentence(&about.hint);
            about.variant = Some(variant);
            let heading = about.rule.split('#').next_back().unwrap_or_default();
            about.rule = format!("chat-check --variant {}, {heading}", variant.seed);
        }
        Ok(checks)
    }

    fn with_live(transcripts: Vec<Transcript>) -> Vec<Self> {
        let mut checks: Vec<Self> = transcripts.into_iter().map(Self::from).collect();
        let live = [
            connecting::CHECKS,
            login::CHECKS,
            lines::CHECKS,
            room::CHECKS,
            endings::CHECKS,
            together::CHECKS,
        ];
        for (level, live) in (0..).zip(live) {
            checks.extend(live.iter().map(|live| Self {
                about: Rule {
                    name: live.name.to_owned(),
                    level,
                    rule: format!("docs/protocol.md#{}", live.rule),
                    why: live.why.to_owned(),
                    hint: live.hint.to_owned(),
                    variant: None,
                },
                kind: Kind::Live {
                    run: live.run,
                    needs_process: OF_THE_PROCESS.contains(&live.name),
                },
            }));
        }
        checks.sort_by_key(|check| check.about.level);
        checks
    }

    /// Why it cannot be tried on a server that listens at `addresses`. `None` when it can.
    #[must_use]
    pub fn cannot_be_tried(
        &self,
        addresses: &Addresses,
        has_operators: bool,
        process: Option<u32>,
    ) -> Option<&'static str> {
        let transcript = match &self.kind {
            Kind::Transcript(transcript) => transcript,
            Kind::Live { needs_process: true, .. } if process.is_none() || !are_known() => {
                return Some("it needs a server that chat-check started, on Linux");
            }
            Kind::Live { .. } => return None,
        };
        let framings = transcript.framings();
        if !transcript.headers.operators.is_empty() && !has_operators {
            return Some("it needs a server with operators");
        }
        if framings.contains(&Framing::Classic) && addresses.classic.is_none() {
            return Some("it needs classic framing");
        }
        let needs_line = framings.contains(&Framing::Line) && framings.contains(&Framing::Classic)
            || transcript.headers.line_framing_only;
        if needs_line && addresses.line.is_none() {
            return Some("it needs line framing");
        }
        None
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// What was not as it should be.
    pub fn run(&self, stage: &mut Stage, texts: Texts) -> Result<(), Failure> {
        match &self.kind {
            Kind::Transcript(transcript) => replay(transcript, stage, texts),
            Kind::Live { run, .. } => run(stage),
        }
    }
}

impl From<Transcript> for Check {
    fn from(transcript: Transcript) -> Self {
        let headers = &transcript.headers;
        Self {
            about: Rule {
                name: transcript.name.clone(),
                level: headers.level,
                rule: headers.rule.clone(),
                why: headers.why.clone(),
                hint: headers.hint.clone(),
                variant: None,
            },
            kind: Kind::Transcript(Box::new(transcript)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_and_a_rule() {
        let checks = Check::all().unwrap();
        let names: HashSet<_> = checks.iter().map(|check| &check.about.name).collect();
        assert_eq!(names.len(), checks.len());
        let page = include_str!("../../docs/protocol.md").to_lowercase();
        for check in checks.iter().map(|check| &check.about) {
            let place = check.rule.strip_prefix("docs/protocol.md#").unwrap().replace('-', " ");
            assert!(page.contains(&format!("# {place}\n")), "{}: {place}", check.name);
            assert!(check.why.ends_with('.'), "{}", check.name);
            assert!(check.level <= LAST_LEVEL);
        }
    }
}
