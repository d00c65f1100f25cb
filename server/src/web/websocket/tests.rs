//! Frames by hand, each cut at every byte, and against `tungstenite`'s own client.

use std::collections::VecDeque;

use proptest::prelude::*;
use tungstenite::protocol::WebSocket;
use tungstenite::protocol::frame::Frame;

use super::*;

const FINAL: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What a stream comes to: its messages, the answers to it, and its end.
type Decoded = (Vec<String>, Vec<u8>, Option<End>);

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::default();
    let (mut texts, mut answers) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece, &mut answers) {
                Ok(Some(text)) => texts.push(text.to_string()),
                Ok(None) => break,
                Err(end) => return (texts, answers, Some(end)),
            }
        }
        assert!(piece.is_empty());
    }
    (texts, answers, None)
}

/// A frame as a browser sends it, with its length in so many bytes, or in as few as do.
fn frame_with(first: u8, payload: &[u8], length_bytes: usize) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let length = payload.len() as u64;
    let mut frame = vec![first];
    match length_bytes {
        1 => frame.push(0x80 | length as u8),
        2 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length_bytes = match payload.len() {
        0..126 => 1,
        126..0x1_0000 => 2,
        _ => 8,
    };
    frame_with(first, payload, length_bytes)
}

/// The same comes of it however the network cuts it.
#[track_caller]
fn check(stream: &[u8], texts: &[&str], answers: &[u8], end: Option<End>) {
    let expected = (texts.iter().map(|&text| text.to_owned()).collect(), answers.to_vec(), end);
    assert_eq!(decode(std::iter::once(stream)), expected);
    for cut in 0..=stream.len().min(400) {
        let (before, after) = stream.split_at(cut);
        assert_eq!(decode([before, after].into_iter()), expected, "cut at {cut}");
    }
    assert_eq!(decode(stream.chunks(1)), expected, "cut at every byte");
}

fn broken(code: u16) -> Option<End> {
    Some(End::Broken(code))
}

#[test]
fn the_vectors_of_the_rfc() {
    // RFC 6455, 5.7: a masked "Hello", and a masked pong.
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    check(hello, &["Hello"], b"", None);
    check(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &[], b"", None);
    // The same without a mask.
    check(b"\x81\x05\x48\x65\x6c\x6c\x6f", &[], b"", broken(1002));
    assert_eq!([Header::of_text(5).as_bytes(), b"Hello"].concat(), b"\x81\x05Hello");
    assert_eq!(Header::of_text(256).as_bytes(), b"\x81\x7e\x01\x00");
    assert_eq!(Header::of_text(65536).as_bytes(), b"\x81\x7f\0\0\0\0\0\x01\0\0");
}

#[test]
fn every_length_has_its_form() {
    for length in [0, 1, 125, 126, 127, 128, 0xffff, MESSAGE_BYTES] {
        let text = "x".repeat(length);
        let frame = frame(FINAL | TEXT, text.as_bytes());
        assert_eq!(decode(frame.chunks(1000)), (vec![text], vec![], None), "{length}");
        let header = Header::of_text(length);
        let expected = match length {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => 10,
        };
        assert_eq!(header.as_bytes().len(), expected);
    }
    let too_long = vec![b'x'; MESSAGE_BYTES + 1];
    assert_eq!(decode(frame(FINAL | TEXT, &too_long).chunks(1000)).2, broken(1009));
    // A length alone costs nothing: not even room for it is made.
    for length in [MESSAGE_BYTES as u64 + 1, 1 << 40, 1 << 63, u64::MAX] {
        check(
            &[&[0x81, 0xff], &length.to_be_bytes()[..], &[0; 4]].concat(),
            &[],
            b"",
            broken(1009),
        );
    }
}

#[test]
fn messages_come_in_fragments_with_pings_between() {
    let stream = [
        frame(TEXT, b"say h"),
        frame(FINAL | PING, b"are you there"),
        frame(CONTINUATION, "é".as_bytes().split_at(1).0),
        frame(FINAL | PONG, b""),
        frame(CONTINUATION, b""),
        frame(FINAL | CONTINUATION, &["é".as_bytes().split_at(1).1, b"\n"].concat()),
        frame(FINAL | PING, b""),
        frame(FINAL | TEXT, b"look\nrooms\n"),
    ]
    .concat();
    check(&stream, &["say hé\n", "look\nrooms\n"], b"\x8a\x0dare you there\x8a\0", None);
    let fragments = [frame(TEXT, &[b'x'; 40_000]), frame(CONTINUATION, &[b'x'; 40_000])].concat();
    assert_eq!(decode(fragments.chunks(1000)).2, broken(1009));
}

