//! Why a certificate is not trusted, and what to do about it.

use std::fmt;

use rustls::{CertificateError, Error};

use super::pin::Pin;

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// What is wrong with it.
    pub why: Why,
    /// Which one it is.
    pub pin: Pin,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for other names than that of the server. These, where they are known.
    OtherName(Vec<String>),
    /// Nobody who is trusted vouches for it.
    UnknownIssuer,
    /// It is not the one that was expected.
    OtherPin,
    /// Something else.
    Other(String),
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Expired => f.write_str("the server's certificate has expired"),
            Why::NotYetValid => f.write_str("the server's certificate is not valid yet"),
            Why::OtherName(names) if names.is_empty() => {
                f.write_str("the server's certificate is for another name")
            }
            Why::OtherName(names) => {
                write!(f, "the server's certificate is for {}", names.join(", "))
            }
            Why::UnknownIssuer => write!(
                f,
                "nobody trusted vouches for the server's certificate, whose pin is {}",
                self.pin
            ),
            Why::OtherPin => write!(f, "the server's certificate has another pin: {}", self.pin),
            Why::Other(why) => write!(f, "the server's certificate is no good: {why}"),
        }
    }
}

impl std::error::Error for Untrusted {}

impl Untrusted {
    /// Why the check of a certificate with this pin failed.
    pub(super) fn new(error: &Error, pin: Pin) -> Self {
        let Error::InvalidCertificate(error) = error else {
            return Self { why: Why::Other(error.to_string()), pin };
        };
        let why = match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Why::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Why::NotYetValid
            }
            CertificateError::NotValidForName => Why::OtherName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Why::OtherName(presented.iter().map(|name| plain_name(name)).collect())
            }
            // The last two: somebody trusted has the issuer's name, and did not sign it.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Why::UnknownIssuer
            }
            other => Why::Other(other.to_string()),
        };
        Self { why, pin }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.why {
            Why::Expired => {
                "who runs the server has to renew it; or is the clock of this machine wrong?"
            }
            Why::NotYetValid => "is the clock of this machine wrong?",
            Why::OtherName(_) => "give --server the name that the certificate is for",
            Why::UnknownIssuer => {
                "ask who runs the server for its pin, and if it is this one give it with --pin; or \
                 give its authority with --ca"
            }
            Why::OtherPin => {
                "ask who runs the server whether its certificate is new; if not, somebody is in between"
            }
            Why::Other(_) => "tell who runs the server",
        }
    }
}

/// A name as the certificate has it, `DnsName("x")` say, without what rustls puts around it.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_matches(['"', '(', ')']).to_owned()
}
