//! What a client sends, with the commands of a variant, however it is cut.

use super::{COMMANDS, Variant};

/// The requests of one client. The command of a line is known when it has ended, so the bytes of
/// one that has only begun wait here.
#[derive(Debug)]
pub struct Requests {
    variant: Variant,
    /// The beginning of a command.
    held: Vec<u8>,
    /// Whether what comes next is still the command of its line.
    is_command: bool,
}

impl Requests {
    /// Before anything is sent.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self { variant, held: Vec::new(), is_command: true }
    }

    /// What is sent for `bytes`. It may be less: a command that has only begun waits for its rest.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut sent = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.is_command && !matches!(byte, b' ' | b'\r' | b'\n') {
                self.held.push(*byte);
                if !self.may_become_a_command() {
                    sent.append(&mut self.held);
                    self.is_command = false;
                }
                continue;
            }
            if self.is_command {
                sent.extend(self.rest());
            }
            sent.push(*byte);
            self.is_command = *byte == b'\n';
        }
        sent
    }

    /// What waits, when nothing more follows.
    pub fn rest(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        match std::str::from_utf8(&held) {
            Ok(word) => self.variant.command(word).into_bytes(),
            Err(_) => held,
        }
    }

    fn may_become_a_command(&self) -> bool {
        COMMANDS.iter().any(|(command, _)| {
            let start = command.as_bytes().get(..self.held.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(&self.held))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_change_however_they_are_cut() {
        let variant = Variant::new(3);
        let [login, say, look, _] = variant.commands;
        let cases = [
            ("login ann\nsay a\nlook\n", format!("{login} ann\n{say} a\n{look}\n")),
            ("say say look\n", format!("{say} say look\n")),
            (" login ann\n", " login ann\n".to_owned()),
            ("LOGIN ann\n", format!("{} ann\n", login.to_uppercase())),
            ("look\t\nlooks\nlo\n", "look\t\nlooks\nlo\n".to_owned()),
            ("look\r\r\n\nsay\n", format!("{look}\r\r\n\n{say}\n")),
            ("xxxx", "xxxx".to_owned()),
            ("look", look.to_owned()),
        ];
        for (text, expected) in cases {
            for size in 1..=text.len() {
                let mut requests = Requests::new(variant);
                let mut sent: Vec<u8> =
                    text.as_bytes().chunks(size).flat_map(|part| requests.take(part)).collect();
                sent.extend(requests.rest());
                assert_eq!(String::from_utf8(sent).unwrap(), expected, "{size}");
            }
        }
    }
}
