//! The conversations of `chat-check` over TLS: a bridge stands between its clients, which speak plain
//! TCP, and the server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use chat_check::checks::Check;
use chat_server::Endpoint;
use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::fresh::{conversations, not_passed};
use crate::tls_stream::{client, credentials};

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
    let checks = conversations(&checks, &[]);
    let folder = TempDir::new().unwrap();
    let (files, certificate) = credentials(folder.path());
    let not_passed = not_passed(
        &checks,
        |config| {
            config.credentials = Some(files.clone());
            config.listeners.push(Endpoint::tls(SocketAddr::from(([127, 0, 0, 1], 0))));
        },
        |server| bridge(server.more[0], certificate.clone()),
    );
    assert_eq!(not_passed, [""; 0], "why is above");
}
