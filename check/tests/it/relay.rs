//! The relay: what comes out of it, in each of its moods.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use chat_check::relay::{Mood, Relay};

/// No test waits for this. It only ends those that would never end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends `text` through a relay and ends the input. What came out, and how it ended. Where the relay stalls,
/// that is a silence, and the input ends after it.
fn through(mood: Mood, seed: u64, text: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay =
        Relay::start("127.0.0.1:0".parse().unwrap(), listener.local_addr().unwrap(), mood, seed);
    let relay = relay.unwrap();
    let mut client = TcpStream::connect(relay.address).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let patience = if mood == Mood::Stall { Duration::from_millis(300) } else { PATIENCE };
    server.set_read_timeout(Some(patience)).unwrap();
    let sender = text.to_vec();
    let sending = thread::spawn(move || {
        // A relay that breaks the connection takes not all of it.
        let _ = client.write_all(&sender);
        if mood.keeps_everything() {
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"thanks");
        }
        client
    });
    let mut got = Vec::new();
    let mut buffer = [0; 64 * 1024];
    let end = loop {
        match server.read(&mut buffer) {
            Ok(0) => break None,
            Ok(length) => got.extend_from_slice(&buffer[..length]),
            Err(error) => break Some(error.kind()),
        }
    };
    if mood.keeps_everything() {
        server.write_all(b"thanks").unwrap();
        server.shutdown(Shutdown::Write).unwrap();
    }
    let client = sending.join().unwrap();
    drop(client);
    if mood == Mood::Stall {
        // On a busy machine it was silent before, too: all that it passes on has come at its end.
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        server.read_to_end(&mut got).unwrap();
    }
    (got, end)
}

#[test]
fn three_moods_keep_everything_and_half_closes() {
    let text: Vec<u8> =
        (0..20_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    for mood in [Mood::Pieces, Mood::Glue, Mood::Slow] {
        let (got, end) = through(mood, 1, &text);
        assert!(got == text && end.is_none(), "{mood:?}: {} of {}, {end:?}", got.len(), text.len());
    }
}

#[test]
fn the_others_break_in_the_same_place_with_the_same_seed() {
    let text = [b'x'; 5000];
    for mood in [Mood::Cut, Mood::Stall, Mood::Reset] {
        for seed in [1, 2] {
            let (first, end) = through(mood, seed, &text);
            assert!(first.len() < text.len(), "{mood:?}");
            match mood {
                Mood::Stall => {
                    assert!(matches!(end, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)))
                }
                Mood::Reset => assert_eq!(end, Some(ErrorKind::ConnectionReset)),
                _ => assert_eq!(end, None),
            }
            // A reset throws away what was not read yet, so only the others can be compared.
            if mood != Mood::Reset {
                assert_eq!(through(mood, seed, &text).0, first, "{mood:?}");
                assert!(!first.is_empty());
            }
        }
    }
}

#[test]
fn a_reset_is_passed_on_as_a_reset_also_after_other_connections_ended() {
    for mood in [Mood::Pieces, Mood::Glue, Mood::Slow] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let relay = Relay::start("127.0.0.1:0".parse().unwrap(), to, mood, 1).unwrap();
        for _ in 0..3 {
            let client = TcpStream::connect(relay.address).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            drop(client);
            assert_eq!(server.read(&mut [0; 8]).unwrap(), 0, "{mood:?}");
        }
        for text in [&b""[..], b"half of a line"] {
            let mut client = TcpStream::connect(relay.address).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            server.set_read_timeout(Some(PATIENCE)).unwrap();
            client.write_all(text).unwrap();
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            let end = server.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
            assert_eq!(end, Err(ErrorKind::ConnectionReset), "{mood:?}");
        }
    }
}
