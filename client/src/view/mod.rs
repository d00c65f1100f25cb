//! From lines to what the user sees of them: above the prompt, and in the log file.

pub mod display_queue;
pub mod log_file;
pub mod render;

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::entry::Entry;
use crate::sanitize::Sanitized;
use crate::view::display_queue::DisplayQueue;
use crate::view::log_file::LogFile;
use crate::view::render::Style;

/// The way of a line to the display queue and to the log file.
#[derive(Debug)]
pub struct View {
    /// How lines look.
    pub style: Style,
    /// How the time at the left looks, as `strftime` has it. `None`: there is none.
    pub time: Option<String>,
    /// Where the lines are also written.
    pub log: Option<LogFile>,
    /// Where they are shown.
    pub queue: Arc<DisplayQueue>,
}

impl View {
    /// Shows lines of the server. `own_name` is highlighted in them.
    pub fn lines<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>, own_name: &str) {
        let lines: Vec<_> = lines.into_iter().map(Sanitized::new).collect();
        self.entries(lines.iter().map(|line| Entry::of_line(line)), own_name);
    }

    /// Says something in this program's own name.
    pub fn notice(&mut self, text: &str) {
        // A reason may quote what a server sent.
        let text = Sanitized::new(text);
        self.entries([Entry::Notice(&text)], "");
    }

    fn entries<'a>(&mut self, entries: impl IntoIterator<Item = Entry<'a>>, own_name: &str) {
        let now = Zoned::now();
        let mut shown = Vec::new();
        for entry in entries.into_iter().filter(|entry| entry.is_shown(self.style)) {
            let at = said_at(&entry, now.time_zone()).unwrap_or_else(|| now.clone());
            let time = self.time.as_ref().map(|format| at.strftime(format).to_string());
            shown.push(entry.styled(&time.unwrap_or_default(), own_name, self.style));
            if let Some(log) = &mut self.log {
                log.add(&at, &entry.plain());
            }
        }
        if let Some(log) = &mut self.log
            && let Err(error) = log.flush()
        {
            self.log = None;
            shown.push(Entry::Notice(&error.to_string()).styled("", "", self.style));
        }
        self.queue.show(shown);
    }
}

fn said_at(entry: &Entry<'_>, zone: &TimeZone) -> Option<Zoned> {
    match entry {
        Entry::Earlier(row) => Some(row.time.parse::<Timestamp>().ok()?.to_zoned(zone.clone())),
        _ => None,
    }
}
