//! The conversations of `chat-check` over TLS: a bridge stands between its clients, which speak plain
//! TCP, and the server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use chat_check::checks::{Check, Kind};
use chat_check::run::{Options, Outcome, run};
use chat_check::stage::Addresses;
use chat_check::target::{Target, Unreachable};
use chat_check::transcript::Texts;
use chat_server::{Credentials, Endpoint};
use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::support::{TestServer, operators_file};
use crate::tls_stream::{client, credentials};

/// A fresh server for each conversation, and the bridge to it.
struct Bridged {
    folder: TempDir,
    files: Credentials,
    certificate: CertificateDer<'static>,
    server: Option<TestServer>,
}

impl Target for Bridged {
    fn ready(&mut self, operators: &[(String, String)]) -> Result<Addresses, Unreachable> {
        self.server = None;
        let pairs: Vec<_> =
            operators.iter().map(|(name, password)| (name.as_str(), password.as_str())).collect();
        let file = (!pairs.is_empty()).then(|| operators_file(&self.folder, &pairs));
        let server = self.server.insert(TestServer::with(|config| {
            config.operators = file;
            config.credentials = Some(self.files.clone());
            config.listeners.push(Endpoint::tls(SocketAddr::from(([127, 0, 0, 1], 0))));
        }));
        let line = bridge(server.more[0], self.certificate.clone());
        Ok(Addresses { line: Some(line), classic: Some(server.classic) })
    }

    fn has_operators(&self) -> bool {
        true
    }
}

/// Where the bridge to the server at `far` takes connections. Its threads end with their
/// connections; the one that accepts waits until the tests end.
fn bridge(far: SocketAddr, certificate: CertificateDer<'static>) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let mut far = TcpStream::connect(far).unwrap();
            let mut tls = client(&certificate);
            while tls.is_handshaking() {
                tls.complete_io(&mut far).unwrap();
            }
            carry(near.unwrap(), far, tls);
        }
    });
    address
}

fn carry(near: TcpStream, far: TcpStream, tls: ClientConnection) {
    let (mut to_near, mut from_near) = (near.try_clone().unwrap(), near);
    let (mut to_far, mut from_far) = (far.try_clone().unwrap(), far);
    let tls = Arc::new(Mutex::new(tls));
    let opening = Arc::clone(&tls);
    thread::spawn(move || {
        let mut plaintext = [0; 4096];
        loop {
            // What came with the end of the handshake is here before the first read.
            let opened = opening.lock().unwrap().reader().read(&mut plaintext);
            match opened {
                Ok(0) => break,
                Ok(length) if to_near.write_all(&plaintext[..length]).is_err() => break,
                Ok(_) => continue,
                Err(_) => {}
            }
            let mut records = [0; 4096];
            let Ok(length @ 1..) = from_far.read(&mut records) else { break };
            let mut rest = &records[..length];
            let mut tls = opening.lock().unwrap();
            while !rest.is_empty() && tls.read_tls(&mut rest).unwrap() > 0 {
                tls.process_new_packets().unwrap();
            }
        }
        let _ = to_near.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = from_near.read(&mut buffer) else {
                return drop(to_far.shutdown(Shutdown::Both));
            };
            let mut records = Vec::new();
            {
                let mut tls = tls.lock().unwrap();
                match length {
                    0 => tls.send_close_notify(),
                    _ => tls.writer().write_all(&buffer[..length]).unwrap(),
                }
                while tls.wants_write() {
                    tls.write_tls(&mut records).unwrap();
                }
            }
            if to_far.write_all(&records).is_err() {
                return;
            }
            if length == 0 {
                return drop(to_far.shutdown(Shutdown::Write));
            }
        }
    });
}

#[test]
fn every_conversation_is_the_same_over_tls() {
    let checks = Check::all().unwrap();
    let checks: Vec<_> =
        checks.iter().filter(|check| matches!(check.kind, Kind::Transcript(_))).collect();
    assert!(checks.len() >= 50, "only {} conversations", checks.len());
    let folder = TempDir::new().unwrap();
    let (files, certificate) = credentials(folder.path());
    let mut target = Bridged { folder, files, certificate, server: None };
    let options = Options { texts: Texts::AsWritten, ..Options::default() };
    let findings = run(&mut target, &checks, options, |finding| {
        if !matches!(finding.outcome, Outcome::Passed) {
            eprint!("{}", chat_check::report::text::finding(finding));
        }
    });
    let is_passed = |outcome: &Outcome| matches!(outcome, Outcome::Passed);
    assert!(findings.unwrap().iter().all(|finding| is_passed(&finding.outcome)), "why is above");
}
