//! Packets in any order, whole and damaged, and what a search makes of them.

use simple_dns::rdata::{A, PTR, SRV};

use super::*;
use crate::packet::{damaged, response};
use crate::service::{Kind, Service, instance};

fn service(name: &str, port: u16, tls: Option<u16>) -> Service {
    Service { name: name.to_owned(), host: format!("host-of-{}", name.len()), port, tls }
}

fn packet(service: &Service, kinds: &[Kind], addresses: &[[u8; 4]]) -> Vec<u8> {
    let addresses: Vec<_> = addresses.iter().map(|address| Ipv4Addr::from(*address)).collect();
    let mut packet = response(0);
    for kind in kinds {
        packet.answers.extend(service.records(*kind, &addresses));
    }
    packet.build_bytes_vec_compressed().unwrap()
}

const ALL: [Kind; 4] = [Kind::Address, Kind::Text, Kind::Location, Kind::Pointer];

fn found(search: &Search) -> Vec<String> {
    let shown = |found: Found| {
        format!("{} {}{}", found.name, found.address, if found.is_tls { " tls" } else { "" })
    };
    search.found().into_iter().map(shown).collect()
}

fn questions(search: &Search) -> Vec<String> {
    let packet = search.question();
    let packet = Packet::parse(&packet).unwrap();
    packet.questions.iter().map(|asked| format!("{} {:?}", asked.qname, asked.qtype)).collect()
}

#[test]
fn each_way_into_a_server_is_found() {
    for (port, tls, expected) in [
        (6666, None, &["lab 10.0.0.7:6666"][..]),
        (6666, Some(6697), &["lab 10.0.0.7:6666", "lab 10.0.0.7:6697 tls"]),
        (6697, Some(6697), &["lab 10.0.0.7:6697 tls"]),
        (0, None, &[]),
    ] {
        let mut search = Search::default();
        // In whatever order the records come.
        search.heard(&packet(&service("lab", port, tls), &ALL, &[[10, 0, 0, 7]]));
        assert_eq!(found(&search), expected);
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let mut search = Search::default();
    let lab = service("lab", 1, None);
    assert_eq!(questions(&search), ["_chat._tcp.local TYPE(PTR)"]);
    // Of nobody who was not named anything is kept.
    search.heard(&packet(&lab, &[Kind::Location, Kind::Address], &[[10, 0, 0, 7]]));
    search.heard(&packet(&lab, &[Kind::Pointer], &[]));
    assert_eq!(
        questions(&search)[1..],
        ["lab._chat._tcp.local TYPE(SRV)", "lab._chat._tcp.local TYPE(TXT)"]
    );
    search.heard(&packet(&lab, &[Kind::Location], &[]));
    assert_eq!(
        questions(&search)[1..],
        ["host-of-3.local TYPE(A)", "lab._chat._tcp.local TYPE(TXT)"]
    );
    search.heard(&packet(&lab, &[Kind::Address], &[[10, 0, 0, 7]]));
    assert_eq!(found(&search), ["lab 10.0.0.7:1"], "a text need not come");
    search.heard(&packet(&lab, &[Kind::Text], &[]));
    assert_eq!(questions(&search).len(), 1);
}

#[test]
fn who_is_gone_is_not_found() {
    let (mut search, lab) = (Search::default(), service("lab", 1, None));
    search.heard(&packet(&lab, &ALL, &[[10, 0, 0, 7]]));
    let mut goodbye = response(0);
    goodbye.answers.extend(lab.records(Kind::Pointer, &[]));
    goodbye.answers[0].ttl = 0;
    search.heard(&goodbye.build_bytes_vec().unwrap());
    assert_eq!(found(&search), [""; 0]);
}

#[test]
fn what_is_no_answer_about_a_server_changes_nothing() {
    let lab = service("lab", 1, None);
    let good = packet(&lab, &ALL, &[[10, 0, 0, 7]]);
    let mut question = good.clone();
    question[2] &= 0x7f;
    let other = || Name::new("x._ipp._tcp.local").unwrap();
    let mut printer = response(0);
    let kin = Name::new("_ipp._tcp.local").unwrap();
    for (name, target) in [(kin, other()), (crate::service::kin(), other())] {
        let pointer = RData::PTR(PTR(target));
        printer.answers.push(ResourceRecord::new(name, CLASS::IN, 10, pointer));
    }
    for bytes in [question, good[..good.len() - 3].to_vec(), printer.build_bytes_vec().unwrap()] {
        let mut search = Search::default();
        search.heard(&bytes);
        assert_eq!((found(&search), search.servers.len()), (vec![], 0));
    }
    // Nobody else is there.
    for address in [[127, 0, 0, 1], [0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255]] {
        let mut search = Search::default();
        search.heard(&packet(&lab, &ALL, &[address]));
        assert_eq!(found(&search), [""; 0]);
    }
}

#[test]
fn a_flood_of_answers_is_bounded() {
    let mut search = Search::default();
    for number in 0..10_000u32 {
        let name = instance(&format!("{number}"));
        let machine = Name::new("m.local").unwrap();
        let [_, _, high, low] = number.to_be_bytes();
        let mut packet = response(0);
        let mut add = |name: &Name<'static>, data| {
            packet.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 120, data));
        };
        add(&kin(), RData::PTR(PTR(name.clone())));
        // The same server on ever other machines, with ever other addresses.
        let moved = Name::new_with_labels(&[simple_dns::Label::new_unchecked(
            format!("m{number}").into_bytes(),
        )]);
        for (server, machine) in [(&instance("0"), &moved), (&name, &machine)] {
            let target = machine.clone();
            let location = SRV { priority: 0, weight: 0, port: 1, target };
            add(server, RData::SRV(location));
            let address = u32::from_be_bytes([10, 0, high, low]);
            add(machine, RData::A(A { address }));
        }
        search.heard(&packet.build_bytes_vec().unwrap());
        assert!(search.servers.len() <= SERVERS && search.machines.len() <= SERVERS);
        assert!(search.question().len() < 1200);
    }
    assert!(search.is_full());
    assert!(search.found().len() <= SERVERS * ADDRESSES * 2);
}

#[test]
fn no_bytes_do_harm() {
    let mut random = fastrand::Rng::with_seed(3);
    let good = packet(&service("lab", 1, Some(2)), &ALL, &[[10, 0, 0, 7]]);
    let mut search = Search::default();
    for _ in 0..20_000 {
        search.heard(&damaged(&good, &mut random));
        assert!(Packet::parse(&search.question()).is_ok());
    }
    assert!(search.found().len() <= SERVERS * ADDRESSES * 2);
}
