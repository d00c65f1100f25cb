//! The pin of a certificate: what one is told by another way than the network, and trusts.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// That of this certificate, in DER.
    pub(super) fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for Pin {
    type Err = &'static str;

    /// Reads 64 hexadecimal digits, perhaps with a colon after each two, as `openssl` prints them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a pin has 64 hexadecimal digits, as the server prints it at its start";
        let digits = text.trim().replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_servers_and_openssl_print_it() {
        let pin = Pin::of(b"x");
        let digits = pin.to_string();
        assert_eq!(digits.parse(), Ok(pin));
        let pairs: Vec<_> =
            (0..64).step_by(2).map(|at| digits[at..at + 2].to_uppercase()).collect();
        assert_eq!(pairs.join(":").parse(), Ok(pin));
        for wrong in ["", "ab", &digits[1..], &format!("{digits}0"), &digits.replace('a', "g")] {
            assert!(wrong.parse::<Pin>().is_err() || wrong == digits, "{wrong}");
        }
    }
}
