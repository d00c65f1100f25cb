//! Which web sites may speak for a browser's user.
//!
//! A browser lets any site open a WebSocket to any server, and says in `Origin` which site that is.
//! And a site can let its own name point to somebody else's address, so that the browser takes that
//! server for a part of the site ("DNS rebinding"); then `Host` has the site's name. So `Host` has
//! to be a name that is known to be this server's, and `Origin` the same as `Host`, or the page of another
//! server of the same chat.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The host that a request is for, or the site that it comes from, with a port where one is given.
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

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A web site as a browser names it: `https://chat.example.org:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_secure: bool,
    host: Host,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, site) = text.split_once("://")?;
        let (is_secure, usual) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let Authority { host, port } = Authority::parse(site)?;
        Some(Self { is_secure, host, port: port.unwrap_or(usual) })
    }

    /// Whether a page from here was served by `host`, as a browser names that in its requests.
    fn is_of(&self, host: &str) -> bool {
        let usual = if self.is_secure { 443 } else { 80 };
        Authority::parse(host).is_some_and(|Authority { host, port }| {
            host == self.host && port.unwrap_or(usual) == self.port
        })
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    /// Reads where another server of the chat serves the page. The policy of a page cannot have an address
    /// of IPv6 (<https://www.w3.org/TR/CSP3/#grammardef-host-part>).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::parse(text.strip_suffix('/').unwrap_or(text)) {
            Some(Self { host: Host::Address(IpAddr::V6(_)), .. }) => {
                Err("browsers allow a page no address of IPv6; give the server's name")
            }
            Some(origin) => Ok(origin),
            None => Err("it is http:// or https://, a host, and perhaps a port"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// The names that a browser may know this server by, and which pages may speak with it.
#[derive(Debug)]
pub struct Names {
    names: Vec<Host>,
    /// Of other servers of the same chat.
    others: Vec<Origin>,
}

impl Names {
    /// `localhost`, the name of this machine, also as the local network has it, and those given; and the
    /// other servers whose pages may come here.
    #[must_use]
    pub fn new(machine: Option<&str>, given: &[String], others: &[Origin]) -> Self {
        let machine =
            machine.into_iter().flat_map(|name| [name.to_owned(), format!("{name}.local")]);
        let names = machine.chain(given.iter().cloned()).chain(["localhost".to_owned()]);
        let names = names.filter_map(|name| Host::parse(&name)).collect();
        Self { names, others: others.to_vec() }
    }

    /// Whether a page from `origin` may open a WebSocket: this server itself has served it, as `host`, or
    /// another server of the chat.
    #[must_use]
    pub fn trust(&self, origin: &str, host: &str) -> bool {
        Origin::parse(origin)
            .is_some_and(|origin| origin.is_of(host) || self.others.contains(&origin))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_known_name() {
        let names = Names::new(Some("Box"), &["chat.example.org".to_owned()], &[]);
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
        let names = Names::new(None, &[], &["https://b.example:8443/".parse().unwrap()]);
        for (origin, host, expected) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://localhost", "localhost:80", true),
            ("http://localhost:80", "localhost", true),
            ("https://chat.example.org", "chat.example.org", true),
            ("https://chat.example.org", "Chat.example.org.:443", true),
            ("http://[::1]:8080", "[0:0::1]:8080", true),
            ("https://b.example:8443", "127.0.0.1:8080", true),
            ("https://B.Example:8443", "localhost", true),
            ("https://b.example", "127.0.0.1:8080", false),
            ("http://b.example:8443", "127.0.0.1:8080", false),
            ("https://b.example:8443.evil.test", "127.0.0.1:8080", false),
            ("https://xb.example:8443", "127.0.0.1:8080", false),
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
            assert_eq!(names.trust(origin, host), expected, "{origin:?} {host:?}");
        }
    }

    #[test]
    fn another_server_is_given_as_browsers_name_it() {
        for (text, origin) in [
            ("https://chat.example.org", "https://chat.example.org:443"),
            ("http://10.0.0.2:8080/", "http://10.0.0.2:8080"),
            ("https://Chat.Example.:8443", "https://chat.example:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), origin);
        }
        for text in
            ["chat.example", "ws://a", "https://", "https://a/b", "https://a b", "https://a;b"]
        {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        assert!("http://[::1]:80".parse::<Origin>().unwrap_err().contains("IPv6"));
    }
}
