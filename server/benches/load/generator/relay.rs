//! What the server is compared with: how cheap it could be, and how it is usually done.
//!
//! All of them wait until a known number of clients has come, say `ready` to each, and then pass
//! on lines. They do no more than that: no names, no replies, no limits.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::ValueEnum;

use super::mark::Mark;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Relay {
    /// The limit of one send for each line and client: one thread, one loop, one sender.
    LineByLine,
    /// The limit of few sends: the same loop, but each send carries all lines that are there.
    Coalesced,
    /// The usual way: a thread for each client, which takes a lock and writes to everyone.
    LockAndWrite,
}

impl Relay {
    /// Its name as an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineByLine => "line-by-line",
            Self::Coalesced => "coalesced",
            Self::LockAndWrite => "lock-and-write",
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
            Self::LockAndWrite => lock_and_write(streams, room_size),
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

fn lock_and_write(streams: Vec<TcpStream>, room_size: usize) -> io::Result<()> {
    let streams: Vec<_> = streams.into_iter().map(Arc::new).collect();
    thread::scope(|scope| {
        for members in streams.chunks(room_size) {
            let room = Arc::new(Mutex::new(members.to_vec()));
            for member in members {
                let (member, room) = (Arc::clone(member), Arc::clone(&room));
                let builder = thread::Builder::new().name("client".into()).stack_size(128 * 1024);
                builder.spawn_scoped(scope, move || write_to_each(&member, &room))?;
            }
        }
        Ok(())
    })
}

fn write_to_each(reader: &TcpStream, room: &Mutex<Vec<Arc<TcpStream>>>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let members = room.lock().unwrap_or_else(PoisonError::into_inner);
        for mut member in members.iter().map(Arc::as_ref) {
            // Whoever is gone gets nothing, and its own thread notices.
            let _ = member.write_all(&line);
        }
        line.clear();
    }
}
