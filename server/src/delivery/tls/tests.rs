//! Two ends of TLS without a network: bytes arrive in any pieces, and records are sealed in the order in which they leave.

use std::io::{Read, Write};

use fastrand::Rng;
use rcgen::{CertificateParams, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::*;

/// Bytes that a read of a session takes.
const READ_BYTES: usize = 512;

/// A server's side, and a client that trusts it.
struct Pair {
    server: Tls,
    client: ClientConnection,
    is_done: bool,
    /// What is under way to the server, and what the client got.
    sent: VecDeque<u8>,
    got: Vec<u8>,
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate: CertificateDer<'static> = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.resumption = Resumption::disabled();
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        client.set_buffer_limit(None);
        let server = Tls::new(Arc::new(config)).unwrap();
        Self { server, client, is_done: false, sent: VecDeque::new(), got: Vec::new() }
    }

    /// The client's records are under way.
    fn send(&mut self) {
        while self.client.wants_write() {
            self.client.write_tls(&mut self.sent).unwrap();
        }
    }

    /// So many bytes come to the server, which opens them into `plaintext`.
    fn arrive(&mut self, most: usize, plaintext: &mut Vec<u8>) {
        let length = most.min(self.sent.len()).min(READ_BYTES);
        let bytes: Vec<_> = self.sent.drain(..length).collect();
        if !self.is_done {
            self.is_done = self.server.shake(&bytes).unwrap();
            return;
        }
        let mut read = [0; READ_BYTES];
        read[..length].copy_from_slice(&bytes);
        match self.server.open(&mut read, length) {
            Ok(length) => plaintext.extend(&read[..length]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        self.take(plaintext);
    }

    fn take(&self, plaintext: &mut Vec<u8>) {
        let mut read = [0; READ_BYTES];
        while let Ok(length @ 1..) = self.server.take(&mut read) {
            plaintext.extend(&read[..length]);
        }
    }

    /// The courier's records come to the client.
    fn deliver(&mut self, records: &[u8]) {
        let mut rest = records;
        while !rest.is_empty() {
            self.client.read_tls(&mut rest).unwrap();
            self.client.process_new_packets().unwrap();
            // It ends with `WouldBlock`, or where the server has said its end.
            let _ = self.client.reader().read_to_end(&mut self.got);
        }
    }

    fn flush(&mut self) {
        let records = self.server.seal(&[], &[]).unwrap().unwrap();
        self.deliver(&records);
        self.send();
    }

    fn shake(&mut self) {
        while !self.is_done || self.client.is_handshaking() {
            self.send();
            self.arrive(READ_BYTES, &mut Vec::new());
            self.flush();
        }
    }

    /// Bytes that the server's side holds beside keys.
    fn held(&self) -> usize {
        let connection = self.server.connection.lock();
        let it = connection.as_ref().unwrap();
        [&it.received, &it.early, &it.records].map(Vec::capacity).iter().sum::<usize>()
            + it.plaintext.capacity()
    }
}

/// Everything happens in a random order: what is sent is cut anywhere, also in the handshake, keys
/// change, and the courier seals at any time. Both sides get what the other one said.
#[test]
fn what_was_said_arrives_however_it_was_cut() {
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let version = if random.bool() { &TLS12 } else { &TLS13 };
        let mut pair = Pair::new(version);
        let (mut said, mut opened, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
        for step in 0..200 {
            match random.u8(..6) {
                0 => {
                    let text = vec![b'a' + (step % 26) as u8; random.usize(..2000)];
                    pair.client.writer().write_all(&text).unwrap();
                    said.extend(text);
                }
                1 if pair.is_done && version == &TLS13 => {
                    pair.client.refresh_traffic_keys().unwrap();
                }
                2 => {
                    let (head, lines) = (
                        vec![b'#'; random.usize(..3)],
                        vec![b'0' + (step % 10) as u8; random.usize(..40_000)],
                    );
                    let records = pair.server.seal(&head, &lines).unwrap().unwrap();
                    sealed.extend(head.into_iter().chain(lines));
                    pair.deliver(&records);
                }
                3 if pair.server.has_records() => pair.flush(),
                _ => {
                    pair.send();
                    let most = random.usize(1..=READ_BYTES);
                    pair.arrive(most, &mut opened);
                }
            }
        }
        pair.shake();
        pair.send();
        while !pair.sent.is_empty() {
            pair.arrive(READ_BYTES, &mut opened);
        }
        pair.flush();
        assert!(said == opened, "seed {seed}: {} bytes said, {} opened", said.len(), opened.len());
        assert!(sealed == pair.got, "seed {seed}: {} sealed, {} got", sealed.len(), pair.got.len());
        assert_eq!(pair.held(), 0, "seed {seed}: a silent client has no buffers");
    }
}

#[test]
fn the_end_is_told_once_by_each_side() {
    let mut pair = Pair::new(&TLS13);
    pair.shake();
    assert!(!pair.server.has_plaintext());
    pair.client.writer().write_all(b"bye").unwrap();
    pair.client.send_close_notify();
    pair.send();
    // What comes behind the end is nobody's.
    pair.sent.extend(b"more");
    let mut opened = Vec::new();
    while !pair.sent.is_empty() {
        pair.arrive(READ_BYTES, &mut opened);
    }
    assert_eq!(opened, b"bye");
    assert!(pair.server.has_plaintext(), "no wait for the socket tells of the end");
    assert_eq!(pair.server.take(&mut [0; 9]).unwrap(), 0);
    // The other direction goes on.
    let records = pair.server.seal(&[], b"good bye").unwrap().unwrap();
    pair.deliver(&records);
    assert!(pair.server.finish());
    pair.flush();
    assert_eq!(pair.got, b"good bye");
    assert_eq!(pair.client.reader().read(&mut [0; 9]).unwrap(), 0, "the server has told its end");
    assert!(!pair.server.finish(), "there is nothing more to say");
}

#[test]
fn who_breaks_the_rules_is_told_so_once() {
    for is_done in [false, true] {
        let mut pair = Pair::new(&TLS13);
        if is_done {
            pair.shake();
        }
        // A record that was sealed with no key of this connection, or is no handshake.
        let record = [23, 3, 3, 0, 32].into_iter().chain([7; 32]).collect::<Vec<_>>();
        let mut read = [0; READ_BYTES];
        read[..record.len()].copy_from_slice(&record);
        let error = match is_done {
            false => pair.server.shake(&record).unwrap_err(),
            true => pair.server.open(&mut read, record.len()).unwrap_err(),
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let records = pair.server.seal(&[], b"not sent any more").unwrap().unwrap();
        let alert = if is_done { 23 } else { 21 };
        assert_eq!((records[0], records.len() < 40), (alert, true), "an alert, and nothing else");
        assert_eq!(pair.server.shake(&record).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(pair.server.seal(&[], b"nor now").unwrap().unwrap().is_empty());
        assert!(!pair.server.finish() && !pair.server.has_plaintext());
        assert_eq!(pair.held(), 0);
    }
}
