//! Which web sites may speak for a browser's user.
//!
//! A browser lets any site open a WebSocket to any server, and says in `Origin` which site that is.
//! And a site can let its own name point to somebody else's address, so that the browser takes that
//! server for a part of the site ("DNS rebinding"); then `Host` has the site's name. So `Host` has
//! to be a name that is known to be this server's, and `Origin` the same as `Host`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who a request is for, or what site it comes from: a host, and a port where one is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In lower case, without a dot at its end.
    Name(String),
}

impl Authority {
    /// Reads `HOST` or `HOST:PORT`. `None` when it is neither.
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (Host::Address(address.parse::<Ipv6Addr>().ok()?.into()), port)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                (Host::parse(&text[..end])?, &text[end..])
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

/// The names that a browser may know this server by.
#[derive(Debug)]
pub struct Names {
    names: Vec<Host>,
}

impl Names {
    /// `localhost`, the name of this machine, also as the local network has it, and those given.
    #[must_use]
    pub fn new(machine: Option<&str>, given: &[String]) -> Self {
        let machine =
            machine.into_iter().flat_map(|name| [name.to_owned(), format!("{name}.local")]);
        let names = machine.chain(given.iter().cloned()).chain(["localhost".to_owned()]);
        Self { names: names.filter_map(|name| Host::parse(&name)).collect() }
    }

    /// Whether a request with this `Host` can be meant for this server. No site has power over an
    /// address, so each is taken.
    #[must_use]
    pub fn include(&self, host: &str) -> bool {
        match Authority::parse(host).map(|authority| authority.host) {
            Some(Host::Address(_)) => true,
            Some(name) => self.names.contains(&name),
            None => false,
        }
    }
}

/// Whether a page from `origin` was served by `host`.
#[must_use]
pub fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, site)) = origin.split_once("://") else { return false };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let read = |text: &str| {
        let authority = Authority::parse(text)?;
        Some((authority.host, authority.port.unwrap_or(usual)))
    };
    read(site).is_some_and(|site| read(host) == Some(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_known_name() {
        let names = Names::new(Some("Box"), &["chat.example.org".to_owned()]);
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[fe80::1]", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("box:1", true),
            ("box.local", true),
            ("chat.example.org", true),
            ("Chat.Example.Org:443", true),
            ("chat.example.org.evil.test", false),
            ("evil.test", false),
            ("xchat.example.org", false),
            ("localhost.evil.test", false),
            ("127.0.0.1.evil.test", false),
            ("127.0.0.1evil", false),
            ("0x7f.1", false),
            ("2130706433", false),
            ("", false),
            (":80", false),
            (".", false),
            ("localhost:", false),
            ("localhost:80x", false),
            ("localhost:+80", false),
            ("localhost:70000", false),
            ("[::1", false),
            ("[localhost]", false),
            ("::1", false),
            ("user@localhost", false),
            ("localhost/..", false),
            ("local host", false),
        ] {
            assert_eq!(names.include(host), expected, "{host:?}");
        }
    }

    #[test]
    fn an_origin_matches_the_whole_host() {
        for (origin, host, expected) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://localhost", "localhost:80", true),
            ("http://localhost:80", "localhost", true),
            ("https://chat.example.org", "chat.example.org", true),
            ("https://chat.example.org", "Chat.example.org.:443", true),
            ("http://[::1]:8080", "[0:0::1]:8080", true),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", false),
            ("http://127.0.0.1:80800", "127.0.0.1:8080", false),
            ("https://localhost", "localhost:80", false),
            ("http://localhost", "127.0.0.1", false),
            ("http://127.0.0.1.evil.test", "127.0.0.1", false),
            ("http://evil.test", "127.0.0.1", false),
            ("http://127.0.0.1@evil.test", "127.0.0.1", false),
            ("null", "127.0.0.1", false),
            ("file://", "127.0.0.1", false),
            ("ftp://127.0.0.1", "127.0.0.1", false),
            ("http://", "", false),
            ("", "", false),
        ] {
            assert_eq!(is_same(origin, host), expected, "{origin:?} {host:?}");
        }
    }
}
