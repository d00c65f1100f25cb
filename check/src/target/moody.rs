//! A server that is reached through a relay.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Target, Unreachable};
use crate::relay::{Mood, Relay};
use crate::stage::Addresses;

/// A target, and the relays to its addresses.
pub struct Moody {
    target: Box<dyn Target>,
    mood: Mood,
    seed: u64,
    behind: Addresses,
    relays: Vec<Relay>,
    shown: Addresses,
}

impl Moody {
    /// `target` through a relay of this mood.
    #[must_use]
    pub fn new(target: Box<dyn Target>, mood: Mood, seed: u64) -> Self {
        let (behind, shown) = (Addresses::default(), Addresses::default());
        Self { target, mood, seed, behind, relays: Vec::new(), shown }
    }

    fn relay(&mut self, to: SocketAddr) -> Result<SocketAddr, Unreachable> {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let relay = Relay::start(local, to, self.mood, self.seed)
            .map_err(|error| Unreachable::NobodyListens(local, error))?;
        let address = relay.address;
        self.relays.push(relay);
        Ok(address)
    }
}

impl Target for Moody {
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        let behind = self.target.ready(operators)?;
        if behind != self.behind {
            self.relays.clear();
            let line = behind.line.map(|to| self.relay(to)).transpose()?;
            let classic = behind.classic.map(|to| self.relay(to)).transpose()?;
            (self.behind, self.shown) = (behind, Addresses { line, classic });
        }
        Ok(self.shown)
    }

    fn failed(&mut self) {
        self.target.failed();
        self.relays.clear();
        self.behind = Addresses::default();
    }

    fn process(&self) -> Option<u32> {
        self.target.process()
    }

    fn has_operators(&self) -> bool {
        self.target.has_operators()
    }

    fn last_words(&mut self) -> Option<String> {
        self.target.last_words()
    }
}
