//! What the server is compared with: how cheap it could be.
//!
//! Both wait until a known number of clients has come, say `ready` to each, and then pass
//! on lines. They do no more than that: no names, no replies, no limits.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use clap::ValueEnum;

use super::mark::Mark;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Relay {
    /// The limit of one send for each line and client: one thread, one loop, one sender.
    LineByLine,
    /// The limit of few sends: the same loop, but each send carries all lines that are there.
    Coalesced,
}

impl Relay {
    /// Its name as an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineByLine => "line-by-line",
            Self::Coalesced => "coalesced",
        }
    }

    /// Serves `clients` clients in rooms of `room_size`, in the order of their coming, until the
    /// first of them leaves.
    ///
    /// # Errors
    ///
    /// When a connection fails.
    pub fn run(self, listener: &TcpListener, clients: usize, room_size: usize) -> io::Result<()> {
        let mut streams = Vec::with_capacity(clients);
        for _ in 0..clients {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        for mut stream in &streams {
            stream.write_all(b"ready\n")?;
        }
        match self {
            Self::Coalesced => bare_loop(&streams, room_size, true),
            Self::LineByLine => bare_loop(&streams, room_size, false),
        }
    }
}

fn bare_loop(streams: &[TcpStream], room_size: usize, is_coalesced: bool) -> io::Result<()> {
    let rooms: Vec<_> = streams.chunks(room_size).collect();
    let mut first = &streams[0];
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let count = first.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        let Some(newline) = memchr::memrchr(b'\n', &buffer[..filled]) else { continue };
        let whole = newline + 1;
        let lines: Vec<_> = buffer[..whole].split_inclusive(|&byte| byte == b'\n').collect();
        let room_of = |line: &[u8]| match rooms.len() {
            1 => 0,
            _ => Mark::read(line).map_or(0, |mark| mark.lane),
        };
        // Lines that stand together and are for one room are one send when coalesced.
        for group in lines.chunk_by(|a, b| is_coalesced && room_of(a) == room_of(b)) {
            let bytes = group.concat();
            for mut stream in rooms[room_of(group[0])] {
                stream.write_all(&bytes)?;
            }
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}
