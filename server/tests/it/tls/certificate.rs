//! Certificates as files: made by the program, read at its start, and read anew.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use chat_server::pin;
use nix::sys::signal::Signal;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::program::Program;
use crate::support::TestClient;
use crate::tls_stream::credentials;

fn start(certificate: &str, key: &str) -> Program {
    let local = "127.0.0.1:0";
    Program::start(&["--listen", local, "--tls", local, "--certificate", certificate, "--key", key])
}

/// The program as its user starts it, with the files that it has made itself.
#[test]
fn a_certificate_is_made_and_read_anew() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let make = |out: &str| {
        let arguments = ["certificate", "localhost", "127.0.0.1", "--out", &path(out)];
        let output = Program::start(&arguments).output();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = make("now");
    assert_eq!(code, Some(0));
    let old_pin = text.lines().last().unwrap().strip_prefix("pin ").unwrap().to_owned();
    // Nothing is overwritten.
    assert_eq!(make("now").0, Some(1));
    let key = fs::metadata(path("now/key.pem")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
    make("new");

    let (certificate, key) = (path("now/certificate.pem"), path("now/key.pem"));
    let mut program = start(&certificate, &key);
    program.address();
    let (address, remark) = program.address();
    assert_eq!(remark, "(tls)");
    assert_eq!(program.pin(), old_pin);
    let mut log = BufReader::new(program.stderr());
    let mut log_line = |what: &str| {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the log ended before {what:?}");
        }
        line
    };
    let old = read_certificate(&certificate);
    assert_eq!(pin(&old), old_pin);
    let mut ann = TestClient::connect_tls(address, &old).log_in("ann");

    // A key that belongs to another certificate changes nothing.
    fs::copy(path("new/key.pem"), &key).unwrap();
    program.signal(Signal::SIGHUP);
    log_line("the old certificate stays in use: cannot use ");
    ann.expect_nothing_but("talk goes on");
    TestClient::connect_tls(address, &old).expect("Connect Success");

    fs::copy(path("new/certificate.pem"), &certificate).unwrap();
    program.signal(Signal::SIGHUP);
    let new = read_certificate(&certificate);
    let line = log_line("the certificate is read anew");
    assert!(line.contains(&pin(&new)), "{line}");
    TestClient::connect_tls(address, &new).expect("Connect Success");
    // The connection of before goes on with the old one.
    ann.expect_nothing_but("talk goes on");
    program.signal(Signal::SIGTERM);
    assert_eq!(ann.rest(), "Server Shutdown\n");
    drop(ann);
    assert_eq!(program.output().status.code(), Some(0));
}

fn read_certificate(file: impl AsRef<Path>) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;

    CertificateDer::from_pem_file(file).unwrap()
}

#[test]
fn what_cannot_be_used_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let (files, _) = credentials(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    fs::write(path("empty"), "").unwrap();
    let local = "127.0.0.1:0";
    for (certificate, key, expected) in [
        (path("none"), key.clone(), "none: "),
        (path("empty"), key.clone(), "empty: nothing in it is in PEM; "),
        (certificate.clone(), certificate.clone(), "certificate.pem: nothing in it is in PEM; "),
    ] {
        let output = start(&certificate, &key).output();
        assert_eq!(output.status.code(), Some(3));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{stderr}");
    }
    assert!(files.certificate.exists());
    for wrong in [
        &["--tls", local][..],
        &["--web-tls", local],
        &["--tls", local, "--certificate", &certificate],
        &["--certificate", &certificate, "--key", &key],
        &["certificate", "localhost"],
        &["certificate", "--out", "x"],
    ] {
        assert_eq!(Program::start(wrong).output().status.code(), Some(2), "{wrong:?}");
    }
}
