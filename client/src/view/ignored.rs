//! Users whose words are not shown, kept in a file: a name a line.

use std::collections::HashSet;
use std::path::PathBuf;
use std::{fs, io};

use protocol::{Event, Reply, ServerLine, UserName};

use crate::model::entry::Entry;

/// The users that are ignored, also under names that look the same.
#[derive(Debug, Default)]
pub struct Ignored {
    names: HashSet<UserName>,
    /// `None` keeps them for this run alone.
    path: Option<PathBuf>,
}

impl Ignored {
    /// Those of the file. Where there is none yet, nobody is ignored.
    #[must_use]
    pub fn load(path: Option<PathBuf>) -> Self {
        let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        Self { names: text.lines().filter_map(|name| UserName::parse(name).ok()).collect(), path }
    }

    /// Hides a user, or shows one again. Whether it is hidden now.
    ///
    /// # Errors
    ///
    /// Says why that is not a name, or is not kept.
    pub fn turn(&mut self, name: &str) -> Result<bool, String> {
        let name = UserName::parse(name).map_err(|error| error.to_string())?;
        let is_hidden = !self.names.remove(&name) && self.names.insert(name);
        self.keep().map_err(|error| format!("it is not kept for the next run: {error}"))?;
        Ok(is_hidden)
    }

    fn keep(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        fs::write(path, self.names().join("\n") + "\n")
    }

    /// Their names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.names.iter().map(UserName::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whether an entry has the words of one of them.
    #[must_use]
    pub fn hides(&self, entry: &Entry<'_>) -> bool {
        let event = match entry {
            Entry::Line(ServerLine::Event(event)) => Some(*event),
            Entry::Earlier(row) => Event::parse(row.line),
            _ => None,
        };
        let name = match (entry, event) {
            (_, Some(Event::Said { name, .. } | Event::Did { name, .. })) => name,
            (Entry::Line(ServerLine::Reply(Reply::MessageFrom { name, .. })), _) => name,
            _ => return false,
        };
        !self.names.is_empty() && UserName::parse(name).is_ok_and(|name| self.names.contains(&name))
    }
}
