//! Bans: the names and addresses that are kept out, until when, and the file that they are kept in.
//!
//! The file has a line `TIME NAME` or `TIME ADDRESS` for each. A line that is neither is kept as it is,
//! so that its writer can mend it. This module knows no clock, lock or
//! thread.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;
use protocol::{NameError, UserName};

use crate::files;
use crate::network::Network;

/// The fewest bits that a banned network has: a slip of the finger shall not keep the world out.
const LARGEST: u8 = 8;

/// What a ban is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Everybody who comes from these addresses.
    Network(Network),
    /// Everybody who takes this name, or one that looks the same.
    Name(UserName),
}

impl Target {
    /// Reads an IP address, a network that is no larger than [`LARGEST`], or else a name.
    ///
    /// # Errors
    ///
    /// Says why it is no name either.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.parse::<Network>() {
            Ok(network) if network.bits() >= LARGEST => Ok(Self::Network(network)),
            _ => UserName::parse(text).map(Self::Name),
        }
    }

    /// Whether a ban of this one keeps the other out.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Network(network), Self::Network(other)) => network.contains(other.address()),
            _ => self == other,
        }
    }

    /// An address. An IPv4 client of an IPv6 listener is the same as one of an IPv4 listener.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Network(Network::of_one(address))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Names and addresses that are kept out, each until a time.
#[derive(Debug, Clone, Default)]
pub struct Bans {
    until: HashMap<Target, Timestamp>,
    /// Lines of the file that are no bans, with their numbers.
    bad_lines: Vec<(usize, String)>,
}

impl Bans {
    /// The bans in a file, without those that are over. A file that does not exist has none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn read(path: &Path, now: Timestamp) -> io::Result<Self> {
        let bytes = match files::read_own(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot use {}: {error}", path.display()))
            })?,
        };
        let text = String::from_utf8_lossy(&bytes);
        // Some editors begin a file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let mut bans = Self::default();
        for (number, line) in
            (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty())
        {
            let ban = line
                .split_once(' ')
                .and_then(|(time, target)| Some((time.parse().ok()?, Target::parse(target).ok()?)));
            match ban {
                Some((until, target)) => bans.set(target, until, now),
                None => bans.bad_lines.push((number, line.to_owned())),
            }
        }
        Ok(bans)
    }

    /// Keeps somebody out until then. A time that is over lets him in again.
    pub fn set(&mut self, target: Target, until: Timestamp, now: Timestamp) {
        self.until.insert(target, until);
        self.until.retain(|_, until| *until > now);
    }

    /// Until when somebody is kept out, by the ban that lasts longest. `None` when he is not.
    #[must_use]
    pub fn until(&self, target: &Target, now: Timestamp) -> Option<Timestamp> {
        let bans = self.until.iter().filter(|(ban, until)| **until > now && ban.covers(target));
        bans.map(|(_, until)| *until).max()
    }

    /// All of them as texts, the first to be over first.
    #[must_use]
    pub fn in_order(&self) -> Vec<(Timestamp, String)> {
        let mut lines: Vec<_> =
            self.until.iter().map(|(target, until)| (*until, target.to_string())).collect();
        lines.sort_unstable();
        lines
    }

    /// Which lines of the file were no bans.
    pub fn bad_lines(&self) -> impl Iterator<Item = usize> {
        self.bad_lines.iter().map(|(number, _)| *number)
    }
}

/// The bans as they stand in the file, the first to be over first, and then what is no ban.
impl fmt::Display for Bans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (until, target) in self.in_order() {
            writeln!(f, "{until:.0} {target}")?;
        }
        self.bad_lines.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_target_is_an_address_or_else_a_name() {
        assert_eq!(target("10.0.0.1"), target("::ffff:10.0.0.1"));
        assert_eq!(target("bob"), target("BOB"));
        assert_ne!(target("10.0.0.1"), target("10.0.0.2"));
        assert_eq!(target("10.1.2.3/16"), target("10.1.0.0/16"));
        assert_eq!(Target::parse("a:b"), Err(NameError::Character(':')));
        for text in ["127.6", "127.0.0.06", "0x7f000006", "127.0.0.300", "192.168.1", "::g"] {
            assert!(Target::parse(text).is_err(), "{text} is a mistyped address");
        }
        for text in ["0.0.0.0/0", "10.0.0.0/33", "::/7", "fd00::/129", "10.0.0.0/"] {
            assert!(Target::parse(text).is_err(), "{text} is no network to ban");
        }
    }

    #[test]
    fn a_ban_of_a_network_covers_its_addresses() {
        let mut bans = Bans::default();
        bans.set(target("fd00::/64"), time(60), time(0));
        bans.set(target("fd00::1"), time(90), time(0));
        assert_eq!(bans.until(&target("fd00::1"), time(1)), Some(time(90)));
        assert_eq!(bans.until(&target("fd00::2"), time(1)), Some(time(60)));
        assert_eq!(bans.until(&target("fd01::2"), time(1)), None);
        bans.set(target("fd00::/64"), time(0), time(1));
        assert_eq!(bans.until(&target("fd00::2"), time(1)), None);
    }

    #[test]
    fn what_is_over_is_forgotten() {
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
