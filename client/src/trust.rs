//! Trust: what shows a client that connects with TLS that it has reached its server.
//!
//! There is no trust on first use: either somebody vouches for the certificate, or the user has its
//! pin from elsewhere. Whatever vouches, the server proves in each handshake that it has the key.

mod pin;
mod untrusted;

use std::path::{Path, PathBuf};
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

use crate::exit::{Exit, Failure};

pub use pin::Pin;
pub use untrusted::{Untrusted, Why};

/// What has to vouch for a server.
#[derive(Debug, Clone)]
pub enum Trust {
    /// An authority that this machine trusts.
    System,
    /// An authority whose certificate is in this file, in PEM.
    Authority(PathBuf),
    /// Nobody: it must be this one certificate.
    Pin(Pin),
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
