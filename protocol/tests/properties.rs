//! What must hold for every input, not only for the examples that somebody thought of.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::rows::{HistoryRow, RoomRow};
use protocol::{
    Command, Event, LineDecoder, LineError, Reply, Request, RoomName, ServerLine, UserName,
};

/// All lines of `pieces`, as one decoder cuts them, up to the point where it gives up.
fn decode(pieces: &[&[u8]]) -> Vec<Result<String, LineError>> {
    let mut decoder = LineDecoder::new(8, 20);
    let mut lines = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(line) = decoder.next(&mut rest) {
            lines.push(line.map(str::to_owned));
            if lines.last() == Some(&Err(LineError::Unterminated)) {
                return lines;
            }
        }
    }
    lines.extend(decoder.finish().map(|line| line.map(str::to_owned)));
    lines
}

/// Bytes in which newlines, returns, and broken and whole UTF-8 characters are frequent.
fn wire_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just("é王".as_bytes().to_vec()),
        vec(any::<u8>(), 1..4),
        vec(b'a'..=b'z', 1..12),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_of_the_same_bytes_gives_the_same_lines(
        bytes in wire_bytes(),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(&pieces), decode(&[&bytes]));
    }

    #[test]
    fn lines_within_the_limit_come_out_as_they_went_in(lines in vec("[a-zé王]{0,2}", 0..20)) {
        let bytes: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        let expected: Vec<_> = lines.into_iter().map(Ok).collect();
        prop_assert_eq!(decode(&[bytes.as_bytes()]), expected);
    }

    #[test]
    fn no_text_makes_a_parser_panic_and_all_read_back(text in any::<String>()) {
        prop_assert_eq!(ServerLine::parse(&text).to_string(), text.as_str());
        if let Some(event) = Event::parse(&text) {
            prop_assert_eq!(event.to_string(), text.as_str());
        }
        if let Some(reply) = Reply::parse(&text) {
            prop_assert_eq!(reply.to_string(), text.as_str());
        }
        if let Some(row) = RoomRow::parse(&text) {
            prop_assert_eq!(row.to_string(), text.as_str());
        }
        if let Some(row) = HistoryRow::parse(&text) {
            prop_assert_eq!(row.to_string(), text.as_str());
        }
        let _ = UserName::parse(&text);
        let _ = RoomName::parse(&text);
        let _ = Request::parse(&text);
    }

    #[test]
    fn a_request_reads_back(
        command in prop::sample::select(Command::ALL),
        argument in "([^\\p{Cc} ]{1,6}( [^\\p{Cc}]{0,20}[^\\p{Cc} ])?|[0-9]{1,4})?",
    ) {
        let line = format!("{} {argument}", command.spec().name);
        let request = Request::parse(&line).unwrap().unwrap();
        prop_assume!(!matches!(request, Request::Malformed(_)));
        let text = request.to_string();
        prop_assert_eq!(Request::parse(&text), Ok(Some(request)));
    }

    #[test]
    fn what_is_said_cannot_break_out_of_its_line(name in "[a-z]{1,9}", text in "[^\\p{Cc}]{0,40}") {
        let line = Event::Said { name: &name, text: &text }.to_string();
        let parsed = ServerLine::parse(&line);
        prop_assert_eq!(parsed, ServerLine::Event(Event::Said { name: &name, text: &text }));
    }

    #[test]
    fn names_are_equal_whatever_their_case(name in "[a-zA-Z0-9]{1,32}") {
        prop_assume!(UserName::parse(&name).is_ok());
        let upper = UserName::parse(&name.to_uppercase()).unwrap();
        prop_assert_eq!(UserName::parse(&name).unwrap(), upper);
    }

    #[test]
    fn a_name_holds_nothing_that_could_end_it_or_hide(text in any::<String>()) {
        if let Ok(name) = UserName::parse(&text) {
            let forbidden = |c: char| c.is_whitespace() || c.is_control() || ":[]/*".contains(c);
            prop_assert!(!name.as_str().contains(forbidden));
            prop_assert!((1..=32).contains(&name.as_str().chars().count()));
        }
    }
}
