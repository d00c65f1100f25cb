//! Users whose words are not shown, kept in a file: a name a line.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use protocol::{Event, Reply, ServerLine, UserName};

use crate::model::entry::Entry;
use crate::sys::files;

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
        let names = path.as_deref().and_then(|path| read(path).ok()).unwrap_or_default();
        Self { names, path }
    }

    /// Hides a user, or shows one again. Whether it is hidden now.
    ///
    /// # Errors
    ///
    /// Says why that is not a name, or is not kept.
    pub fn turn(&mut self, name: &str) -> Result<bool, String> {
        let name = UserName::parse(name).map_err(|error| error.to_string())?;
        let is_hidden = !self.names.contains(&name);
        self.keep(&name, is_hidden)
            .map_err(|error| format!("it is not kept for the next run: {error}"))?;
        Ok(is_hidden)
    }

    /// Another prompt of this user may have changed the file, so it is read again, and one name is changed.
    fn keep(&mut self, name: &UserName, is_hidden: bool) -> io::Result<()> {
        let put = |names: &mut HashSet<UserName>| {
            names.remove(name);
            names.extend(is_hidden.then(|| name.clone()));
        };
        put(&mut self.names);
        let Some(path) = &self.path else { return Ok(()) };
        let mut kept = read(path)?;
        put(&mut kept);
        files::replace(path, (in_order(&kept).join("\n") + "\n").as_bytes())
    }

    /// Their names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        in_order(&self.names)
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

/// The names in a file, and none where there is no file.
fn read(path: &Path) -> io::Result<HashSet<UserName>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    Ok(text.lines().filter_map(|name| UserName::parse(name).ok()).collect())
}

fn in_order(names: &HashSet<UserName>) -> Vec<&str> {
    let mut names: Vec<_> = names.iter().map(UserName::as_str).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_prompts_of_one_user_lose_no_name_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ignored");
        let kept = || fs::read_to_string(&path).unwrap();
        let mut one = Ignored::load(Some(path.clone()));
        let mut other = Ignored::load(Some(path.clone()));
        assert_eq!(one.turn("bob"), Ok(true));
        assert_eq!(other.turn("carl"), Ok(true));
        assert_eq!(kept(), "bob\ncarl\n");
        // What it does not know it leaves alone.
        assert_eq!(other.names(), ["carl"]);
        assert_eq!(one.turn("B0B"), Ok(false));
        assert_eq!(kept(), "carl\n");
        assert!(one.turn("a b").is_err());
    }

    #[test]
    fn what_cannot_be_kept_holds_for_this_run() {
        let mut ignored = Ignored::load(Some("/no/such/folder/ignored".into()));
        let error = ignored.turn("bob").unwrap_err();
        assert!(error.starts_with("it is not kept for the next run: "), "{error}");
        assert_eq!(ignored.names(), ["bob"]);
        let mut alone = Ignored::load(None);
        assert_eq!((alone.turn("bob"), alone.turn("bob")), (Ok(true), Ok(false)));
    }
}
