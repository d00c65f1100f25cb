//! `/grep`: the rows of a room's history that have a text in them, of an answer that stands between two
//! fences. Pure.

use protocol::limits::HISTORY_MOST_LINES;

use crate::model::entry::Entry;
use crate::model::fence;

/// A search whose answer is on its way.
#[derive(Debug)]
pub struct Search {
    text: String,
    /// The marks of the fences.
    begin: String,
    end: String,
    has_begun: bool,
    found: usize,
}

impl Search {
    /// A search for this text, in any case.
    #[must_use]
    pub fn new(text: &str, begin: String, end: String) -> Self {
        Self { text: text.to_lowercase(), begin, end, has_begun: false, found: 0 }
    }

    /// The requests to send.
    #[must_use]
    pub fn requests(&self) -> String {
        let (begin, end) = (fence::request(&self.begin), fence::request(&self.end));
        format!("{begin}history {HISTORY_MOST_LINES}\n{end}")
    }

    /// Whether what comes now answers it.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether this row is to be shown.
    pub fn row(&mut self, entry: &Entry<'_>) -> bool {
        let is_found =
            !entry.is_coming_or_going() && entry.plain().to_lowercase().contains(&self.text);
        self.found += usize::from(is_found);
        is_found
    }

    /// A fence was answered; one without a mark is the next. What to tell the user when that is the end.
    pub fn fence(&mut self, mark: &str) -> Option<String> {
        if self.has_begun && (mark.is_empty() || mark == self.end) {
            return Some(match self.found {
                0 => "nothing that the room still knows has it".to_owned(),
                found => format!("that makes {found}"),
            });
        }
        self.has_begun |= mark.is_empty() || mark == self.begin;
        None
    }
}
