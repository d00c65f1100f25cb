//! The text of a transcript into steps.

use protocol::Framing;
use thiserror::Error;

use super::pattern::Piece;
use super::{Action, Headers, Pattern, Step, Transcript};

/// What is wrong with a transcript, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}:{line}: {what}")]
pub struct ParseError {
    name: String,
    line: usize,
    what: String,
}

const TOGETHER: &str = "at the same time";

impl Transcript {
    /// Reads a transcript.
    ///
    /// # Errors
    ///
    /// Says in which line which step or header cannot be understood.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        let mut transcript =
            Self { name: name.to_owned(), headers: Headers::default(), steps: Vec::new() };
        for (line, written) in (1..).zip(text.lines()) {
            let error = |what: String| ParseError { name: name.to_owned(), line, what };
            if let Some(comment) = written.strip_prefix('#') {
                if transcript.steps.is_empty() {
                    header(comment, &mut transcript.headers).map_err(error)?;
                }
            } else if written == TOGETHER {
                transcript.steps.push(Step { line, action: Action::Together(Vec::new()) });
            } else if let Some(inner) = written.strip_prefix("  ") {
                let step = Step { line, action: action(inner).map_err(error)? };
                match (&step.action, transcript.steps.last_mut().map(|last| &mut last.action)) {
                    (
                        Action::Send { .. } | Action::Receive { .. },
                        Some(Action::Together(steps)),
                    ) => steps.push(step),
                    _ => return Err(error(format!("only `>` and `<` below `{TOGETHER}`"))),
                }
            } else {
                transcript.steps.push(Step { line, action: action(written).map_err(error)? });
            }
        }
        Ok(transcript)
    }
}

/// A comment that is no header is a comment.
fn header(comment: &str, headers: &mut Headers) -> Result<(), String> {
    let Some((key, value)) = comment.trim_start().split_once(": ") else { return Ok(()) };
    match key {
        "level" => headers.level = value.parse().map_err(|_| "a level is a number".to_owned())?,
        "rule" => value.clone_into(&mut headers.rule),
        "why" => value.clone_into(&mut headers.why),
        "hint" => value.clone_into(&mut headers.hint),
        "operators" => headers.operators = operators(value)?,
        "names" if value == "as written" => headers.names_as_written = true,
        "framing" if value == "line" => headers.line_framing_only = true,
        "names" | "framing" => return Err(format!("no such {key}: {value}")),
        _ => {}
    }
    Ok(())
}

fn operators(value: &str) -> Result<Vec<(String, String)>, String> {
    let words: Vec<_> = value.split(' ').collect();
    words
        .chunks(2)
        .map(|pair| match pair {
            [name, password] => Ok(((*name).to_owned(), (*password).to_owned())),
            _ => Err("operators are NAME PASSWORD, again and again".to_owned()),
        })
        .collect()
}

fn action(written: &str) -> Result<Action, String> {
    let (client, what) = written.split_once(' ').ok_or("a step is a name and what happens")?;
    let client = client.to_owned();
    match what {
        "connects" => return Ok(Action::Connect { client, framing: Framing::Line }),
        "connects (classic)" => return Ok(Action::Connect { client, framing: Framing::Classic }),
        "is disconnected" => return Ok(Action::Disconnected { client }),
        "resets" => return Ok(Action::Reset { client }),
        "closes its side" => return Ok(Action::CloseSide { client }),
        _ => {}
    }
    let (sign, text) = what.split_once(' ').unwrap_or((what, ""));
    match sign {
        ">" => Ok(Action::Send { client, bytes: [&bytes(text)?[..], b"\n"].concat() }),
        ">|" => Ok(Action::Send { client, bytes: bytes(text)? }),
        "<" => Ok(Action::Receive { client, pattern: pattern(text)?, whole_line: true }),
        "<|" => Ok(Action::Receive { client, pattern: pattern(text)?, whole_line: false }),
        _ => Err(format!("no such step: {written}")),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let pattern = pattern(text)?;
    let bytes = pattern.as_literal().ok_or("what is sent must be decided")?;
    Ok(bytes.to_vec())
}

fn pattern(text: &str) -> Result<Pattern, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, length) = piece(rest)?;
        match (pieces.last_mut(), piece) {
            (Some(Piece::Literal(last)), Piece::Literal(more)) => last.extend(more),
            (_, piece) => pieces.push(piece),
        }
        rest = &rest[length..];
    }
    Ok(Pattern(pieces))
}

