//! Packets of DNS, as multicast DNS has them (RFC 6762, section 18).

use simple_dns::{OPCODE, Packet, PacketFlag, RCODE};

/// Bytes of the header, and of a question and a record at least (RFC 1035, section 4.1).
const HEADER_BYTES: usize = 12;
const QUESTION_BYTES: usize = 5;
const RECORD_BYTES: usize = 11;

/// What these bytes are, if they are a packet. Whoever sends them may have put any number into the header, for
/// which the reader would take memory; so one that has no room for what it promises is none.
pub(crate) fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    let header = bytes.get(..HEADER_BYTES)?;
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    let records = count(6) + count(8) + count(10);
    let least = count(4) * QUESTION_BYTES + records * RECORD_BYTES;
    if HEADER_BYTES + least > bytes.len() {
        return None;
    }
    let packet = Packet::parse(bytes).ok()?;
    let is_usual = packet.opcode() == OPCODE::StandardQuery && packet.rcode() == RCODE::NoError;
    is_usual.then_some(packet)
}

/// An empty packet of answers. Only one that goes to a single machine has the number of a question.
pub(crate) fn response(id: u16) -> Packet<'static> {
    let mut packet = Packet::new_reply(id);
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    packet
}

/// Whether it has answers, and asks nothing.
pub(crate) fn is_response(packet: &Packet<'_>) -> bool {
    packet.has_flags(PacketFlag::RESPONSE)
}

/// What a packet may have become on its way: some bytes are others, and its end is missing.
#[cfg(test)]
pub(crate) fn damaged(good: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..random.usize(1..8) {
        let at = random.usize(..bytes.len());
        bytes[at] = random.u8(..);
    }
    bytes.truncate(random.usize(..=bytes.len()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Kind, Service};

    #[test]
    fn a_packet_that_promises_more_than_it_has_is_none() {
        let mut packet = response(0);
        packet.answers.extend(Service::new("lab", 1, None).records(Kind::Pointer, &[]));
        let good = packet.build_bytes_vec().unwrap();
        assert_eq!(read(&good).unwrap().answers.len(), 1);
        for at in [4, 6, 8, 10] {
            let mut bad = good.clone();
            bad[at] = 0xff;
            assert!(read(&bad).is_none(), "{at}");
        }
        assert!(read(&good[..11]).is_none() && read(&good[..20]).is_none());
        // Another kind of question, and an error.
        for (at, bits) in [(2, 0x10), (3, 0x02)] {
            let mut other = good.clone();
            other[at] |= bits;
            assert!(read(&other).is_none(), "{at}");
        }
    }
}
