//! One direction of a connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use super::Mood;

/// How the direction came to an end that is none of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// With a close.
    Closed,
    /// With a reset.
    Reset,
}

/// Bytes that are taken at once. What is late is late as a whole: with less, a megabyte would take
/// seconds, and a right server would seem to be stopped.
const AT_ONCE: usize = 256 * 1024;

/// Between two pieces, so that they are usually two packets.
const PIECE_PAUSE: Duration = Duration::from_micros(300);

/// What comes at once and is more than this goes in pieces of up to as many bytes. In pieces of three
/// a megabyte would take seconds, and a right server would seem to be stopped.
const MUCH: usize = 1024;

/// How long bytes are gathered to be sent as one.
const GATHERED: Duration = Duration::from_millis(15);

/// How late bytes are.
const LATE: Duration = Duration::from_millis(20);

/// Bytes before a connection breaks, at most.
const BREAKS_WITHIN: usize = 200;

/// Carries bytes up to the end of the input.
pub(super) fn pump(
    mut from: &TcpStream,
    mut to: &TcpStream,
    mood: Mood,
    seed: u64,
) -> Result<(), Broken> {
    let mut random = Rng::with_seed(seed);
    let mut left = random.usize(1..=BREAKS_WITHIN);
    let mut buffer = vec![0; AT_ONCE];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Err(Broken::Reset),
        };
        let mut gathered = buffer[..length].to_vec();
        let mut is_reset = false;
        let bytes = match mood {
            Mood::Glue => {
                thread::sleep(GATHERED);
                is_reset = gather(from, &mut gathered, &mut buffer).is_err();
                &gathered[..]
            }
            Mood::Cut | Mood::Stall | Mood::Reset => &gathered[..length.min(left)],
            Mood::Pieces | Mood::Slow => &gathered[..],
        };
        if mood == Mood::Slow {
            thread::sleep(LATE);
        }
        match mood {
            Mood::Pieces => send_in_pieces(to, bytes, &mut random),
            _ => to.write_all(bytes),
        }
        .map_err(|_| Broken::Reset)?;
        if is_reset {
            return Err(Broken::Reset);
        }
        if !mood.keeps_everything() {
            left -= bytes.len();
            if left == 0 {
                return broken(from, mood, &mut buffer);
            }
        }
    }
}

fn send_in_pieces(mut to: &TcpStream, bytes: &[u8], random: &mut Rng) -> io::Result<()> {
    let most = if bytes.len() <= MUCH { 3 } else { MUCH };
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(random.usize(1..=most).min(rest.len()));
        to.write_all(piece)?;
        rest = more;
        // A long line would take for ever in pieces; its end is enough.
        if rest.len() < 64 {
            thread::sleep(PIECE_PAUSE);
        }
    }
    Ok(())
}

fn broken(mut from: &TcpStream, mood: Mood, buffer: &mut [u8]) -> Result<(), Broken> {
    match mood {
        Mood::Reset => Err(Broken::Reset),
        // It takes all and passes on nothing, as a machine that sleeps seems to do.
        Mood::Stall => {
            while from.read(buffer).is_ok_and(|length| length > 0) {}
            Err(Broken::Closed)
        }
        _ => Err(Broken::Closed),
    }
}

/// What else has come by now. A reset is told once only: the next read would give the end of the
/// input.
fn gather(mut from: &TcpStream, gathered: &mut Vec<u8>, buffer: &mut [u8]) -> io::Result<()> {
    // A timeout of zero is refused; this is the shortest that there is.
    from.set_read_timeout(Some(Duration::from_millis(1)))?;
    let read = from.read(buffer);
    from.set_read_timeout(None)?;
    match read {
        Ok(length) => gathered.extend_from_slice(&buffer[..length]),
        Err(error) if is_nothing_yet(error.kind()) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_nothing_yet(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
