//! The list of users whose private messages one user does not take.
//!
//! This module knows no lock: the list belongs to a user, and the chat's lock is held around it.

use protocol::UserName;
use protocol::limits::IGNORED_NAMES;

use crate::chat::change::Member;

/// Those whom one user ignores, at most [`IGNORED_NAMES`].
#[derive(Debug, Default)]
pub struct Ignored(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    /// The user of this name, also a later one.
    name: UserName,
    /// The connection that had the name when the user asked, whatever name it takes.
    member: Option<Member>,
}

impl Entry {
    fn is(&self, name: &UserName, member: Option<Member>) -> bool {
        self.name == *name || (member.is_some() && self.member == member)
    }
}

impl Ignored {
    /// Ignores a name, and the `member` that has it now. `false` when the list is full.
    #[must_use]
    pub fn add(&mut self, name: &UserName, member: Option<Member>) -> bool {
        let place = self.0.iter().position(|entry| entry.name == *name);
        let entry = Entry { name: name.clone(), member };
        match place {
            Some(place) => self.0[place] = entry,
            None if self.0.len() < IGNORED_NAMES => self.0.push(entry),
            None => return false,
        }
        true
    }

    /// All of them: each name, and the member that had it.
    pub fn iter(&self) -> impl Iterator<Item = (&UserName, Option<Member>)> {
        self.0.iter().map(|entry| (&entry.name, entry.member))
    }

    /// Ignores neither the name nor the `member` that has it now any more.
    pub fn remove(&mut self, name: &UserName, member: Option<Member>) {
        self.0.retain(|entry| !entry.is(name, member));
    }

    /// Whether a member of this name is ignored.
    #[must_use]
    pub fn contains(&self, name: &UserName, member: Member) -> bool {
        self.0.iter().any(|entry| entry.is(name, Some(member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    fn member(client: usize) -> Member {
        Member { server: 0, client }
    }

    #[test]
    fn neither_another_name_nor_another_connection_gets_round_it() {
        let mut ignored = Ignored::default();
        assert!(ignored.add(&name("bob"), Some(member(1))));
        assert!(ignored.contains(&name("bob"), member(1)));
        assert!(ignored.contains(&name("bill"), member(1)), "it has taken another name");
        assert!(ignored.contains(&name("BOB"), member(2)), "it has come again");
        assert!(!ignored.contains(&name("bill"), member(2)));
        // Under whichever name, it is the same entry.
        ignored.remove(&name("bill"), Some(member(1)));
        assert!(!ignored.contains(&name("bob"), member(1)));
    }

    #[test]
    fn nobody_of_that_name_need_be_there() {
        let mut ignored = Ignored::default();
        assert!(ignored.add(&name("bob"), None));
        assert!(ignored.add(&name("bill"), None));
        assert!(ignored.contains(&name("bob"), member(3)));
        // Two that are not there are not the same for that.
        ignored.remove(&name("bob"), None);
        assert!(!ignored.contains(&name("bob"), member(3)));
        assert!(ignored.contains(&name("bill"), member(3)));
    }

    #[test]
    fn it_is_bounded() {
        let mut ignored = Ignored::default();
        for n in 0..IGNORED_NAMES {
            assert!(ignored.add(&name(&format!("user{n}")), None));
        }
        assert!(!ignored.add(&name("bob"), None));
        assert!(ignored.add(&name("user7"), Some(member(1))), "it stands in the list already");
        ignored.remove(&name("user8"), None);
        assert!(ignored.add(&name("bob"), None));
        assert_eq!(ignored.0.len(), IGNORED_NAMES);
    }
}
