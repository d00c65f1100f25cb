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
use simple_dns::Packet;

use crate::answers::{Answers, with_what_is_asked_next};
use crate::network::PORT;
use crate::packet::{is_response, read};
use crate::service::{Kind, Service};

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

/// The longest wait before a name is tried again, in seconds. Somebody may take each that is tried.
const LONGEST_WAIT: u32 = 30;

/// Tells one network of one server.
#[derive(Debug)]
pub struct Responder {
    /// As the server calls itself.
    wanted: Service,
    /// What it says here.
    answers: Answers,
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
            answers: Answers { service, addresses },
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
        (!matches!(self.stage, Stage::Probing { .. })).then_some(self.answers.service.name.as_str())
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
                packets.extend(self.answers.probe());
            }
            Stage::Announcing { left, at } if at <= now => {
                self.stage = match left {
                    0 | 1 => Stage::Settled,
                    _ => Stage::Announcing { left: left - 1, at: now + ANNOUNCEMENT_GAP },
                };
                packets.extend(self.answer_all(&BTreeSet::from([Kind::Pointer]), now));
            }
            _ => {}
        }
        if let Some((_, kinds)) = self.pending.take_if(|(at, _)| *at <= now) {
            packets.extend(self.answer_all(&kinds, now));
        }
        packets
    }

    /// Takes in a packet that came to all. What is given back is for the sender alone.
    pub fn heard(&mut self, packet: &[u8], from: SocketAddrV4, now: Instant) -> Option<Vec<u8>> {
        let packet = read(packet)?;
        if !is_response(&packet) {
            return self.question(&packet, from, now);
        }
        let mut records = packet.answers.iter().chain(&packet.additional_records);
        // Answers of others than responders count for nothing (section 6).
        if from.port() == PORT && records.any(|record| self.answers.is_rival(record)) {
            self.conflict(now);
        }
        None
    }

    /// Tells that the server is gone. `None` when nobody was told that it is here.
    #[must_use]
    pub fn goodbye(&self) -> Option<Vec<u8>> {
        self.name()?;
        self.answers.goodbye()
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
            if packet.name_servers.iter().any(|record| self.answers.is_rival(record)) {
                self.conflicts = self.conflicts.saturating_add(1);
                self.probe_from(now);
            }
            return None;
        }
        let mut kinds = self.answers.asked(&packet.questions);
        kinds.retain(|kind| !self.answers.are_known(*kind, &packet.answers));
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
        self.answers.to_one(asked, kinds)
    }

    /// The answer to all, which is noted as sent.
    fn answer_all(&mut self, kinds: &BTreeSet<Kind>, now: Instant) -> Option<Vec<u8>> {
        for kind in with_what_is_asked_next(kinds) {
            self.sent[kind as usize] = Some(now);
        }
        self.answers.to_all(kinds)
    }

    /// Somebody else has the name. Whoever was certain of it looks once more; whoever was not takes
    /// another one (section 9).
    fn conflict(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Probing { .. }) {
            self.taken = self.taken.saturating_add(1);
            self.answers.service = self.wanted.renamed(self.taken);
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

#[cfg(test)]
mod tests;
