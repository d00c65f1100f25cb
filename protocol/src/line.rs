//! The line decoder: it makes lines of bytes, however the network cut them, in bounded memory.
//!
//! A line ends with LF; one CR right before it is dropped. What is too long or not UTF-8 is
//! reported in its place and skipped. This module decides nothing about what a line says.

use thiserror::Error;

/// Why some bytes are no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// The line is over the limit. It was dropped up to its newline.
    #[error("a line is too long")]
    TooLong,
    /// So many bytes came without a newline that these are no lines. Nothing more can be decoded.
    #[error("this is not made of lines")]
    Unterminated,
    /// The line is not UTF-8. It was dropped.
    #[error("a line is not UTF-8")]
    NotUtf8,
}

/// Cuts a stream of bytes into lines. It holds at most one line that is not complete.
#[derive(Debug)]
pub struct LineDecoder {
    line_bytes: usize,
    unterminated_bytes: usize,
    /// What has come of the current line, as far as it can still be a line within the limit.
    partial: Vec<u8>,
    /// How many bytes of the current line have come.
    seen: usize,
    /// Whether `partial` was given out and is to be emptied before the next line.
    given: bool,
}

impl LineDecoder {
    /// A decoder for lines of up to `line_bytes` bytes, without their end, that gives up for good
    /// once `unterminated_bytes` bytes came without one.
    ///
    /// # Panics
    ///
    /// When `unterminated_bytes` is not larger than `line_bytes + 1`, the longest line with a CR.
    #[must_use]
    pub fn new(line_bytes: usize, unterminated_bytes: usize) -> Self {
        assert!(line_bytes + 1 < unterminated_bytes, "a line in the limit must fit");
        Self { line_bytes, unterminated_bytes, partial: Vec::new(), seen: 0, given: false }
    }

    /// The next line of `input`, which is advanced past it. `None` when `input` is used up; the
    /// rest of the line is then expected in the next input.
    ///
    /// # Errors
    ///
    /// Says what stood in the place of a line. After [`LineError::Unterminated`] the answer
    /// stays the same for ever.
    pub fn next<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Option<Result<&'a str, LineError>> {
        self.start_line();
        // Past the limit only the newline matters, and it counts only if it comes in time.
        let window = &input[..input.len().min(self.unterminated_bytes - self.seen)];
        let Some(length) = memchr::memchr(b'\n', window) else {
            self.keep(window);
            *input = &input[window.len()..];
            let is_hopeless = self.seen == self.unterminated_bytes;
            return is_hopeless.then_some(Err(LineError::Unterminated));
        };
        let line = &input[..length];
        *input = &input[length + 1..];
        if self.seen == 0 {
            // The usual case: the whole line lies in the input, and nothing is copied.
            return Some(self.check(line, line.len()));
        }
        self.keep(line);
        self.given = true;
        Some(self.check(&self.partial, self.seen))
    }

    /// The text after the last newline, at the end of the stream. `None` when there is none.
    ///
    /// # Errors
    ///
    /// Says what stood in the place of a line, as [`LineDecoder::next`] does.
    pub fn finish(&mut self) -> Option<Result<&str, LineError>> {
        self.start_line();
        if self.seen == 0 {
            return None;
        }
        self.given = true;
        Some(self.check(&self.partial, self.seen))
    }

    fn start_line(&mut self) {
        if self.given {
            self.partial.clear();
            self.seen = 0;
            self.given = false;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        // One more than the limit, so that a CR at the end finds room.
        let room = (self.line_bytes + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.seen += bytes.len();
    }

    /// `kept` is the line, or its beginning when `length` says that it is longer.
    fn check<'a>(&self, kept: &'a [u8], length: usize) -> Result<&'a str, LineError> {
        let has_return = length == kept.len() && kept.ends_with(b"\r");
        if length - usize::from(has_return) > self.line_bytes {
            return Err(LineError::TooLong);
        }
        let line = &kept[..length - usize::from(has_return)];
        str::from_utf8(line).map_err(|_| LineError::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: &[Result<&str, LineError>]) {
        for cut in 1..=input.len().max(1) {
            let mut decoder = LineDecoder::new(4, 8);
            let mut lines = Vec::new();
            for mut piece in input.chunks(cut) {
                while let Some(line) = decoder.next(&mut piece) {
                    lines.push(line.map(str::to_owned));
                    if lines.last() == Some(&Err(LineError::Unterminated)) {
                        break;
                    }
                }
            }
            lines.dedup_by(|a, b| a == b && *a == Err(LineError::Unterminated));
            let lines: Vec<_> = lines.iter().map(|line| line.as_deref().map_err(|e| *e)).collect();
            assert_eq!(lines, expected, "{:?} cut every {cut}", input.escape_ascii().to_string());
        }
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        check(b"", &[]);
        check(b"a", &[]);
        check(b"a\nb\r\n\n", &[Ok("a"), Ok("b"), Ok("")]);
        check(b"\r\r\nx\ry\n", &[Ok("\r"), Ok("x\ry")]);
        check("é\n".as_bytes(), &[Ok("é")]);
    }

    #[test]
    fn the_limit_counts_the_line_without_its_end() {
        check(b"1234\n1234\r\n", &[Ok("1234"), Ok("1234")]);
        check(b"12345\n123\n", &[Err(LineError::TooLong), Ok("123")]);
        check(b"1234\rx\na\n", &[Err(LineError::TooLong), Ok("a")]);
        check(b"1234\r\r\na\n", &[Err(LineError::TooLong), Ok("a")]);
    }

    #[test]
    fn what_is_not_made_of_lines_ends_the_stream() {
        check(b"1234567\na\n", &[Err(LineError::TooLong), Ok("a")]);
        check(b"12345678\na\n", &[Err(LineError::Unterminated)]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_reported_in_their_place() {
        check(
            b"a\n\xff\nb\n\xc3\n",
            &[Ok("a"), Err(LineError::NotUtf8), Ok("b"), Err(LineError::NotUtf8)],
        );
    }

    #[test]
    fn the_end_of_the_stream_gives_what_is_left() {
        let mut decoder = LineDecoder::new(4, 8);
        assert_eq!(decoder.finish(), None);
        assert_eq!(decoder.next(&mut &b"ab"[..]), None);
        assert_eq!(decoder.finish(), Some(Ok("ab")));
        assert_eq!(decoder.finish(), None);
        assert_eq!(decoder.next(&mut &b"abcdef"[..]), None);
        assert_eq!(decoder.finish(), Some(Err(LineError::TooLong)));
    }
}
