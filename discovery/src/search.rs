//! A client's side: what it asks the networks, and what it was told.
//!
//! Pure, and bounded: anybody in a network can say anything, and as often as he likes.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddrV4};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, ResourceRecord, TYPE};

use crate::packet::{is_response, read};
use crate::service::{kin, tls_port};

/// Servers that are kept.
pub const SERVERS: usize = 64;

/// Addresses that are kept of one machine.
const ADDRESSES: usize = 8;

/// Servers that are asked for more in one packet, so that it is a small one.
const ASKED: usize = 8;

/// A way into a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// What it calls itself. It may have any character.
    pub name: String,
    /// Whether it speaks TLS there.
    pub is_tls: bool,
    /// Where.
    pub address: SocketAddrV4,
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Search {
    servers: HashMap<Name<'static>, Server>,
    machines: HashMap<Name<'static>, BTreeSet<Ipv4Addr>>,
    is_full: bool,
}

#[derive(Debug, Default)]
struct Server {
    /// Its machine, and where it listens.
    location: Option<(Name<'static>, u16)>,
    /// The port with TLS, if there is one, once that is known.
    tls: Option<Option<u16>>,
}

impl Search {
    /// The next question to everybody: who is here, and what is missing of those who have answered.
    #[must_use]
    pub fn question(&self) -> Vec<u8> {
        let mut packet = Packet::new_query(0);
        let mut ask = |name: &Name<'static>, kind| {
            let (kind, class) = (QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN));
            packet.questions.push(Question::new(name.clone(), kind, class, false));
        };
        ask(&kin(), TYPE::PTR);
        let incomplete = self.servers.iter().filter(|(_, server)| !self.is_complete(server));
        for (name, server) in incomplete.take(ASKED) {
            match &server.location {
                None => ask(name, TYPE::SRV),
                Some((machine, _)) => ask(machine, TYPE::A),
            }
            if server.tls.is_none() {
                ask(name, TYPE::TXT);
            }
        }
        // A packet of nine names at most cannot be too long.
        packet.build_bytes_vec_compressed().unwrap_or_default()
    }

    /// Takes in a packet. What is no answer, or about something else, changes nothing.
    pub fn heard(&mut self, packet: &[u8]) {
        let Some(packet) = read(packet).filter(is_response) else { return };
        // The order of RFC 6763: a server is named first, then its machine, and then the addresses of that.
        let records = || packet.answers.iter().chain(&packet.additional_records);
        records().for_each(|record| self.named(record));
        records().for_each(|record| self.described(record));
        records().for_each(|record| self.addressed(record));
    }

    /// Whether there were more servers than are kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The ways into the servers, by name.
    #[must_use]
    pub fn found(&self) -> Vec<Found> {
        let mut found = BTreeSet::new();
        for (name, server) in &self.servers {
            let Some((machine, port)) = &server.location else { continue };
            let name = label(name);
            for &address in self.machines.get(machine).into_iter().flatten() {
                let way = |port, is_tls| {
                    let address = SocketAddrV4::new(address, port);
                    (port > 0).then(|| Found { name: name.clone(), is_tls, address })
                };
                let tls = server.tls.flatten();
                let plain = (tls != Some(*port)).then_some(*port);
                found.extend(plain.and_then(|port| way(port, false)));
                found.extend(tls.and_then(|port| way(port, true)));
            }
        }
        found.into_iter().collect()
    }

    fn is_complete(&self, server: &Server) -> bool {
        let location = server.location.as_ref();
        server.tls.is_some()
            && location.is_some_and(|(machine, _)| self.machines.contains_key(machine))
    }

    fn named(&mut self, record: &ResourceRecord<'_>) {
        let RData::PTR(pointer) = &record.rdata else { return };
        let is_of_this_kind = record.name == kin()
            && pointer.get_labels().len() == kin().get_labels().len() + 1
            && pointer.is_subdomain_of(&kin());
        if !is_of_this_kind {
            return;
        }
        let name = pointer.0.clone().into_owned();
        if record.ttl == 0 {
            self.servers.remove(&name);
        } else if self.servers.contains_key(&name) || self.servers.len() < SERVERS {
            self.servers.entry(name).or_default();
        } else {
            self.is_full = true;
        }
    }

    fn described(&mut self, record: &ResourceRecord<'_>) {
        let name = record.name.clone().into_owned();
        let Some(server) = self.servers.get_mut(&name) else { return };
        match &record.rdata {
            RData::SRV(location) if record.ttl > 0 => {
                server.location = Some((location.target.clone().into_owned(), location.port));
            }
            RData::TXT(text) => server.tls = Some(tls_port(text)),
            _ => {}
        }
    }

    fn addressed(&mut self, record: &ResourceRecord<'_>) {
        let RData::A(address) = &record.rdata else { return };
        let address = Ipv4Addr::from_bits(address.address);
        // Nobody else is at an address of one's own machine, or of many.
        let is_none = address.is_loopback()
            || address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast();
        if record.ttl == 0 || is_none || !is_machine(&self.servers, &record.name) {
            return;
        }
        if self.machines.len() >= SERVERS {
            // Of servers that have moved.
            self.machines.retain(|name, _| is_machine(&self.servers, name));
        }
        let addresses = self.machines.entry(record.name.clone().into_owned()).or_default();
        if addresses.len() < ADDRESSES {
            addresses.insert(address);
        }
    }
}

/// Whether one of the servers is on the machine of this name.
fn is_machine(servers: &HashMap<Name<'static>, Server>, name: &Name<'_>) -> bool {
    let mut machines = servers.values().filter_map(|server| server.location.as_ref());
    machines.any(|(machine, _)| machine == name)
}

/// What a server calls itself: the first part of its name.
fn label(name: &Name<'_>) -> String {
    let first = name.get_labels().first().map(|label| label.as_ref().to_vec());
    String::from_utf8_lossy(&first.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
