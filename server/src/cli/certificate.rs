//! `chat-server certificate`: makes a certificate that vouches for itself, and its key, for a lab.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use chat_server::{Credentials, pin};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::pki_types::ServerName;

/// Makes a folder with the two files, and gives back what they are and the pin of the certificate.
/// Nothing that exists is overwritten.
///
/// The certificate has no end: a client that trusts its pin trusts it for as long as it is used.
pub fn make(names: &[String], folder: &Path) -> anyhow::Result<(Credentials, String)> {
    for name in names {
        // One star may stand for the first part of a name.
        let plain = name.strip_prefix("*.").unwrap_or(name);
        let why =
            "is no name of a machine, and no address; write it as chat.example.org or 192.0.2.7";
        ensure!(ServerName::try_from(plain).is_ok(), "{name:?} {why}");
    }
    let mut params = CertificateParams::new(names).context("cannot make a certificate")?;
    params.distinguished_name = DistinguishedName::new();
    // So that no other certificate that vouches for itself is taken for the issuer of this one.
    params.distinguished_name.push(DnType::OrganizationName, "chat-server, self-signed");
    if let Some(first) = names.first() {
        params.distinguished_name.push(DnType::CommonName, first);
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
    let key = KeyPair::generate().context("cannot make a key")?;
    let certificate = params.self_signed(&key).context("cannot make a certificate")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files =
        Credentials { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    for file in [&files.certificate, &files.key] {
        let display = file.display();
        ensure!(!file.exists(), "{display} exists already; remove it, or give another --out");
    }
    write(&files.key, &key.serialize_pem(), 0o600)?;
    write(&files.certificate, &certificate.pem(), 0o644)?;
    Ok((files, pin(certificate.der())))
}

fn write(path: &PathBuf, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_certificate_is_made_for_what_no_machine_is_called() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (name, is_good)) in [
            ("localhost", true),
            ("chat.example.org", true),
            ("*.example.org", true),
            ("192.0.2.7", true),
            ("2001:db8::7", true),
            ("two words", false),
            ("http://chat.example.org", false),
            ("chat.example.org:6697", false),
            ("*", false),
            ("", false),
        ]
        .into_iter()
        .enumerate()
        {
            let out = folder.path().join(number.to_string());
            let made = make(&[name.to_owned()], &out);
            assert_eq!(made.is_ok(), is_good, "{name}: {made:?}");
            assert_eq!(out.exists(), is_good, "{name}");
        }
    }
}
