//! What there is to tell of a server, as names and records of DNS-SD (RFC 6763).

use std::net::Ipv4Addr;

use simple_dns::rdata::{A, PTR, RData, SRV, TXT};
use simple_dns::{CLASS, Label, Name, ResourceRecord};

/// Bytes of a label of DNS at most (RFC 1035, section 2.3.4).
const LABEL_BYTES: usize = 63;

/// Seconds that a record with an address, or the name of a host, is good for; and any other one
/// (RFC 6762, section 10).
const HOST_TTL: u32 = 120;
const OTHER_TTL: u32 = 75 * 60;

/// The attribute of the port that speaks TLS.
const TLS: &str = "tls";

/// A server, as the network is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What people call it. Two servers of a network have two names.
    pub name: String,
    /// What its machine is called in these records, without `.local`. It is random, so it is nobody else's.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Where it listens with TLS. The same as `port` when it does nowhere without.
    pub tls: Option<u16>,
}

impl Service {
    /// A server with this name, as far as it fits into a label.
    #[must_use]
    pub fn new(name: &str, port: u16, tls: Option<u16>) -> Self {
        let name = shortened(name, LABEL_BYTES).to_owned();
        Self { name, host: format!("chat-{:016x}", fastrand::u64(..)), port, tls }
    }

    /// The same under another name, for the first `taken` ones have been taken.
    #[must_use]
    pub fn renamed(&self, taken: u32) -> Self {
        let suffix = format!("-{}", taken + 1);
        let name = shortened(&self.name, LABEL_BYTES - suffix.len()).to_owned() + &suffix;
        Self { name, ..self.clone() }
    }

    /// The name of the server among all of its kind.
    pub(crate) fn instance(&self) -> Name<'static> {
        instance(&self.name)
    }

    /// The name of its machine.
    pub(crate) fn host(&self) -> Name<'static> {
        name(&[&self.host, "local"])
    }

    /// The records of this kind.
    pub(crate) fn records(
        &self,
        kind: Kind,
        addresses: &[Ipv4Addr],
    ) -> Vec<ResourceRecord<'static>> {
        let one = |name, ttl, data| vec![ResourceRecord::new(name, CLASS::IN, ttl, data)];
        match kind {
            Kind::Types => one(types(), OTHER_TTL, RData::PTR(PTR(kin()))),
            Kind::Pointer => one(kin(), OTHER_TTL, RData::PTR(PTR(self.instance()))),
            Kind::Location => {
                let (port, target) = (self.port, self.host());
                let location = RData::SRV(SRV { priority: 0, weight: 0, port, target });
                one(self.instance(), HOST_TTL, location)
            }
            Kind::Text => one(self.instance(), OTHER_TTL, RData::TXT(self.text())),
            Kind::Address => addresses
                .iter()
                .map(|&address| RData::A(A { address: address.to_bits() }))
                .flat_map(|address| one(self.host(), HOST_TTL, address))
                .collect(),
        }
    }

    fn text(&self) -> TXT<'static> {
        let mut text = TXT::new();
        if let Some(port) = self.tls {
            // It is short and of ASCII: there is nothing in it that could fail.
            let _ = text.add_attribute(TLS, Some(port.to_string().as_bytes()));
        }
        text
    }
}

/// The kinds of records that tell of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// That there are servers of this kind (RFC 6763, section 9).
    Types,
    /// That this is one of them.
    Pointer,
    /// Its machine and port.
    Location,
    /// What else there is to tell.
    Text,
    /// The addresses of its machine.
    Address,
}

impl Kind {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// Whether others have records of the same name and kind, which are as true as these.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Kind::Types | Kind::Pointer)
    }
}

/// The name that all servers of this kind have in common.
pub(crate) fn kin() -> Name<'static> {
    name(&["_chat", "_tcp", "local"])
}

/// The name under which all kinds of services are listed.
pub(crate) fn types() -> Name<'static> {
    name(&["_services", "_dns-sd", "_udp", "local"])
}

/// The name of one server among all of its kind.
pub(crate) fn instance(label: &str) -> Name<'static> {
    name(&[label, "_chat", "_tcp", "local"])
}

/// The port with TLS in a text.
pub(crate) fn tls_port(text: &TXT<'_>) -> Option<u16> {
    let is_meant = |key: &[u8]| key.eq_ignore_ascii_case(TLS.as_bytes());
    let value = text.iter_raw().find_map(|(key, value)| value.filter(|_| is_meant(key)))?;
    str::from_utf8(value).ok()?.parse().ok()
}

fn name(labels: &[&str]) -> Name<'static> {
    let labels: Vec<_> =
        labels.iter().map(|label| Label::new_unchecked(label.as_bytes().to_vec())).collect();
    Name::new_with_labels(&labels)
}

/// As many whole characters of a text as fit into so many bytes.
fn shortened(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_its_label() {
        for (name, expected) in
            [("lab", "lab-2".to_owned()), (&"é".repeat(40), "é".repeat(30) + "-2")]
        {
            let service = Service::new(name, 1, None);
            assert!(service.name.len() <= LABEL_BYTES, "{}", service.name);
            assert_eq!(service.renamed(1).name, expected);
        }
        assert_ne!(Service::new("a", 1, None).host, Service::new("a", 1, None).host);
    }
}
