//! A responder and its clock, moved by hand: what it answers, and to whom.

mod names;

use std::fmt::Write;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, OPCODE, QCLASS, QTYPE, Question, ResourceRecord, TYPE};

use super::*;
use crate::packet::{damaged, response};
use crate::service::{kin, types};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);
const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 9), PORT);

fn service(name: &str) -> Service {
    Service { name: name.to_owned(), host: format!("chat-of-{name}"), port: 6666, tls: None }
}

/// A responder and its clock.
struct Model {
    responder: Responder,
    now: Instant,
}

impl Model {
    fn new() -> Self {
        let now = Instant::now();
        let random = Rng::with_seed(7);
        Self { responder: Responder::new(service("lab"), vec![ADDRESS], random, now), now }
    }

    /// One that has a name and has been silent for a while.
    fn settled() -> Self {
        let mut model = Self::new();
        model.run(10_000);
        assert_eq!((model.responder.name(), model.responder.due()), (Some("lab"), None));
        model
    }

    /// Lets time pass, and gives what was sent to all, each with when.
    fn run(&mut self, milliseconds: u64) -> Vec<(u128, String)> {
        let (begin, end) = (self.now, self.now + Duration::from_millis(milliseconds));
        let mut sent = Vec::new();
        while let Some(due) = self.responder.due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            for packet in self.responder.packets(self.now) {
                sent.push(((self.now - begin).as_millis(), shown(&packet)));
            }
        }
        self.now = end;
        sent
    }

    fn hear(&mut self, packet: &Packet<'_>, from: SocketAddrV4) -> Option<String> {
        let packet = packet.build_bytes_vec_compressed().unwrap();
        self.responder.heard(&packet, from, self.now).map(|answer| shown(&answer))
    }
}

/// The records of a packet in a line each section has: kind, name, TTL.
fn shown(packet: &[u8]) -> String {
    let packet = Packet::parse(packet).unwrap();
    let mut text = String::new();
    for question in &packet.questions {
        write!(text, "? {} ", question.qname).unwrap();
    }
    for (mark, records) in
        [("=", &packet.answers), ("!", &packet.name_servers), ("+", &packet.additional_records)]
    {
        for ResourceRecord { name, ttl, rdata, cache_flush, .. } in records {
            let data = match rdata {
                RData::PTR(pointer) => format!("PTR {}", pointer.0),
                RData::SRV(location) => format!("SRV {}:{}", location.target, location.port),
                RData::TXT(_) => "TXT".to_owned(),
                RData::A(address) => format!("A {}", Ipv4Addr::from_bits(address.address)),
                other => format!("{other:?}"),
            };
            let only = if *cache_flush { "only " } else { "" };
            write!(text, "{mark} {name} {ttl} {only}{data} ").unwrap();
        }
    }
    text.trim_end().to_owned()
}

fn question(name: Name<'static>, kind: TYPE) -> Packet<'static> {
    let mut packet = Packet::new_query(0);
    let class = QCLASS::CLASS(CLASS::IN);
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), class, false));
    packet
}

/// What another server says of a name.
fn claim(name: &str, host: &str, is_probe: bool) -> Packet<'static> {
    let other = Service { host: host.to_owned(), ..service(name) };
    let records = other.records(Kind::Location, &[]);
    if is_probe {
        let mut packet = question(other.instance(), TYPE::SRV);
        packet.name_servers.extend(records);
        return packet;
    }
    let mut packet = response(0);
    packet.answers.extend(records);
    packet
}

const PROBE: &str = "? lab._chat._tcp.local \
    ! lab._chat._tcp.local 120 SRV chat-of-lab.local:6666 ! lab._chat._tcp.local 4500 TXT";
const ALL: &str = "= _chat._tcp.local 4500 PTR lab._chat._tcp.local \
    + lab._chat._tcp.local 120 only SRV chat-of-lab.local:6666 \
    + lab._chat._tcp.local 4500 only TXT \
    + chat-of-lab.local 120 only A 192.168.1.20";

