//! Whose private messages a user does not take.
//!
//! This module knows no lock: the list belongs to a user, and the chat's lock is held around it.

use protocol::UserName;
use protocol::limits::IGNORED_NAMES;

use crate::delivery::inbox::ClientId;

/// Those whom one user ignores, at most [`IGNORED_NAMES`].
#[derive(Debug, Default)]
pub struct Ignored(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    /// Whoever has this name, also later.
    name: UserName,
    /// The connection that had the name when the user asked, whatever name it takes.
    client: Option<ClientId>,
}

impl Entry {
    fn is(&self, name: &UserName, client: Option<ClientId>) -> bool {
        self.name == *name || (client.is_some() && self.client == client)
    }
}

impl Ignored {
    /// Ignores a name, and the `client` that has it now. `false` when the list is full.
    #[must_use]
    pub fn add(&mut self, name: &UserName, client: Option<ClientId>) -> bool {
        let place = self.0.iter().position(|entry| entry.name == *name);
        let entry = Entry { name: name.clone(), client };
        match place {
            Some(place) => self.0[place] = entry,
            None if self.0.len() < IGNORED_NAMES => self.0.push(entry),
            None => return false,
        }
        true
    }

    /// Ignores neither the name nor the `client` that has it now any more.
    pub fn remove(&mut self, name: &UserName, client: Option<ClientId>) {
        self.0.retain(|entry| !entry.is(name, client));
    }

    /// Whether a client of this name is ignored.
    #[must_use]
    pub fn contains(&self, name: &UserName, client: ClientId) -> bool {
        self.0.iter().any(|entry| entry.is(name, Some(client)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    #[test]
    fn neither_another_name_nor_another_connection_gets_round_it() {
        let mut ignored = Ignored::default();
        assert!(ignored.add(&name("bob"), Some(1)));
        assert!(ignored.contains(&name("bob"), 1));
        assert!(ignored.contains(&name("bill"), 1), "it has taken another name");
        assert!(ignored.contains(&name("BOB"), 2), "it has come again");
        assert!(!ignored.contains(&name("bill"), 2));
        // Under whichever name, it is the same entry.
        ignored.remove(&name("bill"), Some(1));
        assert!(!ignored.contains(&name("bob"), 1));
    }

    #[test]
    fn nobody_of_that_name_need_be_there() {
        let mut ignored = Ignored::default();
        assert!(ignored.add(&name("bob"), None));
        assert!(ignored.add(&name("bill"), None));
        assert!(ignored.contains(&name("bob"), 3));
        // Two that are not there are not the same for that.
        ignored.remove(&name("bob"), None);
        assert!(!ignored.contains(&name("bob"), 3));
        assert!(ignored.contains(&name("bill"), 3));
    }

    #[test]
    fn it_is_bounded() {
        let mut ignored = Ignored::default();
        for n in 0..IGNORED_NAMES {
            assert!(ignored.add(&name(&format!("user{n}")), None));
        }
        assert!(!ignored.add(&name("bob"), None));
        assert!(ignored.add(&name("user7"), Some(1)), "it stands in the list already");
        ignored.remove(&name("user8"), None);
        assert!(ignored.add(&name("bob"), None));
        assert_eq!(ignored.0.len(), IGNORED_NAMES);
    }
}
