//! A server's side of one network: it finds a name that is free there, tells that it is here, and answers.
//!
//! What RFC 6762 asks of a responder, for the few records of one service. Pure: it is told what came and
//! what time it is, and gives back packets. It keeps nothing of what it hears, so nobody can fill it.
//!
//! ```text
//! Probing -- three probes, and nobody has the name --> Announcing -- twice --> Settled
//!    ^                                                     |                     |
//!    +------------ somebody else has the name -------------+---------------------+
//! ```

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use fastrand::Rng;
use simple_dns::rdata::RData;
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
};

use crate::network::PORT;
use crate::service::{Kind, Service, kin, response, types};

/// Probes for a name, and the time between two (RFC 6762, section 8.1).
const PROBES: u8 = 3;
const PROBE_GAP: Duration = Duration::from_millis(250);

/// How often it is told that the server is here, and the time between the two (section 8.3).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCEMENT_GAP: Duration = Duration::from_secs(1);

/// A record is sent to all no more often, in an answer to a question and to a probe (section 6).
const ANSWER_GAP: Duration = Duration::from_secs(1);
const DEFENCE_GAP: Duration = Duration::from_millis(250);

/// How long an answer waits that others may give too, in milliseconds (section 6).
const SHARED_DELAY: std::ops::Range<u64> = 20..120;

/// Answers to single machines are sent no more often. Whoever floods gets no flood back.
const SINGLE_GAP: Duration = Duration::from_millis(10);

/// Seconds that an answer to a single machine is good for (section 6.7).
const SINGLE_TTL: u32 = 10;

/// The longest wait before a name is tried again, in seconds. Somebody may take each that is tried.
const LONGEST_WAIT: u32 = 30;

/// The questions of one packet that are answered to a single machine.
const QUESTIONS: usize = 4;

/// Tells one network of one server.
#[derive(Debug)]
pub struct Responder {
    /// As the server calls itself.
    wanted: Service,
    /// With the name that is used here.
    service: Service,
    /// Those of the machine in this network.
    addresses: Vec<Ipv4Addr>,
    stage: Stage,
    /// How often another name had to be taken.
    taken: u32,
    /// How often a name was tried again or anew.
    conflicts: u32,
    /// What is to be answered to all, and when.
    pending: Option<(Instant, BTreeSet<Kind>)>,
    /// When the records of each kind were last sent to all.
    sent: [Option<Instant>; Kind::COUNT],
    /// When a single machine was last answered.
    answered: Option<Instant>,
    random: Rng,
}

/// How far it is, how many packets are left to send there, and when the next one is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Probing { left: u8, at: Instant },
    Announcing { left: u8, at: Instant },
    Settled,
}

impl Responder {
    /// Begins to look whether the name of the service is free, where the machine has these addresses.
    #[must_use]
    pub fn new(service: Service, addresses: Vec<Ipv4Addr>, random: Rng, now: Instant) -> Self {
        let stage = Stage::Probing { left: PROBES, at: now };
        let mut responder = Self {
            wanted: service.clone(),
            service,
            addresses,
            stage,
            taken: 0,
            conflicts: 0,
            pending: None,
            sent: [None; Kind::COUNT],
            answered: None,
            random,
        };
        // Machines that are switched on together do not probe together.
        responder.probe_from(now);
        responder
    }