#[test]
fn what_is_asked_for_is_answered() {
    let lab = || service("lab").instance();
    for (name, kind, is_shared, expected) in [
        (kin(), TYPE::PTR, true, ALL),
        (types(), TYPE::PTR, true, "= _services._dns-sd._udp.local 4500 PTR _chat._tcp.local"),
        (
            lab(),
            TYPE::SRV,
            false,
            "= lab._chat._tcp.local 120 only SRV chat-of-lab.local:6666 \
             + chat-of-lab.local 120 only A 192.168.1.20",
        ),
        (lab(), TYPE::TXT, false, "= lab._chat._tcp.local 4500 only TXT"),
        (service("lab").host(), TYPE::A, false, "= chat-of-lab.local 120 only A 192.168.1.20"),
    ] {
        let mut model = Model::settled();
        assert_eq!(model.hear(&question(name, kind), OTHER), None);
        let sent = model.run(1000);
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].1, expected);
        assert_eq!((20..120).contains(&sent[0].0), is_shared, "{sent:?}");
        assert!(is_shared || sent[0].0 == 0, "{sent:?}");
    }
}

#[test]
fn what_is_somebody_elses_or_known_is_not_answered() {
    let mut knows = question(kin(), TYPE::PTR);
    knows.answers.extend(service("lab").records(Kind::Pointer, &[]));
    let mut odd = question(kin(), TYPE::PTR);
    *odd.opcode_mut() = OPCODE::ServerStatusRequest;
    for packet in [
        question(Name::new("_ipp._tcp.local").unwrap(), TYPE::PTR),
        question(kin(), TYPE::A),
        question(service("hall").instance(), TYPE::SRV),
        knows,
        odd,
    ] {
        let mut model = Model::settled();
        assert_eq!((model.hear(&packet, OTHER), model.run(1000)), (None, vec![]), "{packet:?}");
    }
    // What is soon forgotten is not known.
    let mut knew = question(kin(), TYPE::PTR);
    knew.answers.extend(service("lab").records(Kind::Pointer, &[]));
    knew.answers[0].ttl = 10;
    let mut model = Model::settled();
    model.hear(&knew, OTHER);
    assert_eq!(model.run(1000).len(), 1);
}

#[test]
fn many_questions_get_one_answer_a_second() {
    let mut model = Model::settled();
    let mut sent = Vec::new();
    for _ in 0..500 {
        model.hear(&question(kin(), TYPE::PTR), OTHER);
        sent.extend(model.run(10));
    }
    assert!((5..=6).contains(&sent.len()), "{sent:?}");
}

#[test]
fn a_machine_that_asks_from_another_port_is_answered_alone() {
    let alone = SocketAddrV4::new(*OTHER.ip(), 50_000);
    let mut model = Model::settled();
    let mut packet = question(kin(), TYPE::PTR);
    packet.set_id(4711);
    let bytes = packet.build_bytes_vec().unwrap();
    let answer = model.responder.heard(&bytes, alone, model.now).unwrap();
    assert_eq!(Packet::parse(&answer).unwrap().id(), 4711);
    let answer = shown(&answer);
    assert!(answer.starts_with("? _chat._tcp.local = _chat._tcp.local 10 PTR lab"), "{answer}");
    assert!(!answer.contains("only") && answer.contains("A 192.168.1.20"), "{answer}");
    assert_eq!(model.run(1000), []);
    // No flood gets another one back.
    let count = (0..1000).filter_map(|_| {
        model.run(1);
        model.hear(&packet, alone)
    });
    assert_eq!(count.count(), 100);
}

#[test]
fn no_bytes_do_harm() {
    let mut random = Rng::with_seed(11);
    let mut model = Model::settled();
    let good = claim("lab", "another", false).build_bytes_vec_compressed().unwrap();
    for _ in 0..20_000 {
        model.responder.heard(&damaged(&good, &mut random), OTHER, model.now);
        model.run(1);
    }
}
