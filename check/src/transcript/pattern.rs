//! What a line must look like where not every byte of it is decided.

use crate::shown::shown;

/// A line as a transcript expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(crate) Vec<Piece>);

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(Vec<u8>),
    /// A text that the protocol leaves open, and what this project's server writes there.
    Any(Option<Vec<u8>>),
    /// `[2026-11-22T10:04:05.123Z]`, or any other time in UTC.
    Time,
}

/// Whether the texts that the protocol leaves open are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// Anything may stand there.
    Open,
    /// What the transcript says must stand there. For this project's own server.
    AsWritten,
}

impl Pattern {
    /// Exactly these bytes.
    #[must_use]
    pub fn literal(bytes: &[u8]) -> Self {
        Self(vec![Piece::Literal(bytes.to_vec())])
    }

    /// Whether `line` is one of the lines that this stands for.
    #[must_use]
    pub fn matches(&self, line: &[u8], texts: Texts) -> bool {
        matches(&self.0, line, texts)
    }

    /// The bytes, when all of them are decided.
    #[must_use]
    pub fn as_literal(&self) -> Option<&[u8]> {
        match &self.0[..] {
            [] => Some(b""),
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The same with another text for each piece that is decided.
    #[must_use]
    pub fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let change = |piece: &Piece| match piece {
            Piece::Literal(bytes) => Piece::Literal(change(bytes)),
            other => other.clone(),
        };
        Self(self.0.iter().map(change).collect())
    }

    /// As it is shown to a reader.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(bytes) => shown(bytes),
                Piece::Any(_) => "{any}".to_owned(),
                Piece::Time => "[TIME]".to_owned(),
            })
            .collect()
    }
}

fn matches(pieces: &[Piece], line: &[u8], texts: Texts) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return line.is_empty();
    };
    match first {
        Piece::Literal(bytes) => {
            line.strip_prefix(&bytes[..]).is_some_and(|left| matches(rest, left, texts))
        }
        Piece::Any(Some(text)) if texts == Texts::AsWritten => {
            line.strip_prefix(&text[..]).is_some_and(|left| matches(rest, left, texts))
        }
        Piece::Any(_) => (0..=line.len()).any(|from| matches(rest, &line[from..], texts)),
        Piece::Time => {
            time_length(line).is_some_and(|length| matches(rest, &line[length..], texts))
        }
    }
}

/// The length of an RFC 3339 time in UTC in brackets at the start of `line`.
fn time_length(line: &[u8]) -> Option<usize> {
    let end = line.iter().position(|byte| *byte == b']')?;
    let time = std::str::from_utf8(line.get(1..end)?).ok()?;
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let seconds = form.strip_prefix("0000-00-00T00:00:00")?.strip_suffix('Z')?;
    let is_fraction = |text: &str| text.len() > 1 && text[1..].bytes().all(|byte| byte == b'0');
    let is_time = seconds.is_empty() || seconds.starts_with('.') && is_fraction(seconds);
    (line[0] == b'[' && is_time).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_open_may_be_anything() {
        let pattern = Pattern(vec![
            Piece::Literal(b"Invalid: ".to_vec()),
            Piece::Any(Some(b"reserved".to_vec())),
        ]);
        assert!(pattern.matches(b"Invalid: reserved", Texts::AsWritten));
        assert!(!pattern.matches(b"Invalid: no", Texts::AsWritten));
        assert!(pattern.matches(b"Invalid: no", Texts::Open));
        assert!(pattern.matches(b"Invalid: ", Texts::Open));
        assert!(!pattern.matches(b"Invalid", Texts::Open));
    }

    #[test]
    fn a_time_has_one_form() {
        let pattern = Pattern(vec![Piece::Time, Piece::Literal(b" x".to_vec())]);
        let cases = [
            ("[2026-11-22T10:04:05.123Z] x", true),
            ("[2026-11-22T10:04:05Z] x", true),
            ("[2026-11-22T10:04:05.Z] x", false),
            ("[2026-11-22 10:04:05Z] x", false),
            ("[10:04] x", false),
            ("x", false),
            ("", false),
        ];
        for (line, expected) in cases {
            assert_eq!(pattern.matches(line.as_bytes(), Texts::Open), expected, "{line}");
        }
    }
}