#[test]
fn the_rules_are_kept() {
    for first in [0xc1, 0xa1, 0x91, 0x83, 0x87, 0x8b, 0x8f, 0x80] {
        // Reserved bits, reserved kinds, and a continuation of nothing.
        check(&frame(first, b"x"), &[], b"", broken(1002));
    }
    check(&frame(PING, b""), &[], b"", broken(1002));
    check(&frame(FINAL | PING, &[0; 126]), &[], b"", broken(1002));
    check(&[frame(TEXT, b"a"), frame(FINAL | TEXT, b"b")].concat(), &[], b"", broken(1002));
    check(&frame(FINAL | BINARY, b"say hi\n"), &[], b"", broken(1003));
    check(&frame(FINAL | TEXT, b"say \xff\n"), &[], b"", broken(1007));
    check(&frame(FINAL | TEXT, b"say \xed\xa0\x80\n"), &[], b"", broken(1007));
    check(&frame(FINAL | TEXT, b"say \xc3"), &[], b"", broken(1007));
    let before = [frame(FINAL | TEXT, b"look\n"), frame(0xc1, b"x"), frame(FINAL | TEXT, b"no\n")];
    check(&before.concat(), &["look\n"], b"", broken(1002));
}

#[test]
fn a_close_ends_the_stream() {
    for payload in [&b""[..], b"\x03\xe8", b"\x03\xe8bye"] {
        let stream = [frame(FINAL | CLOSE, payload), frame(FINAL | TEXT, b"no\n")].concat();
        check(&stream, &[], b"", Some(End::Closed));
    }
    check(&frame(FINAL | CLOSE, b"\x03"), &[], b"", broken(1002));
    assert_eq!(close_frame(NORMAL), [0x88, 2, 0x03, 0xe8]);
}

/// A stream for `tungstenite`'s client: what it writes, and what it is to read.
#[derive(Debug, Default)]
struct Pipe {
    written: Vec<u8>,
    to_read: VecDeque<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.to_read.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Texts, each in so many frames, with a ping before each.
fn texts() -> impl Strategy<Value = Vec<(String, usize)>> {
    prop::collection::vec(("\\PC{0,40}", 1..4_usize), 0..8)
}

proptest! {
    #[test]
    fn what_a_client_sends_is_decoded(
        texts in texts(),
        cuts in prop::collection::vec(1..60_usize, 1..40),
    ) {
        let mut client = WebSocket::from_raw_socket(Pipe::default(), Role::Client, None);
        for (text, count) in &texts {
            client.send(Message::Ping(text.as_bytes()[..text.len().min(125)].to_vec().into())).unwrap();
            let bytes = text.as_bytes();
            let size = bytes.len().div_ceil(*count).max(1);
            let parts: Vec<_> = if bytes.is_empty() { vec![bytes] } else { bytes.chunks(size).collect() };
            for (number, part) in parts.iter().enumerate() {
                let kind = if number == 0 { Data::Text } else { Data::Continue };
                let is_last = number + 1 == parts.len();
                let frame = Frame::message(part.to_vec(), OpCode::Data(kind), is_last);
                client.send(Message::Frame(frame)).unwrap();
            }
        }
        let stream = client.get_ref().written.clone();
        let mut rest = &stream[..];
        let pieces = cuts.iter().cycle().map_while(|&cut| {
            let piece = rest.split_off(..cut.min(rest.len()))?;
            (!piece.is_empty()).then_some(piece)
        });
        let (decoded, answers, end) = decode(pieces);
        prop_assert_eq!(end, None);
        prop_assert!(decoded.iter().eq(texts.iter().map(|(text, _)| text)));
        // And the client understands what is answered.
        client.get_mut().to_read.extend(answers);
        for (text, _) in &texts {
            let payload = text.as_bytes()[..text.len().min(125)].to_vec();
            prop_assert_eq!(client.read().unwrap(), Message::Pong(payload.into()));
        }
    }

    #[test]
    fn a_client_understands_what_is_sent(lengths in prop::collection::vec(0..70_000_usize, 0..6)) {
        let mut client = WebSocket::from_raw_socket(Pipe::default(), Role::Client, None);
        for &length in &lengths {
            let text = "x".repeat(length);
            client.get_mut().to_read.extend(Header::of_text(length).as_bytes());
            client.get_mut().to_read.extend(text.as_bytes());
        }
        client.get_mut().to_read.extend(close_frame(NORMAL));
        for &length in &lengths {
            prop_assert_eq!(client.read().unwrap().into_text().unwrap().len(), length);
        }
        prop_assert!(client.read().unwrap().is_close());
    }

    #[test]
    fn no_bytes_can_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(bytes.chunks(7));
        let _ = super::super::http::read(&bytes, &super::super::origin::Names::new(None, &[], &[]));
    }
}
