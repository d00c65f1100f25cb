//! Who is kept out, and until when: names and addresses, and the file that they are kept in.
//!
//! The file has a line `TIME NAME` or `TIME ADDRESS` for each. This module knows no clock, lock or
//! thread.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;
use protocol::{NameError, UserName};

use crate::files;

/// Who can be banned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Whoever comes from there.
    Address(IpAddr),
    /// Whoever calls himself so, or so that it looks the same.
    Name(UserName),
}

impl Target {
    /// Reads an IP address, or else a name.
    ///
    /// # Errors
    ///
    /// Says why it is no name either.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(address) => Ok(Self::address(address)),
            Err(_) => UserName::parse(text).map(Self::Name),
        }
    }

    /// An address. An IPv4 client of an IPv6 listener is the same as one of an IPv4 listener.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Names and addresses that are kept out, each until a time.
#[derive(Debug, Default)]
pub struct Bans(HashMap<Target, Timestamp>);

impl Bans {
    /// The bans in a file, without those that are over. A file that does not exist has none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a line of it is no ban.
    pub fn read(path: &Path, now: Timestamp) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot use {}: {error}", path.display()))
            })?,
        };
        let mut bans = Self::default();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            let ban = line
                .split_once(' ')
                .and_then(|(time, target)| Some((time.parse().ok()?, Target::parse(target).ok()?)));
            let (until, target) = ban.ok_or_else(|| {
                let why = "is no ban: write `TIME NAME` or `TIME ADDRESS`, or remove it";
                files::bad_line(path, number, why)
            })?;
            bans.set(target, until, now);
        }
        Ok(bans)
    }

    /// Keeps somebody out until then. A time that is over lets him in again.
    pub fn set(&mut self, target: Target, until: Timestamp, now: Timestamp) {
        self.0.insert(target, until);
        self.0.retain(|_, until| *until > now);
    }

    /// Until when somebody is kept out. `None` when he is not.
    #[must_use]
    pub fn until(&self, target: &Target, now: Timestamp) -> Option<Timestamp> {
        self.0.get(target).copied().filter(|until| *until > now)
    }
}

/// The bans as they stand in the file, the first to be over first.
impl fmt::Display for Bans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<_> =
            self.0.iter().map(|(target, until)| (*until, target.to_string())).collect();
        lines.sort_unstable();
        lines.iter().try_for_each(|(until, target)| writeln!(f, "{until:.0} {target}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    #[test]
    fn a_target_is_an_address_or_else_a_name() {
        assert_eq!(target("10.0.0.1"), target("::ffff:10.0.0.1"));
        assert_eq!(target("bob"), target("BOB"));
        assert_ne!(target("10.0.0.1"), target("10.0.0.2"));
        assert_eq!(Target::parse("a:b"), Err(NameError::Character(':')));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let time = |second| Timestamp::from_second(second).unwrap();
        let mut bans = Bans::default();
        bans.set(target("bob"), time(60), time(0));
        bans.set(target("::1"), time(30), time(0));
        assert_eq!(bans.to_string(), "1970-01-01T00:00:30Z ::1\n1970-01-01T00:01:00Z bob\n");
        assert_eq!(bans.until(&target("Bob"), time(59)), Some(time(60)));
        assert_eq!(bans.until(&target("bob"), time(60)), None);
        bans.set(target("bob"), time(20), time(20));
        assert_eq!(bans.to_string(), "1970-01-01T00:00:30Z ::1\n");
    }
}
