//! IP networks: an address and how many of its leading bits count (RFC 4632, RFC 4291).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv6 address that one household or laboratory has as a rule, and each of its machines
/// may fill the rest as it likes: see RFC 7421.
const SUBSCRIBER_BITS: u8 = 64;

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The other bits are zero.
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// The network of an address with so many leading bits. `None` when an address has fewer.
    #[must_use]
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let address = address.to_canonical();
        let address = match address {
            IpAddr::V4(v4) => {
                let other = 32_u8.checked_sub(bits)?;
                let mask = u32::MAX.checked_shl(other.into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let other = 128_u8.checked_sub(bits)?;
                let mask = u128::MAX.checked_shl(other.into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Some(Self { address, bits })
    }

    /// The one address alone.
    #[must_use]
    pub fn of_one(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, bits: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// What one subscriber has, as far as an address tells: an IPv4 address, or the first half of one
    /// of IPv6.
    #[must_use]
    pub fn of_subscriber(address: IpAddr) -> Self {
        let one = Self::of_one(address);
        Self::new(one.address, SUBSCRIBER_BITS).filter(|_| one.address.is_ipv6()).unwrap_or(one)
    }

    /// Whether an address belongs to it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.to_canonical().is_ipv4() == self.address.is_ipv4()
            && Self::new(address, self.bits) == Some(*self)
    }

    /// Whether it is a single address.
    #[must_use]
    pub fn is_one(&self) -> bool {
        *self == Self::of_one(self.address)
    }

    /// Its first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits count.
    #[must_use]
    pub fn bits(&self) -> u8 {
        self.bits
    }
}

/// `ADDRESS` or `ADDRESS/BITS`.
impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network; write it as 10.1.0.0/16 or fd00::/64");
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse().map(Self::of_one).map_err(|_| wrong());
        };
        let bits = bits.parse().ok().filter(|_| bits.bytes().all(|byte| byte.is_ascii_digit()));
        let address: Option<IpAddr> = address.parse().ok();
        address.zip(bits).and_then(|(address, bits)| Self::new(address, bits)).ok_or_else(wrong)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one() {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_and_written() {
        for (text, written) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.1.2.3/16", "10.1.0.0/16"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("fd00::a:b/64", "fd00::/64"),
            ("fd00::a/128", "fd00::a"),
            ("::1/0", "::/0"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), written);
        }
        for text in [
            "",
            "/",
            "10.1.2.3/",
            "10.1.2.3/33",
            "::1/129",
            "10.1/16",
            "10.0.0.0/+8",
            "a/8",
            "10.0.0.0/8/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_begins_alike_belongs_to_it() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.1.0.0/16", "10.1.255.1"));
        assert!(contains("10.1.0.0/16", "::ffff:10.1.0.1"));
        assert!(!contains("10.1.0.0/16", "10.2.0.0"));
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(!contains("::/0", "10.0.0.1"));
        assert!(contains("fd00::/64", "fd00::1:2:3:4"));
        assert!(!contains("fd00::/64", "fd00:0:0:1::"));
        let subscriber = |address: &str| Network::of_subscriber(address.parse().unwrap());
        assert_eq!(subscriber("fd00::1"), subscriber("fd00::2:3"));
        assert_ne!(subscriber("10.0.0.1"), subscriber("10.0.0.2"));
    }
}
