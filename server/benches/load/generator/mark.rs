//! What is said under load: texts of one length that say who sent them, and the how manieth.

/// The length of every text. With `u00042: ` before it that is a line of 64 bytes.
pub const TEXT_BYTES: usize = 56;

const FILLER: &[u8; 42] = b"the quick brown fox jumps over a lazy dog.";

/// The identity of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its sender.
    pub lane: usize,
    /// Its number among the texts of this sender, from 0.
    pub number: u64,
}

impl Mark {
    /// Numbers from here on are no part of the load: they tell phases apart.
    pub const FENCE: u64 = 99_999_000;

    /// Appends the text.
    pub fn write(self, to: &mut Vec<u8>) {
        let mut head = *b"0000 00000000 ";
        write_digits(&mut head[..4], self.lane as u64);
        write_digits(&mut head[5..13], self.number);
        to.extend_from_slice(&head);
        to.extend_from_slice(FILLER);
    }

    /// Reads the text at the end of a line. `None` when there is something else.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = &line[line.len().checked_sub(TEXT_BYTES)?..];
        let (head, filler) = text.split_at(14);
        if filler != FILLER || head[4] != b' ' || head[13] != b' ' {
            return None;
        }
        let lane = read_digits(&head[..4])?;
        Some(Self { lane: lane as usize, number: read_digits(&head[5..13])? })
    }
}

fn write_digits(to: &mut [u8], mut value: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn read_digits(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0'))
    })
}
