//! From lines to what the user sees of them: above the prompt, and in the log file.

pub mod display_queue;
mod frame;
pub mod ignored;
pub mod log_file;
pub mod on_mention;
pub mod render;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use protocol::limits::HISTORY_LINES;
use protocol::{Event, ServerLine};

use crate::args::appearance::written;
use crate::model::digest::{Part, digest};
use crate::model::entry::Entry;
use crate::model::names::Names;
use crate::model::replay::Earlier;
use crate::sanitize::Sanitized;
use crate::view::display_queue::DisplayQueue;
use crate::view::ignored::Ignored;
use crate::view::log_file::LogFile;
use crate::view::on_mention::OnMention;
use crate::view::render::{BELL, Style};

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
    /// What is run when the user is named.
    pub on_mention: Option<OnMention>,
    /// The users whose words are not shown.
    pub ignored: Ignored,
    /// The names of users and rooms that are known.
    pub names: Names,
    /// The day of the last line that was shown with its time.
    day: Option<Date>,
    rang: Option<Instant>,
    /// Whether what is shown next rings.
    is_to_ring: bool,
}

/// The least time between two bells: many lines that come together ring once.
const BELL_PAUSE: Duration = Duration::from_secs(2);

impl View {
    /// A view that has shown nothing yet.
    #[must_use]
    pub fn new(
        style: Style,
        time: Option<String>,
        log: Option<LogFile>,
        queue: Arc<DisplayQueue>,
    ) -> Self {
        let (ignored, names) = (Ignored::default(), Names::default());
        let (on_mention, day, rang, is_to_ring) = (None, None, None, false);
        Self { style, time, log, queue, on_mention, ignored, names, day, rang, is_to_ring }
    }

    /// Shows what was said before. What was missed is told in full, and rings; a newcomer is shown what
    /// was said last.
    pub fn earlier(&mut self, earlier: &Earlier, own_name: &str) {
        if earlier.has_gap {
            self.notice("there may be more that was missed, before this; the server cannot tell");
        }
        if earlier.is_missed {
            let rows: Vec<_> = earlier.rows.iter().map(|row| Sanitized::new(row)).collect();
            let entries = rows.iter().map(|row| Entry::of_line(row));
            let named = entries.clone().filter(|entry| entry.is_for(own_name)).count();
            self.entries(entries, own_name, true);
            if named > 0 {
                let lines = rows.len();
                self.is_to_ring = true;
                self.notice(&format!("you missed {lines} lines; {named} of them name you"));
            }
            return;
        }
        for part in digest(&earlier.rows, HISTORY_LINES) {
            match part {
                Part::Row(row) => self.lines([row], own_name),
                Part::Crowd { .. } if self.style.quiet => {}
                Part::Crowd { came, left } => self.notice(&format!("{came} came, {left} left")),
            }
        }
    }

    /// Hides what a user says, or shows it again, and says which; without a name, who is ignored.
    pub fn turn_ignored(&mut self, name: Option<&str>) {
        let text = match name.map(|name| (name, self.ignored.turn(name))) {
            None => format!("ignored: {}", self.ignored.names().join(" ")),
            Some((name, Ok(true))) => format!("{name} is ignored; /ignore {name} again ends it"),
            Some((name, Ok(false))) => format!("{name} is shown"),
            Some((name, Err(why))) => format!("{name}: {why}"),
        };
        self.notice(&text);
    }

    /// Hides who comes and goes, or shows it again.
    pub fn turn_quiet(&mut self) {
        self.style.quiet = !self.style.quiet;
        self.notice(match self.style.quiet {
            true => "who comes and goes is not shown; /quiet again shows it",
            false => "who comes and goes is shown",
        });
    }

    /// Pins this program's own words above the prompt, or none.
    pub fn pin(&self, text: Option<&str>) {
        let pinned =
            text.map(|text| Entry::Notice(&Sanitized::new(text)).styled("", "", self.style));
        self.queue.pin(pinned);
    }

