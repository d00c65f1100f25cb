//! What the server is compared with: how cheap it could be.
//!
//! They wait until a known number of clients has come, say `ready` to each, and then pass
//! on lines. They do no more than that: no names, no replies, no limits.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use clap::ValueEnum;
use rustls::{ServerConfig, ServerConnection};

use super::mark::Mark;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Relay {
    /// The limit of one send for each line and client: one thread, one loop, one sender.
    LineByLine,
    /// The limit of few sends: the same loop, but each send carries all lines that are there.
    Coalesced,
    /// The same over TLS.
    Tls,
}

impl Relay {
    /// Its name as an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineByLine => "line-by-line",
            Self::Coalesced => "coalesced",
            Self::Tls => "tls",
        }
    }

    /// Serves `clients` clients in rooms of `room_size`, in the order of their coming, until the
    /// first of them leaves.
    ///
    /// # Errors
    ///
    /// When a connection fails.
    pub fn run(
        self,
        listener: &TcpListener,
        clients: usize,
        room_size: usize,
        tls: Option<&Arc<ServerConfig>>,
    ) -> io::Result<()> {
        let mut streams = Vec::with_capacity(clients);
        for _ in 0..clients {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let tls = tls.map(|config| ServerConnection::new(Arc::clone(config))).transpose();
            let mut peer = Peer { stream, tls: tls.map_err(io::Error::other)? };
            peer.shake()?;
            streams.push(peer);
        }
        for peer in &mut streams {
            peer.write(b"ready\n")?;
        }
        bare_loop(&mut streams, room_size, self != Self::LineByLine)
    }
}

/// A client, with TLS or without.
struct Peer {
    stream: TcpStream,
    tls: Option<ServerConnection>,
}

impl Peer {
    fn shake(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            tls.complete_io(&mut self.stream)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes) };
        tls.writer().write_all(bytes)?;
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.stream.read(bytes),
            Some(tls) => rustls::Stream::new(tls, &mut self.stream).read(bytes),
        }
    }
}

fn bare_loop(peers: &mut [Peer], room_size: usize, is_coalesced: bool) -> io::Result<()> {
    let rooms = peers.len().div_ceil(room_size);
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let count = peers[0].read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        let Some(newline) = memchr::memrchr(b'\n', &buffer[..filled]) else { continue };
        let whole = newline + 1;
        let lines: Vec<_> = buffer[..whole].split_inclusive(|&byte| byte == b'\n').collect();
        let room_of = |line: &[u8]| match rooms {
            1 => 0,
            _ => Mark::read(line).map_or(0, |mark| mark.lane),
        };
        // Lines that stand together and are for one room are one send when coalesced.
        for group in lines.chunk_by(|a, b| is_coalesced && room_of(a) == room_of(b)) {
            let bytes = group.concat();
            for peer in peers.iter_mut().skip(room_of(group[0]) * room_size).take(room_size) {
                peer.write(&bytes)?;
            }
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}
