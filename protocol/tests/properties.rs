//! What must hold for every input, not only for the examples that somebody thought of.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::rows::{HistoryRow, RoomRow};
use protocol::{
    Command, Event, LineDecoder, LineError, NameError, Reply, Request, RoomName, ServerLine,
    UserName,
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
    fn names_are_equal_whatever_their_case(
        name in "[a-zA-Z0-9]{1,32}|[α-ωΑ-Ω]{1,9}|[а-яА-Я]{1,9}|[à-þÀ-Þ]{1,9}",
    ) {
        let [name, upper, lower] = [name.clone(), name.to_uppercase(), name.to_lowercase()]
            .map(|name| UserName::parse(&name));
        if let (Ok(name), Ok(upper)) = (&name, upper) {
            prop_assert_eq!(name, &upper);
        }
        if let (Ok(name), Ok(lower)) = (name, lower) {
            prop_assert_eq!(name, lower);
        }
    }

    #[test]
    fn names_are_equal_whatever_their_digits_and_letters_look_like(
        name in "[a-zA-Z0-9]{1,16}",
        swaps in vec(any::<bool>(), 16),
    ) {
        let twins = [('I', 'l'), ('l', '1'), ('1', 'I'), ('O', '0'), ('0', 'o'), ('i', 'I')];
        let swap = |letter: char| {
            twins.iter().find(|(one, _)| *one == letter).map_or(letter, |(_, other)| *other)
        };
        let twin: String = name
            .chars()
            .zip(swaps)
            .map(|(letter, swapped)| if swapped { swap(letter) } else { letter })
            .collect();
        prop_assert_eq!(UserName::parse(&name), UserName::parse(&twin));
        prop_assert_eq!(RoomName::parse(&name.replace('m', "rn")), RoomName::parse(&name));
    }

    /// The core rule of docs/protocol.md, which a server can do without a library.
    #[test]
    fn names_of_the_core_rule_are_allowed(name in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,31}") {
        match UserName::parse(&name) {
            Ok(name) => prop_assert_eq!(Ok(name.clone()), UserName::parse(&name.as_str().to_ascii_uppercase())),
            Err(error) => prop_assert!(matches!(error, NameError::Reserved | NameError::Address)),
        }
    }

    #[test]
    fn a_name_that_looks_like_ascii_is_equal_to_what_it_looks_like(
        name in "[α-ωΑ-Ω]{1,5}|[а-яА-Я]{1,5}",
    ) {
        use unicode_security::confusable_detection::skeleton;
        let look: String = skeleton(&name).collect();
        if let (true, Ok(name), Ok(look)) =
            (look.is_ascii(), UserName::parse(&name), UserName::parse(&look))
        {
            prop_assert_eq!(name, look);
        }
    }

    #[test]
    fn a_name_reads_back_as_itself(text in any::<String>()) {
        if let Ok(name) = UserName::parse(&text) {
            let shown = UserName::parse(name.as_str());
            prop_assert_eq!(shown.as_ref().map(UserName::as_str), Ok(name.as_str()));
        }
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
