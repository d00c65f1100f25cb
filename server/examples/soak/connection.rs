//! A client's connection, as good or as bad as its owner wants it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket, sockopt,
};

/// How many connections there are.
pub static OPEN_CONNECTIONS: Gauge = Gauge::new();

/// Counts what there is, and how much there was at most.
#[derive(Debug)]
pub struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    const fn new() -> Self {
        Self { now: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

/// A connection that counts itself and its bytes.
#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    pub sent: u64,
    pub got: u64,
}

impl Connection {
    /// Connects, with a receive buffer of this size where one is given: it has to be set before.
    pub fn new(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<Self> {
        let stream = match receive_buffer {
            None => TcpStream::connect(address)?,
            Some(bytes) => {
                let flags = SockFlag::SOCK_CLOEXEC;
                let family =
                    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
                let descriptor: OwnedFd = socket(family, SockType::Stream, flags, None)?;
                setsockopt(&descriptor, sockopt::RcvBuf, &bytes)?;
                connect(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
                TcpStream::from(descriptor)
            }
        };
        stream.set_nodelay(true)?;
        let now = OPEN_CONNECTIONS.now.fetch_add(1, Ordering::Relaxed) + 1;
        OPEN_CONNECTIONS.most.fetch_max(now, Ordering::Relaxed);
        Ok(Self { stream, sent: 0, got: 0 })
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.sent += bytes.len() as u64;
        Ok(())
    }

    /// Takes what is there, and no more than that.
    pub fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.got += count as u64;
        Ok(count)
    }

    /// Takes everything up to the end, or until nothing comes for `patience`. `true` at the end.
    pub fn drain(&mut self, patience: Duration) -> io::Result<bool> {
        let mut buffer = vec![0; 64 * 1024];
        self.stream.set_read_timeout(Some(patience))?;
        loop {
            match self.take(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    pub fn end_input(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Lets the close of the connection be a reset.
    pub fn reset_on_close(&self) -> io::Result<()> {
        let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        Ok(setsockopt(&self.stream, sockopt::Linger, &at_once)?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        OPEN_CONNECTIONS.now.fetch_sub(1, Ordering::Relaxed);
    }
}
