//! The network as a room: one datagram, one line, to everybody who has the port open.
//!
//! Several programs of one machine can be in the room. So each sends from a port of its own, by
//! which it tells its own datagrams from those of the others.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use nix::ifaddrs::getifaddrs;
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
    /// The network whose datagrams are taken, if not all are.
    network: Option<Network>,
    buffer: Box<[u8]>,
}

/// A network that this machine is in.
#[derive(Debug, Clone, Copy)]
struct Network {
    address: Ipv4Addr,
    mask: Ipv4Addr,
}

impl Network {
    /// The one in which this machine has this address.
    fn of(address: Ipv4Addr) -> io::Result<Self> {
        let mask = getifaddrs()?.find_map(|interface| {
            let own = interface.address?.as_sockaddr_in()?.ip();
            (own == address).then_some(interface.netmask?.as_sockaddr_in()?.ip())
        });
        let mask = mask.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { address, mask })
    }

    fn has(self, other: SocketAddr) -> bool {
        let IpAddr::V4(other) = other.ip() else { return false };
        (other.to_bits() ^ self.address.to_bits()) & self.mask.to_bits() == 0
    }
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
        let network = interface.map(Network::of).transpose()?;
        Ok(Self { receiver, sender, own, network, buffer: vec![0; DATAGRAM_BYTES + 1].into() })
    }

    /// Sends a line to everybody.
    ///
    /// # Errors
    ///
    /// When the network does not take it. It may take the next one.
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
                // The port is open towards every network. A peer in another one would hear no answer.
                Ok((_, from)) if self.network.is_some_and(|network| !network.has(from)) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_told_by_its_mask() {
        let network = Network { address: [10, 77, 0, 1].into(), mask: [255, 255, 0, 0].into() };
        for (other, is_in) in [("10.77.3.9:1", true), ("10.78.0.1:1", false), ("[::1]:1", false)] {
            assert_eq!(network.has(other.parse().unwrap()), is_in, "{other}");
        }
        let loopback = Network::of(Ipv4Addr::LOCALHOST).unwrap();
        assert!(loopback.has("127.9.9.9:1".parse().unwrap()));
        assert!(Network::of([192, 0, 2, 1].into()).is_err());
    }
}
