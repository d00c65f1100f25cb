//! Where the engine is: `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS.
//!
//! A colon without a user before it, `redis://:PASSWORD@HOST`, means the user that needs no name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The port of an address that has none.
const PORT: u16 = 6379;

/// Where the engine is, and who one is there. When shown it has neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: u32,
    pub(crate) is_tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// Why a text is no address. It quotes nothing, for there may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this is no address of an engine ({0}); it is redis://HOST:PORT or redis://HOST:PORT/DATABASE, with rediss for TLS"
)]
pub struct WrongAddress(&'static str);

impl Address {
    /// The same engine, with this password instead of that of the address.
    #[must_use]
    pub fn with_password(self, password: String) -> Self {
        Self { password: Some(password), ..self }
    }

    /// Whether there is a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Whether all goes through TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl FromStr for Address {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<Self, WrongAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(WrongAddress("it has no ://"))?;
        let is_tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(WrongAddress("it begins with neither redis:// nor rediss://")),
        };
        // A password may have an @ in it that nobody wrote as %40.
        let (who, place) = rest.rsplit_once('@').map_or((None, rest), |(a, b)| (Some(a), b));
        let (user, password) = match who.map(|who| who.split_once(':').unwrap_or((who, ""))) {
            Some((user, password)) => (part(user)?, part(password)?),
            None => (None, None),
        };
        if user.is_some() && password.is_none() {
            return Err(WrongAddress("its user has no password"));
        }
        let (place, database) = place.split_once('/').unwrap_or((place, ""));
        let database = match database {
            "" => 0,
            digits => number(digits).ok_or(WrongAddress("its database is no number"))?,
        };
        let (host, port) = host_and_port(place)?;
        Ok(Self { host: host.to_owned(), port, database, is_tls, user, password })
    }
}

/// A number as digits alone, without a sign.
fn number<N: FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn host_and_port(place: &str) -> Result<(&str, u16), WrongAddress> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(WrongAddress("its [ is not closed"))?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if host.is_empty() {
        return Err(WrongAddress("it has no host"));
    }
    let is_strange = |character: char| character.is_control() || character.is_whitespace();
    if host.contains(is_strange) || host.contains(['?', '#', '%']) && !place.starts_with('[') {
        return Err(WrongAddress("its host has a character that no host has"));
    }
    let port = match port {
        "" => PORT,
        port => port
            .strip_prefix(':')
            .and_then(number)
            .filter(|port| *port != 0)
            .ok_or(WrongAddress("its port is no number from 1 to 65535"))?,
    };
    Ok((host, port))
}

/// A user or a password, in which %XX is a byte. `None` when it is empty.
fn part(text: &str) -> Result<Option<String>, WrongAddress> {
    let wrong = WrongAddress("its user or password has a % that is not %25, %40 or the like");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                value.and_then(|value| u8::try_from(value).ok()).ok_or(wrong)?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        let Self { host, port, database, .. } = self;
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{scheme}://{open}{host}{close}:{port}/{database}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, shown, user, password) in [
            ("redis://localhost", "redis://localhost:6379/0", None, None),
            ("redis://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3", None, None),
            ("rediss://[::1]:7000", "rediss://[::1]:7000/0", None, None),
            ("redis://[fe80::1%25]", "redis://[fe80::1%25]:6379/0", None, None),
            ("redis://:p%40ss@host/", "redis://host:6379/0", None, Some("p@ss")),
            ("redis://al:a@b:c@host", "redis://host:6379/0", Some("al"), Some("a@b:c")),
        ] {
            let address: Address = text.parse().unwrap();
            let who = (address.user.as_deref(), address.password.as_deref());
            assert_eq!((address.to_string().as_str(), who), (shown, (user, password)), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_said_and_not_quoted() {
        for text in [
            "localhost:6379",
            "http://host",
            "redis://",
            "redis://host:0",
            "redis://host:x",
            "redis://host:+1",
            "redis://host:65536",
            "redis://host/x",
            "redis://host/-1",
            "redis://[::1",
            "redis://[::1]7",
            "redis://ho st",
            "redis://host?x=1",
            "redis://:%4@host",
            "redis://:%+4@host",
            "redis://al@host",
        ] {
            let wrong = text.parse::<Address>().unwrap_err().to_string();
            assert!(wrong.starts_with("this is no address of an engine ("), "{text}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let address: Address = "redis://al:geheim@host".parse().unwrap();
        assert!(!format!("{address} {address:?} {address:#?}").contains("geheim"));
        let address = address.with_password("secret".to_owned());
        assert!(!format!("{address:?}").contains("secret") && address.has_password());
    }
}
