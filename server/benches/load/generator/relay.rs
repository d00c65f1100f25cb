//! What the server is compared with: how cheap it could be.
//!
//! All of them wait until a known number of clients has come, say `ready` to each, and then pass
//! on lines. They do no more than that: no names, no replies, no limits.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::ValueEnum;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use parking_lot::Mutex;
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
    /// The limit where many speak: one thread, which polls everybody, reads all who have said
    /// something, and then sends all of that to everybody at once.
    Batching,
    /// The limit of a thread for each client: whoever has read a line sends all that wait to everybody,
    /// unless somebody does so already.
    Threads,
    /// The same with one more thread, which alone sends.
    Sender,
}

impl Relay {
    /// Its name as an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineByLine => "line-by-line",
            Self::Coalesced => "coalesced",
            Self::Tls => "tls",
            Self::Batching => "batching",
            Self::Threads => "threads",
            Self::Sender => "sender",
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
        let mut peers = Vec::with_capacity(clients);
        for _ in 0..clients {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let tls = tls.map(|config| ServerConnection::new(Arc::clone(config))).transpose();
            peers.push(Peer { stream, tls: tls.map_err(io::Error::other)? });
        }
        // Not before all have come: who waits here for one client does not accept the others, and
        // the clients answer no handshake while one of them waits to be accepted.
        for peer in &mut peers {
            peer.shake()?;
            peer.write(b"ready\n")?;
        }
        match self {
            Self::Coalesced | Self::Tls => bare_loop(&mut peers, room_size, true),
            Self::LineByLine => bare_loop(&mut peers, room_size, false),
            Self::Batching => batching_loop(&mut peers),
            Self::Threads => threads(&peers, false),
            Self::Sender => threads(&peers, true),
        }
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

/// One room, in which everybody speaks.
fn batching_loop(peers: &mut [Peer]) -> io::Result<()> {
    let mut poll = Poll::new()?;
    for (number, peer) in peers.iter().enumerate() {
        let mut source = SourceFd(&peer.stream.as_raw_fd());
        poll.registry().register(&mut source, Token(number), Interest::READABLE)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    let mut tails = vec![Vec::new(); peers.len()];
    let mut lines = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let number = event.token().0;
            loop {
                match recv(peers[number].stream.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                    Ok(0) => return Ok(()),
                    Ok(count) => {
                        let got = &buffer[..count];
                        let whole = memchr::memrchr(b'\n', got).map_or(0, |at| at + 1);
                        if whole > 0 {
                            lines.append(&mut tails[number]);
                            lines.extend_from_slice(&got[..whole]);
                        }
                        tails[number].extend_from_slice(&got[whole..]);
                        // A read that is not full has emptied the socket.
                        if count < buffer.len() {
                            break;
                        }
                    }
                    Err(Errno::EAGAIN) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if !lines.is_empty() {
            for peer in &mut *peers {
                peer.write(&lines)?;
            }
            lines.clear();
        }
    }
}

/// One room, in which everybody speaks: a thread a client, and nothing else.
fn threads(peers: &[Peer], has_sender: bool) -> io::Result<()> {
    let waiting = Mutex::new(Vec::new());
    let sending = Mutex::new(());
    let is_notified = AtomicBool::new(false);
    let is_over = AtomicBool::new(false);
    // Whoever comes while another one sends leaves its lines to that one, who looks again at the end.
    let send = || {
        while !waiting.lock().is_empty() {
            let Some(_turn) = sending.try_lock() else { return };
            let lines: Vec<u8> = std::mem::take(&mut *waiting.lock());
            peers.iter().for_each(|peer| drop((&peer.stream).write_all(&lines)));
        }
    };
    thread::scope(|scope| {
        let sender = has_sender.then(|| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    thread::park();
                    is_notified.store(false, Ordering::Release);
                    send();
                }
            })
        });
        let sender = sender.map(|sender| sender.thread().clone());
        for (number, peer) in peers.iter().enumerate() {
            let (waiting, is_notified, is_over) = (&waiting, &is_notified, &is_over);
            let (sender, send) = (sender.clone(), &send);
            scope.spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = (&peer.stream).read(&mut buffer) {
                    waiting.lock().extend_from_slice(&buffer[..count]);
                    match &sender {
                        None => send(),
                        Some(sender) if !is_notified.swap(true, Ordering::AcqRel) => {
                            sender.unpark()
                        }
                        Some(_) => {}
                    }
                }
                if number == 0 {
                    is_over.store(true, Ordering::Release);
                    sender.iter().for_each(thread::Thread::unpark);
                    peers.iter().for_each(|peer| drop(peer.stream.shutdown(Shutdown::Both)));
                }
            });
        }
    });
    Ok(())
}
