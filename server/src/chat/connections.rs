//! Who is connected: how many, from where, and since when nobody is.
//!
//! This module knows no user and no room. The chat guards it with its lock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::delivery::client::Client;
use crate::delivery::inbox::ClientId;

/// All connections of a server, and how many there may be.
#[derive(Debug)]
pub struct Connections {
    clients: HashMap<ClientId, Arc<Client>>,
    /// How many of them an address has.
    addresses: HashMap<IpAddr, usize>,
    /// When the last one went.
    idle_since: Instant,
    most: usize,
    most_per_address: usize,
}

impl Connections {
    /// Nobody is connected yet. There may be `most` connections, `most_per_address` of one address.
    #[must_use]
    pub fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            clients: HashMap::new(),
            addresses: HashMap::new(),
            idle_since: Instant::now(),
            most,
            most_per_address,
        }
    }

    /// Whether there is room for one more from this address.
    #[must_use]
    pub fn has_room(&self, address: IpAddr) -> bool {
        let from_address = self.addresses.get(&address).copied().unwrap_or(0);
        self.clients.len() < self.most && from_address < self.most_per_address
    }

    /// Adds a connection, for which there must be room.
    pub fn add(&mut self, client: &Arc<Client>) {
        *self.addresses.entry(client.address.ip()).or_default() += 1;
        self.clients.insert(client.id, Arc::clone(client));
    }

    /// Forgets a connection.
    pub fn remove(&mut self, client: &Client) {
        if self.clients.remove(&client.id).is_none() {
            return;
        }
        self.idle_since = Instant::now();
        let address = client.address.ip();
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
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
