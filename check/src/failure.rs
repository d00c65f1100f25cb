//! What a check found.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::shown::shown;

/// Wire lines that are shown before a difference.
const REMEMBERED: usize = 6;

/// The last lines of the wire, shared by all the clients of a check.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<VecDeque<String>>>);

impl Journal {
    /// `client > bytes` or `client < bytes`, whichever `sign` says.
    pub fn note(&self, client: &str, sign: char, bytes: &[u8]) {
        self.note_text(format!("{client} {sign} {}", shown(bytes)));
    }

    /// The same for what is no line.
    pub fn note_text(&self, text: String) {
        let mut lines = self.0.lock();
        if lines.len() == REMEMBERED {
            lines.pop_front();
        }
        lines.push_back(text);
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }
}

/// What came where something else was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// These bytes, as a line or a part of one.
    Bytes(Vec<u8>),
    /// Nothing in time, but for these bytes without a newline.
    Silence(Vec<u8>),
    /// The end of the connection, after these bytes without a newline.
    End(Vec<u8>),
    /// An error of the connection, such as a reset.
    Broken(String),
    /// More than anybody would send.
    Flood(usize),
    /// Something that is no matter of bytes.
    Fact(String),
}

impl Got {
    /// As it is shown to a reader.
    #[must_use]
    pub fn shown(&self) -> String {
        let after = |bytes: &[u8]| match bytes {
            [] => String::new(),
            bytes => format!(" after {} without a newline", shown(bytes)),
        };
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => "(an empty line)".to_owned(),
            Self::Bytes(bytes) => shown(bytes),
            Self::Silence(bytes) => format!("(nothing in time{})", after(bytes)),
            Self::End(bytes) => format!("(the connection was closed{})", after(bytes)),
            Self::Broken(error) => format!("({error})"),
            Self::Flood(bytes) => format!("(no end of it after {bytes} bytes)"),
            Self::Fact(text) => text.clone(),
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which client saw it. Empty when it is nobody's.
    pub client: String,
    /// The line of the transcript, where there is one.
    pub line: Option<usize>,
    /// What should have come, ready to be shown.
    pub expected: String,
    /// What came.
    pub got: Got,
    /// The last lines of the wire before it.
    pub before: Vec<String>,
}

impl Difference {
    /// One that no client saw on its wire, after what `journal` has.
    #[must_use]
    pub fn fact(expected: &str, got: &str, journal: &Journal) -> Self {
        Self {
            client: String::new(),
            line: None,
            expected: expected.to_owned(),
            got: Got::Fact(got.to_owned()),
            before: journal.lines(),
        }
    }

    /// Whether it was found by waiting in vain.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.got, Got::Silence(_))
    }
}

/// Why a check did not pass. It has at least one difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// All that was found, the first first.
    pub differences: Vec<Difference>,
}

impl From<Difference> for Failure {
    fn from(difference: Difference) -> Self {
        Self { differences: vec![difference] }
    }
}

impl Failure {
    /// Whether all of it was found by waiting in vain.
    #[must_use]
    pub fn is_nothing_but_timeouts(&self) -> bool {
        self.differences.iter().all(Difference::is_timeout)
    }

    /// Whether any part of it was found by waiting in vain.
    #[must_use]
    pub fn has_timeout(&self) -> bool {
        self.differences.iter().any(Difference::is_timeout)
    }
}
