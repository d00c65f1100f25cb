//! What a server says of itself in one network: which of its records are asked for, and the packets that have
//! them. It knows no time.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, ResourceRecord, TYPE};

use crate::packet::response;
use crate::service::{Kind, Service, kin, types};

/// Seconds that an answer to a single machine is good for (RFC 6762, section 6.7).
const SINGLE_TTL: u32 = 10;

/// The questions of one packet that are repeated to a single machine.
const QUESTIONS: usize = 4;

/// A server, and the addresses of its machine in the network.
#[derive(Debug)]
pub(crate) struct Answers {
    /// With the name that is used here.
    pub(crate) service: Service,
    pub(crate) addresses: Vec<Ipv4Addr>,
}

impl Answers {
    /// What is asked for of what there is.
    pub(crate) fn asked(&self, questions: &[Question<'_>]) -> BTreeSet<Kind> {
        let names = [
            (types(), TYPE::PTR, Kind::Types),
            (kin(), TYPE::PTR, Kind::Pointer),
            (self.service.instance(), TYPE::SRV, Kind::Location),
            (self.service.instance(), TYPE::TXT, Kind::Text),
            (self.service.host(), TYPE::A, Kind::Address),
        ];
        let is_asked = |name: &Name<'_>, kind, question: &Question<'_>| {
            matches!(question.qclass, QCLASS::ANY | QCLASS::CLASS(CLASS::IN))
                && (question.qtype == QTYPE::ANY || question.qtype == QTYPE::TYPE(kind))
                && question.qname == *name
        };
        let asked = names.iter().filter(|(name, kind, _)| {
            questions.iter().any(|question| is_asked(name, *kind, question))
        });
        asked.map(|(_, _, kind)| *kind).collect()
    }

    /// Whether who asks knows it already, for a while to come (section 7.1).
    pub(crate) fn are_known(&self, kind: Kind, answers: &[ResourceRecord<'_>]) -> bool {
        self.records(kind).iter().all(|record| {
            answers.iter().any(|known| known == record && known.ttl >= record.ttl / 2)
        })
    }

    /// The answer to all.
    pub(crate) fn to_all(&self, kinds: &BTreeSet<Kind>) -> Option<Vec<u8>> {
        self.response(0, kinds).build_bytes_vec_compressed().ok()
    }

    /// The answer to a machine that is no full part of multicast DNS (section 6.7).
    pub(crate) fn to_one(&self, asked: &Packet<'_>, kinds: &BTreeSet<Kind>) -> Option<Vec<u8>> {
        let mut packet = self.response(asked.id(), kinds);
        packet.questions = asked.questions.iter().take(QUESTIONS).cloned().collect();
        for record in packet.answers.iter_mut().chain(&mut packet.additional_records) {
            record.ttl = record.ttl.min(SINGLE_TTL);
            record.cache_flush = false;
        }
        packet.build_bytes_vec_compressed().ok()
    }

    /// Asks whether anybody has the name (section 8.1).
    pub(crate) fn probe(&self) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(0);
        let (name, class) = (self.service.instance(), QCLASS::CLASS(CLASS::IN));
        packet.questions.push(Question::new(name, QTYPE::ANY, class, false));
        for kind in [Kind::Location, Kind::Text] {
            packet.name_servers.extend(self.service.records(kind, &[]));
        }
        packet.build_bytes_vec_compressed().ok()
    }

    /// Tells that the server is gone (section 10.1).
    pub(crate) fn goodbye(&self) -> Option<Vec<u8>> {
        let mut packet = response(0);
        for kind in [Kind::Pointer, Kind::Location, Kind::Text, Kind::Address] {
            let records = self.records(kind).into_iter();
            packet.answers.extend(records.map(|record| ResourceRecord { ttl: 0, ..record }));
        }
        packet.build_bytes_vec_compressed().ok()
    }

    /// Whether the record says that the name is another server's. One's own packets come back.
    pub(crate) fn is_rival(&self, record: &ResourceRecord<'_>) -> bool {
        let RData::SRV(location) = &record.rdata else { return false };
        record.ttl > 0
            && record.name == self.service.instance()
            && location.target != self.service.host()
    }

    fn response<'a>(&self, id: u16, kinds: &BTreeSet<Kind>) -> Packet<'a> {
        let mut packet = response(id);
        for kind in with_what_is_asked_next(kinds) {
            let records = self.records(kind);
            match kinds.contains(&kind) {
                true => packet.answers.extend(records),
                false => packet.additional_records.extend(records),
            }
        }
        packet
    }

    /// The records of this kind, as all are told them.
    fn records(&self, kind: Kind) -> Vec<ResourceRecord<'static>> {
        let mut records = self.service.records(kind, &self.addresses);
        records.iter_mut().for_each(|record| record.cache_flush = !kind.is_shared());
        records
    }
}

/// These kinds, and those that whoever gets them asks for next (RFC 6763, section 12).
pub(crate) fn with_what_is_asked_next(kinds: &BTreeSet<Kind>) -> BTreeSet<Kind> {
    let mut all = kinds.clone();
    if all.contains(&Kind::Pointer) {
        all.extend([Kind::Location, Kind::Text]);
    }
    if all.contains(&Kind::Location) {
        all.insert(Kind::Address);
    }
    all
}
