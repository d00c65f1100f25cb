//! `--trace`: what goes over the wire, in the log, for those who want to watch it.
//!
//! `->` comes from a client, `<-` goes to it. Whatever could act on a terminal is escaped, and
//! passwords are left out.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

use protocol::Command;

/// The log target.
pub const WIRE: &str = "wire";

fn is_on() -> bool {
    log::log_enabled!(target: WIRE, log::Level::Trace)
}

fn log(address: SocketAddr, direction: &str, line: &[u8]) {
    log::trace!(target: WIRE, "{address} {direction} {}", Escaped(line));
}

/// Bytes as they are logged. They become text when a line of the log is made of them, and perhaps never.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self.0).escape_debug().fmt(formatter)
    }
}

/// Logs what was sent to a client: this part of a text whose lines are whole.
pub fn sent(address: SocketAddr, text: &[u8], part: Range<usize>) {
    if is_on() {
        show_sent(text, part, |line| log(address, "<-", line));
    }
}

fn show_sent(text: &[u8], part: Range<usize>, mut show: impl FnMut(&[u8])) {
    // A part may be small, and the text large.
    let mut start = memchr::memrchr(b'\n', &text[..part.start]).map_or(0, |newline| newline + 1);
    for line in text[start..].split_inclusive(|&byte| byte == b'\n') {
        if start >= part.end {
            break;
        }
        let (from, to) = (part.start.max(start), part.end.min(start + line.len()));
        // The reply to a password that stands behind a tab, so that it was taken for part of the command.
        let echo = line.strip_prefix(b"Unknown command: ");
        match echo.map(Beginning::of) {
            _ if from >= to => {}
            Some(Beginning::Secret(command)) if from == start => {
                show(format!("Unknown command: {}", hidden(command)).as_bytes());
            }
            Some(Beginning::Secret(_)) => {}
            _ => show(&text[from..to]),
        }
        start += line.len();
    }
}

/// What is shown instead of a line with a secret.
fn hidden(command: Command) -> String {
    format!("{} [password]\n", command.spec().name)
}

/// The bytes that come from one client, as they are logged.
#[derive(Debug)]
pub struct Received {
    address: SocketAddr,
    line: Line,
}

/// What is known of the line that the next bytes belong to.
#[derive(Debug)]
enum Line {
    /// Only this came of it so far, which may be the beginning of a password.
    Begun(Vec<u8>),
    Shown,
    Hidden,
}

impl Received {
    /// For a client from there.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, line: Line::Begun(Vec::new()) }
    }

    /// Logs bytes that were received, however the network cut them.
    pub fn trace(&mut self, bytes: &[u8]) {
        if is_on() {
            let address = self.address;
            self.show(bytes, |line| log(address, "->", line));
        }
    }

    fn show(&mut self, bytes: &[u8], mut show: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            match &mut self.line {
                Line::Hidden => {}
                Line::Shown => show(piece),
                Line::Begun(begun) => {
                    begun.extend(piece);
                    match Beginning::of(begun) {
                        Beginning::Unclear => {}
                        Beginning::Secret(command) => {
                            show(hidden(command).as_bytes());
                            self.line = Line::Hidden;
                        }
                        Beginning::Other => {
                            show(begun);
                            self.line = Line::Shown;
                        }
                    }
                }
            }
            if piece.ends_with(b"\n") {
                self.line = Line::Begun(Vec::new());
            }
        }
    }
}

/// What the beginning of a line tells.
enum Beginning {
    /// It is this command and a secret, or meant to be: neither case matters, nor what stands before the
    /// word, such as a byte order mark, nor what follows it, such as a colon or a no-break space.
    Secret(Command),
    Other,
    /// More has to come.
    Unclear,
}

impl Beginning {
    fn of(line: &[u8]) -> Self {
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric();
        let is_start = |byte: &u8| *byte == b'\n' || is_of_word(byte);
        let start = line.iter().position(is_start).unwrap_or(line.len());
        let line = &line[start..];
        match line.iter().position(|byte| !is_of_word(byte)) {
            Some(end) if line[end] != b'\n' => {
                Command::find_secret(&line[..end]).map_or(Self::Other, Self::Secret)
            }
            Some(_) => Self::Other,
            None if may_become_secret(line) => Self::Unclear,
            None => Self::Other,
        }
    }
}

/// Whether a command with a secret begins like this.
fn may_become_secret(word: &[u8]) -> bool {
    Command::secrets().any(|command| {
        let name = command.spec().name.as_bytes();
        name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        for cut in 1..=input.len() {
            let mut received = Received::new(SocketAddr::from(([127, 0, 0, 1], 1)));
            let mut shown = Vec::new();
            for piece in input.as_bytes().chunks(cut) {
                received.show(piece, |bytes| shown.extend_from_slice(bytes));
            }
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "{input:?} cut every {cut}");
        }
    }

    #[test]
    fn passwords_are_left_out_and_nothing_else() {
        check("say op x\nop x\nping\n", "say op x\nop [password]\nping\n");
        check("op\nopera x\no\n\n", "op\nopera x\no\n\n");
        check(" OP\tx\r\nlook\r\n", "op [password]\nlook\r\n");
        check("look\nop x", "look\nop [password]\n");
    }

    #[test]
    fn no_secret_is_shown_however_its_command_is_mistyped() {
        for name in Command::secrets().map(|command| command.spec().name) {
            let capital = name[..1].to_uppercase() + &name[1..];
            for word in [name.to_owned(), name.to_uppercase(), capital] {
                for space in [" ", "  ", "\t", "\r", "\x0b", " \t", ":", "\u{a0}", "=", "\u{3000}"]
                {
                    for before in ["", " ", "\t", "\u{feff}", "\u{a0}", "/", ":"] {
                        let line = format!("{before}{word}{space}hunter2 hunter2\n");
                        check(&line, &format!("{name} [password]\n"));
                        let echo = format!("Unknown command: {line}");
                        let mut shown = Vec::new();
                        show_sent(echo.as_bytes(), 0..echo.len(), |it| shown.extend_from_slice(it));
                        assert!(!String::from_utf8(shown).unwrap().contains("hunter2"), "{echo:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn neither_are_they_shown_when_they_come_back() {
        let text = b"al: hi\nUnknown command: op\tx y\nUnknown command: opera\n";
        for cut in 0..=text.len() {
            let mut shown = Vec::new();
            for part in [0..cut, cut..text.len()] {
                show_sent(text, part, |bytes| shown.extend_from_slice(bytes));
            }
            let expected = "al: hi\nUnknown command: op [password]\nUnknown command: opera\n";
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "cut at {cut}");
        }
    }
}
