//! The connections of a server: how many there are, from where, and since when there is none.
//!
//! This module knows no user and no room. The chat guards it with its lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::addresses::Addresses;
use crate::config::Config;
use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;

/// How many connections are kept for operators, who come from an exempt address, at most.
const KEPT: usize = 4;

/// All connections of a server, and how many there may be.
#[derive(Debug)]
pub struct Connections {
    clients: HashMap<ClientId, Arc<Client>>,
    addresses: Addresses,
    /// When the last one went.
    idle_since: Instant,
    most: usize,
    /// How many connections only exempt addresses get, so that an operator can come in when all others
    /// are taken.
    kept: usize,
}

impl Connections {
    /// Nobody is connected yet. A chat that has operators keeps places for them.
    #[must_use]
    pub fn new(config: &Config, has_operators: bool) -> Self {
        let kept = if has_operators { KEPT.min(config.max_clients / 4) } else { 0 };
        Self {
            clients: HashMap::new(),
            addresses: Addresses::new(config),
            idle_since: Instant::now(),
            most: config.max_clients,
            kept,
        }
    }

    /// Adds a connection, and gives the number of lines that it may send at once. `None` when there are too
    /// many.
    pub fn add(&mut self, client: &Arc<Client>, now: Instant) -> Option<u32> {
        let address = client.address.ip();
        let kept = if self.addresses.is_exempt(address) { 0 } else { self.kept };
        if self.clients.len() + kept >= self.most {
            return None;
        }
        let burst = self.addresses.enter(address, now)?;
        self.clients.insert(client.id, Arc::clone(client));
        Some(burst)
    }

    /// Forgets a connection.
    pub fn remove(&mut self, client: &Client) {
        if self.clients.remove(&client.id).is_none() {
            return;
        }
        self.idle_since = Instant::now();
        self.addresses.leave(client.address.ip());
    }

    /// The client of this number, while it is connected.
    #[must_use]
    pub fn get(&self, id: ClientId) -> Option<&Arc<Client>> {
        self.clients.get(&id)
    }

    /// Each connected client, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// Whether nobody is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Since when nobody is connected. `None` when somebody is.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        self.is_empty().then_some(self.idle_since)
    }
}
