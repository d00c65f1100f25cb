//! The network as a room: one datagram, one line, to everybody who has the port open.
//!
//! Several programs of one machine can be in the room. So each sends from a port of its own, by
//! which it tells its own datagrams from those of the others.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};

/// Bytes in a datagram. More would be cut into pieces on its way, and lost as a whole with any.
pub const DATAGRAM_BYTES: usize = 1200;

/// Room for a burst of lines, as far as the system allows it.
const RECEIVE_BYTES: usize = 1024 * 1024;

/// The two sockets of one user: one receives the room's datagrams, the other sends.
#[derive(Debug)]
pub struct Broadcast {
    receiver: UdpSocket,
    sender: UdpSocket,
    own: SocketAddr,
    buffer: Box<[u8]>,
}

impl Broadcast {
    /// Opens the room of this port. `interface` is an own address, that of the network to use.
    ///
    /// # Errors
    ///
    /// When the port is not to be had, or there is no such network.
    pub fn open(port: u16, interface: Option<Ipv4Addr>, broadcast: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        // Both, since systems differ in which of them lets programs share a port.
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        // A smaller buffer is no reason not to chat.
        let _ = socket.set_recv_buffer_size(RECEIVE_BYTES);
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
        let receiver = UdpSocket::from(socket);
        receiver.set_nonblocking(true)?;
        let sender = UdpSocket::bind((interface.unwrap_or(Ipv4Addr::UNSPECIFIED), 0))?;
        sender.set_broadcast(true)?;
        // Only a connected socket knows from which address it sends.
        sender.connect((broadcast, port))?;
        let own = sender.local_addr()?;
        Ok(Self { receiver, sender, own, buffer: vec![0; DATAGRAM_BYTES + 1].into() })
    }

    /// Sends a line to everybody.
    ///
    /// # Errors
    ///
    /// When the network does not take it.
    pub fn send(&self, line: &str) -> io::Result<()> {
        loop {
            match self.sender.send(line.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(drop),
            }
        }
    }

    /// The next datagram of somebody else, and whose it is. `None` when there is none now. One that
    /// is too long comes with one byte too many.
    ///
    /// # Errors
    ///
    /// When the network is gone.
    pub fn receive(&mut self) -> io::Result<Option<(&[u8], SocketAddr)>> {
        loop {
            match self.receiver.recv_from(&mut self.buffer) {
                Ok((_, from)) if from == self.own => {}
                Ok((length, from)) => return Ok(Some((&self.buffer[..length], from))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// To wait for datagrams.
impl AsFd for Broadcast {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}
