//! Whom a client trusts to be the server, when it connects with TLS.
//!
//! There is no trust on first use: either somebody vouches for the certificate, or the user has its
//! pin from elsewhere. Whatever vouches, the server proves in each handshake that it has the key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::exit::{Exit, Failure};

/// Who has to vouch for a server.
#[derive(Debug, Clone)]
pub enum Trust {
    /// An authority that this machine trusts.
    System,
    /// An authority whose certificate is in this file, in PEM.
    Authority(PathBuf),
    /// Nobody: it must be this one certificate.
    Pin(Pin),
}

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    fn of(certificate: &[u8]) -> Self {
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
    fn new(error: &Error, pin: Pin) -> Self {
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

impl Trust {
    /// What handshakes need to know.
    ///
    /// # Errors
    ///
    /// When there is no certificate that can vouch.
    pub fn load(&self) -> Result<Arc<ClientConfig>, Failure> {
        let provider = Arc::new(ring::default_provider());
        let judge = match self {
            Self::Pin(pin) => Judge::Pin(*pin),
            Self::System => Judge::authorities(system_roots()?, &provider)?,
            Self::Authority(file) => Judge::authorities(roots_in(file)?, &provider)?,
        };
        let verifier = Arc::new(Verifier { judge, provider: Arc::clone(&provider) });
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| Failure::local(std::io::Error::other(error)))?;
        let mut config =
            config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn system_roots() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let reason = "this machine has no certificates of authorities; install its package \
                      ca-certificates, or give --ca FILE or --pin SHA256";
        return Err(Failure::new(Exit::Local, reason));
    }
    Ok(roots)
}

fn roots_in(file: &Path) -> Result<RootCertStore, Failure> {
    let unusable = |why: String| {
        let reason =
            format!("cannot use {}: {why}; it must be a certificate in PEM", file.display());
        Failure::new(Exit::Local, reason)
    };
    let bytes = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let added = certificate
            .map_err(|error| format!("{error:?}"))
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(unusable)?;
    }
    if roots.is_empty() {
        return Err(unusable("there is none in it".to_owned()));
    }
    Ok(roots)
}

#[derive(Debug)]
enum Judge {
    Authorities(Arc<WebPkiServerVerifier>),
    Pin(Pin),
}

impl Judge {
    fn authorities(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map(Self::Authorities)
            .map_err(|error| Failure::local(std::io::Error::other(error)))
    }
}

/// Judges certificates, and says of each that it does not trust which one it was.
#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = Pin::of(certificate);
        let untrusted = match &self.judge {
            Judge::Pin(pin) if *pin == seen => return Ok(ServerCertVerified::assertion()),
            Judge::Pin(_) => Untrusted { why: Why::OtherPin, pin: seen },
            Judge::Authorities(judge) => {
                match judge.verify_server_cert(certificate, intermediates, name, ocsp, now) {
                    Err(error) => Untrusted::new(&error, seen),
                    trusted => return trusted,
                }
            }
        };
        Err(CertificateError::Other(OtherError(Arc::new(untrusted))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
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
