//! `--trace`: what goes over the wire, in the log, for those who want to watch it.
//!
//! `->` comes from a client, `<-` goes to it. Whatever could act on a terminal is escaped, and
//! passwords are left out.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

use protocol::{Command, Secret};

/// The log target.
pub const WIRE: &str = "wire";

/// Bytes of a line that may come before it is clear whether it has a secret: more than white space, a
/// command and a name need.
const LONGEST_BEGINNING: usize = 1024;

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
            Some(Beginning::Secret(shown)) if from == start => {
                show(format!("Unknown command: {shown}").as_bytes());
            }
            Some(Beginning::Secret(_)) => {}
            _ => show(&text[from..to]),
        }
        start += line.len();
    }
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
                        Beginning::Unclear if begun.len() > LONGEST_BEGINNING => {
                            show(b"[a long beginning, perhaps of a password]\n");
                            self.line = Line::Hidden;
                        }
                        Beginning::Unclear => {}
                        Beginning::Secret(shown) => {
                            show(shown.as_bytes());
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

/// What came last and is no whole line. It may be one all the same, when the client has ended its input.
impl Drop for Received {
    fn drop(&mut self) {
        if let Line::Begun(begun) = &self.line
            && is_on()
            && !begun.is_empty()
        {
            log(self.address, "->", begun);
        }
    }
}

/// What the beginning of a line tells.
enum Beginning {
    /// It is a command and a secret, or meant to be: neither case matters, nor what stands before the
    /// word, such as a byte order mark, nor what follows it, such as a colon or a no-break space. This is
    /// shown instead of it.
    Secret(String),
    Other,
    /// More has to come.
    Unclear,
}

impl Beginning {
    fn of(line: &[u8]) -> Self {
        // What is cut within a character is read as another one, of no word.
        let text = String::from_utf8_lossy(line);
        let is_whole = text.ends_with('\n');
        let is_of_word = |letter: char| letter.is_ascii_alphanumeric();
        let text = text.trim_matches('\n').trim_start_matches(|letter| !is_of_word(letter));
        let end = text.find(|letter| !is_of_word(letter)).unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        if after.is_empty() {
            let is_unclear = !is_whole && may_become_secret(word.as_bytes());
            return if is_unclear { Self::Unclear } else { Self::Other };
        }
        let Some(command) = Command::find_secret(word.as_bytes()) else { return Self::Other };
        let after = after.trim_start_matches(is_between);
        let (name, secret) = match command.spec().secret {
            Secret::AfterName => after.split_at(after.find(is_between).unwrap_or(after.len())),
            Secret::All | Secret::Nothing => ("", after),
        };
        let command = command.spec().name;
        match (name, secret.trim_start_matches(is_between)) {
            (_, "") if is_whole => Self::Other,
            (_, "") => Self::Unclear,
            ("", _) => Self::Secret(format!("{command} [password]\n")),
            (name, _) => Self::Secret(format!("{command} {name} [password]\n")),
        }
    }
}

/// Whether it may stand between a command, a name and a secret, on purpose or by mistake.
fn is_between(character: char) -> bool {
    character <= ' ' || character.is_whitespace() || matches!(character, ':' | '=')
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
    use protocol::Spec;

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
        check("login al\nlogin al \n", "login al\nlogin al \n");
        check(
            "login al x y\nLOGIN  \u{e9}l\tx\n",
            "login al [password]\nlogin \u{e9}l [password]\n",
        );
        check("rename al\u{3000}x\nlogins al x\n", "rename al [password]\nlogins al x\n");
    }

    #[test]
    fn no_secret_is_shown_however_its_command_is_mistyped() {
        for Spec { name, secret, .. } in Command::secrets().map(Command::spec) {
            let capital = name[..1].to_uppercase() + &name[1..];
            for word in [(*name).to_owned(), name.to_uppercase(), capital] {
                for space in [" ", "  ", "\t", "\r", "\x0b", " \t", ":", "\u{a0}", "=", "\u{3000}"]
                {
                    for before in ["", " ", "\t", "\u{feff}", "\u{a0}", "/", ":"] {
                        let user = if *secret == Secret::AfterName { "al " } else { "" };
                        let line = format!("{before}{word}{space}{user}hunter2 hunter2\n");
                        check(&line, &format!("{name} {user}[password]\n"));
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
        let text = b"al: hi\nUnknown command: op\tx y\nUnknown command: opera\n\
                     Unknown command: Login\tal\tx\n";
        for cut in 0..=text.len() {
            let mut shown = Vec::new();
            for part in [0..cut, cut..text.len()] {
                show_sent(text, part, |bytes| shown.extend_from_slice(bytes));
            }
            let expected = "al: hi\nUnknown command: op [password]\nUnknown command: opera\n\
                            Unknown command: login al [password]\n";
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "cut at {cut}");
        }
    }
}
