//! However the first byte says to cut the rest, the same lines come out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{LineDecoder, LineError};

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<String, LineError>> {
    let mut decoder = LineDecoder::new(8, 20);
    let mut lines = Vec::new();
    for mut piece in pieces {
        while let Some(line) = decoder.next(&mut piece) {
            lines.push(line.map(str::to_owned));
            if lines.last() == Some(&Err(LineError::Unterminated)) {
                return lines;
            }
        }
    }
    lines.extend(decoder.finish().map(|line| line.map(str::to_owned)));
    lines
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    assert_eq!(decode(bytes.chunks(usize::from(cut).max(1))), decode(std::iter::once(bytes)));
});