    /// The name under which the server is known here. `None` while that is not certain.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        (!matches!(self.stage, Stage::Probing { .. })).then_some(self.service.name.as_str())
    }

    /// When [`Self::packets`] has something to send. `None` when nothing is waited for.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let pending = self.pending.as_ref().map(|(at, _)| *at);
        let stage = match self.stage {
            Stage::Probing { at, .. } | Stage::Announcing { at, .. } => Some(at),
            Stage::Settled => None,
        };
        pending.into_iter().chain(stage).min()
    }

    /// What is to be sent to all by now.
    pub fn packets(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        match self.stage {
            Stage::Probing { left: 0, at } if at <= now => {
                self.stage = Stage::Announcing { left: ANNOUNCEMENTS, at: now };
                return self.packets(now);
            }
            Stage::Probing { left, at } if at <= now => {
                self.stage = Stage::Probing { left: left - 1, at: now + PROBE_GAP };
                packets.extend(self.probe());
            }
            Stage::Announcing { left, at } if at <= now => {
                self.stage = match left {
                    0 | 1 => Stage::Settled,
                    _ => Stage::Announcing { left: left - 1, at: now + ANNOUNCEMENT_GAP },
                };
                packets.extend(self.answers(&BTreeSet::from([Kind::Pointer]), now));
            }
            _ => {}
        }
        if let Some((_, kinds)) = self.pending.take_if(|(at, _)| *at <= now) {
            packets.extend(self.answers(&kinds, now));
        }
        packets
    }

    /// Takes in a packet that came to all. What is given back is for the sender alone.
    pub fn heard(&mut self, packet: &[u8], from: SocketAddrV4, now: Instant) -> Option<Vec<u8>> {
        let packet = Packet::parse(packet).ok()?;
        if packet.opcode() != OPCODE::StandardQuery || packet.rcode() != RCODE::NoError {
            return None;
        }
        if !packet.has_flags(PacketFlag::RESPONSE) {
            return self.question(&packet, from, now);
        }
        let mut records = packet.answers.iter().chain(&packet.additional_records);
        // Answers of others than responders count for nothing (section 6).
        if from.port() == PORT && records.any(|record| self.is_rival(record)) {
            self.conflict(now);
        }
        None
    }

    /// Tells that the server is gone. `None` when nobody was told that it is here.
    #[must_use]
    pub fn goodbye(&self) -> Option<Vec<u8>> {
        self.name()?;
        let mut packet = response(0);
        for kind in [Kind::Pointer, Kind::Location, Kind::Text, Kind::Address] {
            let records = self.records(kind).into_iter();
            packet.answers.extend(records.map(|record| ResourceRecord { ttl: 0, ..record }));
        }
        packet.build_bytes_vec_compressed().ok()
    }

    fn question(
        &mut self,
        packet: &Packet<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Option<Vec<u8>> {
        if matches!(self.stage, Stage::Probing { .. }) {
            // Both stand back for a while of their own length. The RFC lets one of them go on, which is
            // sooner and no surer.
            if packet.name_servers.iter().any(|record| self.is_rival(record)) {
                self.conflicts = self.conflicts.saturating_add(1);
                self.probe_from(now);
            }
            return None;
        }
        let mut kinds = self.asked(&packet.questions);
        kinds.retain(|kind| !self.is_known(*kind, &packet.answers));
        if kinds.is_empty() {
            return None;
        }
        if from.port() != PORT {
            return self.answer_alone(packet, &kinds, now);
        }
        // Whoever probes has to hear soon that the name is taken.
        let gap = if packet.name_servers.is_empty() { ANSWER_GAP } else { DEFENCE_GAP };
        kinds.retain(|kind| self.sent[*kind as usize].is_none_or(|sent| now >= sent + gap));
        let is_shared = kinds.iter().any(|kind| kind.is_shared());
        let delay = if is_shared { self.random.u64(SHARED_DELAY) } else { 0 };
        let mut at = now + Duration::from_millis(delay);
        if let Some((sooner, waiting)) = self.pending.take() {
            at = at.min(sooner);
            kinds.extend(waiting);
        }
        self.pending = (!kinds.is_empty()).then_some((at, kinds));
        None
    }

    /// What is asked for of what there is.
    fn asked(&self, questions: &[Question<'_>]) -> BTreeSet<Kind> {
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
    fn is_known(&self, kind: Kind, answers: &[ResourceRecord<'_>]) -> bool {
        self.records(kind).iter().all(|record| {
            answers.iter().any(|known| known == record && known.ttl >= record.ttl / 2)
        })
    }

    /// The answer to a machine that is no full part of multicast DNS (section 6.7).
    fn answer_alone(
        &mut self,
        asked: &Packet<'_>,
        kinds: &BTreeSet<Kind>,
        now: Instant,
    ) -> Option<Vec<u8>> {
        if self.answered.is_some_and(|answered| now < answered + SINGLE_GAP) {
            return None;
        }
        self.answered = Some(now);
        let mut packet = self.response(asked.id(), kinds);
        packet.questions = asked.questions.iter().take(QUESTIONS).cloned().collect();
        for record in packet.answers.iter_mut().chain(&mut packet.additional_records) {
            record.ttl = record.ttl.min(SINGLE_TTL);
            record.cache_flush = false;
        }
        packet.build_bytes_vec_compressed().ok()
    }

    /// The answer to all, which is noted as sent.
    fn answers(&mut self, kinds: &BTreeSet<Kind>, now: Instant) -> Option<Vec<u8>> {
        let packet = self.response(0, kinds);
        for kind in with_what_is_asked_next(kinds) {
            self.sent[kind as usize] = Some(now);
        }
        packet.build_bytes_vec_compressed().ok()
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

    /// Asks whether anybody has the name.
    fn probe(&self) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(0);
        let (name, class) = (self.service.instance(), QCLASS::CLASS(CLASS::IN));
        packet.questions.push(Question::new(name, QTYPE::ANY, class, false));
        for kind in [Kind::Location, Kind::Text] {
            packet.name_servers.extend(self.service.records(kind, &[]));
        }
        packet.build_bytes_vec_compressed().ok()
    }

    /// Whether the record says that the name is another server's. One's own packets come back.
    fn is_rival(&self, record: &ResourceRecord<'_>) -> bool {
        let RData::SRV(location) = &record.rdata else { return false };
        record.ttl > 0
            && record.name == self.service.instance()
            && location.target != self.service.host()
    }

    /// Somebody else has the name. Whoever was certain of it looks once more; whoever was not takes
    /// another one (section 9).
    fn conflict(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Probing { .. }) {
            self.taken = self.taken.saturating_add(1);
            self.service = self.wanted.renamed(self.taken);
        }
        self.conflicts = self.conflicts.saturating_add(1);
        self.pending = None;
        self.probe_from(now);
    }

    fn probe_from(&mut self, now: Instant) {
        let wait = Duration::from_secs(self.conflicts.min(LONGEST_WAIT).into());
        let jitter = Duration::from_millis(self.random.u64(..250));
        self.stage = Stage::Probing { left: PROBES, at: now + wait + jitter };
    }
}

/// These kinds, and those that whoever gets them asks for next (RFC 6763, section 12).
fn with_what_is_asked_next(kinds: &BTreeSet<Kind>) -> BTreeSet<Kind> {
    let mut all = kinds.clone();
    if all.contains(&Kind::Pointer) {
        all.extend([Kind::Location, Kind::Text]);
    }
    if all.contains(&Kind::Location) {
        all.insert(Kind::Address);
    }
    all
}

#[cfg(test)]
mod tests;
