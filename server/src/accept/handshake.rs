//! The handshake of TLS, on a short-lived thread of its own, before there is a session.
//!
//! What a stack was once used for stays in memory as long as its thread lives, and a handshake uses
//! much more of it than a session. The thread only reads: what TLS has to say the courier sends.

use std::io;
use std::time::{Duration, Instant};

use protocol::Reply;

use crate::config::Transport;
use crate::delivery::client::Client;
use crate::delivery::item::Item;
use crate::delivery::phase::Phase;
use crate::delivery::socket::Handshake;
use crate::log::position::Position;
use crate::web::http::Refusal;

/// How long all of it may take, however the peer cuts it.
const TIME: Duration = Duration::from_secs(10);

/// How long the first byte may take. A client that speaks TLS sends it at once. One that does not waits for
/// a greeting, and is told what is wrong.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(4);

/// Bytes read at once. A client's part of a handshake is shorter.
const READ_BYTES: usize = 4096;

/// The first byte of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

const NO_TLS: &str = "this port speaks TLS; connect with chat-client --tls or openssl s_client";

/// What a client without a place is sent in place of a handshake: the fatal alert `access_denied`
/// (RFC 8446, section 6). No text can be read before a handshake, and that would cost too much here.
pub const ACCESS_DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

/// Why there is no TLS. The text is for the server's log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The peer does not speak it.
    #[error("it speaks no TLS")]
    Plain,
    /// The peer took too long.
    #[error("its handshake took too long")]
    Late,
    /// The server stops, or has given up on the client.
    #[error("closed by the server")]
    Closed,
    /// The handshake did not come to its end.
    #[error("{0}")]
    Broken(#[from] io::Error),
}

/// Takes a client through its handshake. One that speaks no TLS is told so, in plain text.
///
/// # Errors
///
/// Says why there can be no session. The client takes [`Item::Close`] next.
pub fn shake(client: &Client) -> Result<(), Failure> {
    let begin = Instant::now();
    if !speaks_tls(client, begin + FIRST_BYTE_TIME)? {
        client.socket.give_up_tls();
        match client.transport {
            Transport::Tcp => client.reply(Position::default(), Reply::WrongProtocol(NO_TLS)),
            Transport::Web => {
                let answer = Item::Http { bytes: Refusal::Plain.to_bytes(), is_upgrade: false };
                drop(client.post(Position::default(), answer));
            }
        }
        return Err(Failure::Plain);
    }
    let mut buffer = [0; READ_BYTES];
    loop {
        check_open(client)?;
        limit_reads(client, begin + TIME)?;
        let shaken = client.socket.shake(&mut buffer);
        // Also after an error, for that is what is to be told.
        client.flush_tls();
        match shaken {
            Ok(Handshake::Done) => return Ok(client.socket.set_read_timeout(None)?),
            Ok(Handshake::Going) => {}
            Err(error) if is_no_end(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn speaks_tls(client: &Client, deadline: Instant) -> Result<bool, Failure> {
    loop {
        check_open(client)?;
        match limit_reads(client, deadline) {
            Err(Failure::Late) => return Ok(false),
            limited => limited?,
        }
        match client.socket.first_byte() {
            Ok(first) => return Ok(first == HANDSHAKE),
            Err(error) if is_no_end(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Lets the next read wait until `deadline` at most.
fn limit_reads(client: &Client, deadline: Instant) -> Result<(), Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Failure::Late);
    }
    Ok(client.socket.set_read_timeout(Some(left))?)
}

fn check_open(client: &Client) -> Result<(), Failure> {
    let is_open = client.is_open() && client.outbox.phase() == Phase::Open;
    if is_open { Ok(()) } else { Err(Failure::Closed) }
}

fn is_no_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