/// The first piece of `text`, and how many bytes of it that takes.
fn piece(text: &str) -> Result<(Piece, usize), String> {
    const SIMPLE: [(&str, u8); 3] = [(r"\n", b'\n'), (r"\r", b'\r'), (r"\t", b'\t')];
    if let Some((escape, byte)) = SIMPLE.iter().find(|(escape, _)| text.starts_with(escape)) {
        return Ok((Piece::Literal(vec![*byte]), escape.len()));
    }
    if text.starts_with("[TIME]") {
        return Ok((Piece::Time, "[TIME]".len()));
    }
    if let Some(code) = text.strip_prefix(r"\x") {
        let digits = code.get(..2).ok_or(r"\x needs two digits")?;
        let byte = u8::from_str_radix(digits, 16).map_err(|_| r"\x needs two digits")?;
        return Ok((Piece::Literal(vec![byte]), 4));
    }
    if let Some(code) = text.strip_prefix(r"\u{") {
        let (digits, _) = code.split_once('}').ok_or(r"\u{ has no end")?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| r"\u{} needs a number")?;
        let character = char::from_u32(number).ok_or("no such character")?;
        return Ok((Piece::Literal(character.to_string().into_bytes()), digits.len() + 4));
    }
    if let Some(inside) = text.strip_prefix('{') {
        let (inside, _) = inside.split_once('}').ok_or("{ has no end")?;
        return Ok((in_braces(inside)?, inside.len() + 2));
    }
    // `text` is not empty here.
    let length = text.chars().next().map_or(1, char::len_utf8);
    Ok((Piece::Literal(text.as_bytes()[..length].to_vec()), length))
}

fn in_braces(inside: &str) -> Result<Piece, String> {
    if inside == "any" {
        return Ok(Piece::Any(None));
    }
    if let Some(text) = inside.strip_prefix("any: ") {
        return Ok(Piece::Any(Some(text.as_bytes().to_vec())));
    }
    let (what, count) = inside.split_once('*').ok_or("in braces: any, any: TEXT or x*9")?;
    let count = count.parse().map_err(|_| "a number of times follows *")?;
    Ok(Piece::Literal(what.repeat(count).into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(step: &str, expected: Result<&[u8], &str>) {
        let text = format!("# why: x\nann connects\nann > {step}");
        match Transcript::parse("t", &text) {
            Ok(parsed) => {
                let Action::Send { bytes, .. } = &parsed.steps[1].action else { panic!("no send") };
                assert_eq!(Ok(&bytes[..bytes.len() - 1]), expected, "{step}");
            }
            Err(error) => {
                assert_eq!(Err(error.to_string().as_str()), expected, "{step}");
            }
        }
    }

    #[test]
    fn escapes_stand_for_bytes() {
        check(r"a\x00\xff\t\r\n", Ok(b"a\x00\xff\t\r\n"));
        check(
            r"\u{e9}{é*2}{ab*2}",
            Ok("ééé"
                .to_owned()
                .as_bytes()
                .iter()
                .chain(b"abab")
                .copied()
                .collect::<Vec<_>>()
                .as_slice()),
        );
        check("", Ok(b""));
        check(r"\xg0", Err(r"t:3: \x needs two digits"));
        check("{x", Err("t:3: { has no end"));
        check("{any}", Err("t:3: what is sent must be decided"));
    }

    #[test]
    fn headers_stand_above_the_first_step() {
        let text = "# level: 4\n# rule: a#b\n# why: because: x\n# hint: y\n# a comment: z\n\
                    # operators: ann open bob shut\n# names: as written\n# framing: line\nann connects\n# level: 9";
        let headers = Transcript::parse("t", text).unwrap().headers;
        assert_eq!((headers.level, headers.rule.as_str()), (4, "a#b"));
        assert_eq!((headers.why.as_str(), headers.hint.as_str()), ("because: x", "y"));
        assert_eq!(headers.operators[1], ("bob".to_owned(), "shut".to_owned()));
        assert!(headers.names_as_written && headers.line_framing_only);
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_line() {
        for (text, expected) in [
            ("ann jumps", "t:1: no such step: ann jumps"),
            ("ann", "t:1: a step is a name and what happens"),
            ("  ann > x", "t:1: only `>` and `<` below `at the same time`"),
            ("at the same time\n  ann resets", "t:2: only `>` and `<` below `at the same time`"),
            ("# level: high", "t:1: a level is a number"),
        ] {
            assert_eq!(Transcript::parse("t", text).unwrap_err().to_string(), expected);
        }
    }
}