    /// Has the user look up, unless that has just been done.
    fn ring(&mut self, line: &str, shown: &mut Vec<String>) {
        let now = Instant::now();
        if self.rang.is_some_and(|rang| now.duration_since(rang) < BELL_PAUSE) {
            return;
        }
        self.rang = Some(now);
        if let (true, Some(last)) = (self.style.bell, shown.last_mut()) {
            last.push_str(BELL);
        }
        if let Some(on_mention) = &mut self.on_mention
            && let Err(error) = on_mention.run(line)
        {
            self.on_mention = None;
            let text = format!("the command of --on-mention is given up: {error}");
            shown.push(Entry::Notice(&text).styled("", "", self.style));
        }
    }

    /// Shows lines of the server. `own_name` is highlighted in them.
    pub fn lines<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>, own_name: &str) {
        // Somebody's indentation may have come as no-break spaces, and is to be copied as spaces.
        let lines: Vec<_> = lines.into_iter().map(|line| line.replace('\u{a0}', " ")).collect();
        let lines: Vec<_> = lines.iter().map(|line| Sanitized::new(line)).collect();
        self.entries(lines.iter().map(|line| Entry::of_line(line)), own_name, false);
    }

    /// Says something in this program's own name.
    pub fn notice(&mut self, text: &str) {
        // A reason may quote what a server sent.
        let text = Sanitized::new(text);
        self.entries([Entry::Notice(&text)], "", false);
    }

    /// Of rows of the history, only those that were missed are new to the log.
    fn entries<'a>(
        &mut self,
        entries: impl IntoIterator<Item = Entry<'a>>,
        own_name: &str,
        are_missed: bool,
    ) {
        let now = Zoned::now();
        let (mut shown, is_to_ring) = (Vec::new(), std::mem::take(&mut self.is_to_ring));
        let mut rings_for = None;
        let (mut unread, mut for_user) = (0, 0);
        for entry in entries
            .into_iter()
            .filter(|entry| entry.is_shown(self.style) && !self.ignored.hides(entry))
        {
            let said_at = said_at(&entry, now.time_zone());
            if said_at.is_none() {
                let is_for_user = entry.is_for(own_name);
                if is_for_user || is_to_ring {
                    rings_for = Some(entry.plain());
                }
                for_user += u64::from(is_for_user);
                unread += u64::from(is_for_user || entry.is_said_by_another(own_name));
            }
            let at = said_at.unwrap_or_else(|| now.clone());
            if self.time.is_some() && self.day.replace(at.date()) != Some(at.date()) {
                shown.push(render::day(&at, now.year(), self.style));
            }
            shown.push(self.styled(&entry, &at, own_name));
            if let Some(log) = &mut self.log
                && (are_missed || !matches!(entry, Entry::Earlier(_)))
            {
                log.add(&at, &entry.plain());
            }
        }
        if let Some(log) = &mut self.log
            && let Err(error) = log.flush()
        {
            self.log = None;
            shown.push(Entry::Notice(&error.to_string()).styled("", "", self.style));
        }
        if let Some(line) = rings_for {
            self.ring(&line, &mut shown);
        }
        self.queue.count(unread, for_user);
        self.queue.show(shown);
    }

    /// What is seen of an entry, which was said at that time.
    fn styled(&self, entry: &Entry<'_>, at: &Zoned, own_name: &str) -> String {
        // The command line was refused if this is no format.
        let time = self.time.as_ref().map(|format| written(at, format).unwrap_or_default());
        let time = time.unwrap_or_default();
        match *entry {
            // Its first word may be no name: the server tells its message of the day like that.
            Entry::Line(ServerLine::Event(Event::Did { name, text }))
                if name != own_name && !self.names.has_user(name) =>
            {
                let text = &format!("{name} {text}");
                let told = Entry::Line(ServerLine::Event(Event::Announced { text }));
                told.styled(&time, own_name, self.style)
            }
            entry => entry.styled(&time, own_name, self.style),
        }
    }
}

fn said_at(entry: &Entry<'_>, zone: &TimeZone) -> Option<Zoned> {
    match entry {
        Entry::Earlier(row) => Some(row.time.parse::<Timestamp>().ok()?.to_zoned(zone.clone())),
        _ => None,
    }
}
