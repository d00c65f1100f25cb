//! What one address may have: a number of connections, a number of new ones a minute, and a number of
//! lines at once, however often it comes anew. An IPv6 network of 64 bits counts as one address, since a
//! machine in it can use all of its addresses.
//!
//! This module knows no client and no clock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::network::Network;

/// How many connections of an address may have their whole burst, one after the other.
const BURSTS: u32 = 10;

/// When an address that has gone is forgotten: by then all it has used has come back.
const MEMORY: Duration = Duration::from_secs(60);

/// Below so many addresses nothing is forgotten.
const FEW: usize = 1024;

/// All addresses that are connected, or were a moment ago.
#[derive(Debug)]
pub struct Addresses {
    usage: HashMap<Network, Usage>,
    most: usize,
    arrivals_per_minute: f64,
    burst: u32,
    lines_per_second: f64,
    exempt: Vec<Network>,
}

#[derive(Debug)]
struct Usage {
    connections: usize,
    /// New connections that may still come, and lines at once that those may have.
    arrivals: f64,
    lines: f64,
    /// When both were right.
    counted: Instant,
}

impl Addresses {
    /// Nobody has come yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            usage: HashMap::new(),
            most: config.max_per_address,
            arrivals_per_minute: config.max_arrivals.into(),
            burst: config.burst,
            lines_per_second: config.rate.into(),
            exempt: config.exempt.clone(),
        }
    }

    /// Whether nothing is counted of this address.
    #[must_use]
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(address))
    }

    /// Adds a connection, and says how many lines it may send at once. `None` when it may not come.
    pub fn enter(&mut self, address: IpAddr, now: Instant) -> Option<u32> {
        if self.is_exempt(address) {
            return Some(self.burst);
        }
        self.forget(now);
        let most_lines = f64::from(self.burst) * f64::from(BURSTS);
        let usage = self.usage.entry(Network::of_subscriber(address)).or_insert(Usage {
            connections: 0,
            arrivals: self.arrivals_per_minute,
            lines: most_lines,
            counted: now,
        });
        let seconds = now.saturating_duration_since(usage.counted).as_secs_f64();
        usage.counted = now;
        let arrivals = usage.arrivals + seconds * self.arrivals_per_minute / 60.0;
        usage.arrivals = arrivals.min(self.arrivals_per_minute);
        let lines = usage.lines + seconds * self.lines_per_second * f64::from(BURSTS);
        usage.lines = lines.min(most_lines);
        let is_limited = self.arrivals_per_minute > 0.0;
        if usage.connections >= self.most || (is_limited && usage.arrivals < 1.0) {
            return None;
        }
        usage.connections += 1;
        usage.arrivals -= 1.0;
        let lines = f64::from(self.burst).min(usage.lines).max(1.0);
        usage.lines = (usage.lines - lines).max(0.0);
        // As many as `burst` at most.
        Some(lines as u32)
    }

    /// A connection that was added is gone.
    pub fn leave(&mut self, address: IpAddr) {
        if let Some(usage) = self.usage.get_mut(&Network::of_subscriber(address)) {
            usage.connections = usage.connections.saturating_sub(1);
        }
    }

    /// Forgets who has gone, when there are many. What is left is connected, or has come within a
    /// minute.
    fn forget(&mut self, now: Instant) {
        if self.usage.len() == self.usage.capacity() && self.usage.len() >= FEW {
            self.usage.retain(|_, usage| {
                usage.connections > 0 || now.saturating_duration_since(usage.counted) < MEMORY
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(configure: impl FnOnce(&mut Config)) -> Addresses {
        let mut config = Config { burst: 100, rate: 20, ..Config::default() };
        configure(&mut config);
        Addresses::new(&config)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_arrivals() {
        let mut addresses = addresses(|config| {
            config.max_per_address = 3;
            config.max_arrivals = 6;
        });
        let begin = Instant::now();
        let lab = address("10.0.0.1");
        for round in 0..2 {
            for number in 0..3 {
                assert!(addresses.enter(lab, begin).is_some(), "{round} {number}");
            }
            assert_eq!(addresses.enter(lab, begin), None);
            (0..3).for_each(|_| addresses.leave(lab));
        }
        // It was here six times in this minute.
        assert_eq!(addresses.enter(lab, begin), None);
        assert!(addresses.enter(address("10.0.0.2"), begin).is_some());
        let later = begin + Duration::from_secs(10);
        assert!(addresses.enter(lab, later).is_some());
        assert_eq!(addresses.enter(lab, later), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let mut addresses = addresses(|config| config.max_per_address = 1);
        let now = Instant::now();
        assert!(addresses.enter(address("fd00::1"), now).is_some());
        assert_eq!(addresses.enter(address("fd00::2:1"), now), None);
        assert!(addresses.enter(address("fd00:0:0:1::1"), now).is_some());
        addresses.leave(address("fd00::3"));
        assert!(addresses.enter(address("fd00::4"), now).is_some());
    }

    #[test]
    fn to_come_anew_gives_no_new_burst() {
        let mut addresses = addresses(|config| config.max_arrivals = 0);
        let begin = Instant::now();
        let eve = address("10.0.0.1");
        let mut lines = 0;
        for _ in 0..1000 {
            lines += addresses.enter(eve, begin).unwrap();
            addresses.leave(eve);
        }
        assert_eq!(lines, 10 * 100 + 990);
        let later = begin + Duration::from_millis(500);
        assert_eq!(addresses.enter(eve, later), Some(100));
        assert_eq!(addresses.enter(eve, later), Some(1));
        // This machine may do as it likes.
        assert!((0..1000).all(|_| addresses.enter(address("127.0.0.9"), begin) == Some(100)));
        assert!((0..1000).all(|_| addresses.enter(address("::1"), begin) == Some(100)));
    }

    #[test]
    fn those_who_have_gone_are_forgotten() {
        let mut addresses = addresses(|_| {});
        let begin = Instant::now();
        for number in 0..100_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            addresses.enter(address, begin + MEMORY * (number / 1000));
            addresses.leave(address);
        }
        assert!(addresses.usage.len() < 4 * FEW, "{}", addresses.usage.len());
    }
}
