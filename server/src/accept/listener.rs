//! A socket that listens, and advice for who chose an address that cannot be had.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::SockRef;

use crate::config::Endpoint;

/// Connections that may wait to be accepted. A room full of students logs in at once.
const ACCEPT_QUEUE: i32 = 4096;

/// One socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    endpoint: Endpoint,
}

impl Listener {
    /// Binds an address; port 0 takes a free one. Events of the listener carry `token`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the address, and what to do.
    pub fn bind(endpoint: Endpoint, registry: &Registry, token: Token) -> io::Result<Self> {
        let address = endpoint.address;
        let socket = TcpListener::bind(address).map_err(|error| explain(&error, address))?;
        socket.set_nonblocking(true)?;
        // The system takes what it can of that. `nix` would refuse more than the C library's constant,
        // which is 128 on macOS and in static programs.
        SockRef::from(&socket).listen(ACCEPT_QUEUE)?;
        registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { socket, endpoint })
    }

    /// Where it listens, with the port that was free.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(self.of(self.socket.local_addr()?))
    }

    /// The next connection, with what its client has from here, and its own address. Never waits.
    ///
    /// # Errors
    ///
    /// As accept(2).
    pub fn accept(&self) -> io::Result<(TcpStream, Endpoint)> {
        self.socket.accept().map(|(stream, address)| (stream, self.of(address)))
    }

    /// Whether somebody waits to be accepted.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        let mut awaited = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut awaited, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Its endpoint with another address.
    fn of(&self, address: SocketAddr) -> Endpoint {
        Endpoint { address, ..self.endpoint }
    }
}

fn explain(error: &io::Error, address: SocketAddr) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse if address.ip().is_unspecified() => {
            "choose another port, or [::] alone, which takes IPv4 as well; port 0 takes a free one"
        }
        io::ErrorKind::AddrInUse => "choose another port; port 0 takes a free one",
        io::ErrorKind::PermissionDenied => "ports from 1024 on need no privileges",
        _ => "the address must be one of this machine",
    };
    let text = format!("cannot listen on {address}: {}; {advice}", error.kind());
    io::Error::new(error.kind(), text)
}
